"""The environments that people may start, as the spawner API tells them."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx
from pydantic import TypeAdapter, ValidationError

from beamtorch_service.tls import trusted
from beamtorch_spawner.environments import Environment

log = logging.getLogger(__name__)
_ENVIRONMENTS = TypeAdapter(tuple[Environment, ...])
_SECONDS = 3.0
"""How long a page waits for the spawner API: it renders without it."""


@dataclass
class Offers:
    """Asks the spawner API; remembers its last answer for the names of what runs."""

    url: str
    token: str
    transport: httpx.AsyncBaseTransport | None = None
    _last: tuple[Environment, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Find the spawner API by the variables of the Hub's process."""
        return cls(environment.get("BEAMTORCH_SPAWNER_URL", ""), environment.get("BEAMTORCH_SPAWNER_TOKEN", ""))

    async def now(self) -> tuple[Environment, ...] | None:
        """Return what can be started now, or None if the spawner API does not answer."""
        try:
            async with httpx.AsyncClient(
                transport=self.transport, timeout=_SECONDS, trust_env=False, verify=trusted()
            ) as client:
                answer = await client.get(
                    f"{self.url.rstrip('/')}/environments", headers={"Authorization": f"token {self.token}"}
                )
                answer.raise_for_status()
                self._last = _ENVIRONMENTS.validate_python(answer.json(), strict=False)
        except (httpx.HTTPError, httpx.InvalidURL, ValidationError, ValueError) as error:
            log.warning("the spawner API tells no environments: %s", error)
            return None
        return self._last

    async def of(self, spawner: Any) -> Environment | None:
        """Return the environment that a server of the Hub runs, if it is known."""
        wanted = chosen(spawner)
        if wanted and all(offer.id != wanted for offer in self._last):
            await self.now()
        return next((offer for offer in self._last if offer.id == wanted), None)


def chosen(spawner: Any) -> str:
    """Return the id of the environment that somebody chose for a server; empty if nobody did."""
    options = getattr(spawner, "user_options", None) or {}
    value = options.get("environment", "")
    return str(value[0] if isinstance(value, list) and value else value)
