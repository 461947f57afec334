"""What a facility decides about telling others of changes, and about keys."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

_PREFIX = "BEAMTORCH_"
NOTHING: Mapping[str, object] = {}


def _variable(name: str) -> str:
    return _PREFIX + name.upper()


class ChangeSettings(BaseModel):
    """How far webhooks may reach, how long they are tried, and how long a key may last."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_variable, populate_by_name=True)

    webhook_http: bool = Field(default=False, description="whether webhooks may go without TLS")
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="networks that webhooks may reach beside the public internet, such as 10.20.0.0/16; "
        "loopback and private ones are closed unless named here",
    )
    webhook_seconds: float = Field(default=10.0, gt=0, le=60, description="how long one delivery may take")
    webhook_days: float = Field(default=3.0, gt=0, le=365, description="how long a receiver may fail")
    key_days: int = Field(default=365, ge=1, le=3660, description="the longest life of a key")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], policy: Mapping[str, object] = NOTHING) -> Self:
        """Read the variables that are set, or else the policy; pydantic's error names what makes no sense."""
        given: dict[str, object] = {
            variable: environment[variable]
            for variable in map(_variable, cls.model_fields)
            if environment.get(variable)
        }
        networks = _variable("webhook_networks")
        if networks in given:
            given[networks] = str(given[networks]).replace(",", " ").split()
        said = {name: policy[name] for name in cls.model_fields if name in policy and _variable(name) not in given}
        return cls.model_validate(given | said)
