"""What the catalogue is told about identifiers and embargoes."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict

from beamtorch_catalogue.wire.base import Audience
from beamtorch_catalogue.wire.publications import Months, PidPrefix

NOTHING: Mapping[str, object] = {}


def _variable(name: str) -> str:
    return f"BEAMTORCH_{name.upper()}"


class ReleaseSettings(BaseModel):
    """Identifiers and embargoes; each has a value that serves a facility that says nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_variable, populate_by_name=True)

    pid_prefix: PidPrefix = "local"
    """What identifiers begin with; those that were given before a change stay."""
    embargo_months: Months = 36
    """How long data belong to their team alone, from the end of the beamtime, if their proposal says nothing."""
    released_to: Audience = Audience.REGISTERED
    """To whom they are open then."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], policy: Mapping[str, object] = NOTHING) -> Self:
        """Read the variables ``BEAMTORCH_PID_PREFIX``, ``…_EMBARGO_MONTHS`` and ``…_RELEASED_TO``, or else the policy.

        Raises
        ------
        pydantic.ValidationError
            If one makes no sense; it names the variable.
        """
        given = {
            variable: environment[variable]
            for variable in map(_variable, cls.model_fields)
            if environment.get(variable, "").strip()
        }
        said = {name: policy[name] for name in cls.model_fields if name in policy and _variable(name) not in given}
        return cls.model_validate(given | said)
