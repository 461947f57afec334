"""What the spawner API tells the Start page: how long each server has, and what a start at this place would end."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from beamtorch_facility.words import Words
from beamtorch_service.tls import trusted
from beamtorch_spawner.client import decoded, unreachable
from beamtorch_spawner.spoken import clock_time, duration
from beamtorch_spawner.wire import NOTICES, HereNow, Lease, Peer, QuotaUse

log = logging.getLogger(__name__)
T = TypeVar("T")
_SECONDS = 3.0
"""How long a page waits for the spawner API: it renders without it."""
_ACTING_FOR = "Beamtorch-Acting-For"
_WARNING_SECONDS, _DANGER_SECONDS = 30 * 60, 3 * 60
NOWHERE = HereNow(terminal=None)


@dataclass(frozen=True)
class TimeLeft:
    """How long a server has, as the page shows it."""

    lease: str
    ends_at: datetime
    begun_at: datetime
    left: Words
    ends: Words
    latest: Words | None
    """None: it ends as late as it may."""
    level: str
    """``""``, ``warn`` under half an hour, ``bad`` under three minutes."""
    used: int
    """Per cent of its life."""
    notice: Words | None = None
    """What somebody should know now: 30, 10 and 3 minutes before the end."""


def time_left(lease: Lease, now: datetime) -> TimeLeft | None:
    """Return how long a lease has; None if that is not known."""
    if lease.expires_at is None or lease.running_at is None:
        return None
    seconds = (lease.expires_at - now).total_seconds()
    whole = max((lease.expires_at - lease.running_at).total_seconds(), 1.0)
    left, at = duration(seconds), clock_time(lease.expires_at, now)
    can_go_on = lease.latest_end is not None and lease.latest_end > lease.expires_at and lease.extensions_left != 0
    latest = clock_time(lease.latest_end, now) if lease.latest_end is not None and can_go_on else None
    return TimeLeft(
        lease=lease.id,
        ends_at=lease.expires_at,
        begun_at=lease.running_at,
        left=Words(en=f"{left.en} left", zh=f"剩余 {left.zh}"),
        ends=Words(en=f"Ends {at.en}", zh=f"{at.zh} 结束"),
        latest=latest and Words(en=f"can be extended to {latest.en}", zh=f"最多可延至 {latest.zh}"),
        level="bad" if seconds < _DANGER_SECONDS else "warn" if seconds < _WARNING_SECONDS else "",
        used=min(100, max(0, round(100 * (1 - seconds / whole)))),
        notice=_notice(seconds, whole, can_be_extended=can_go_on),
    )


def _notice(left: float, whole: float, *, can_be_extended: bool) -> Words | None:
    """Return the notice of the newest moment that has passed; none for one before the server began."""
    due = min((seconds for seconds in NOTICES if left <= seconds), default=None)
    if due is None or whole < due:
        return None
    about = duration(due)
    if can_be_extended:
        return Words(
            en=f"Ends within {about.en}. Extend it, or save your work.",
            zh=f"将在 {about.zh}内结束。请延长，或保存工作。",
        )
    return Words(
        en=f"Ends within {about.en} and cannot be extended. Save your work.",
        zh=f"将在 {about.zh}内结束，且无法延长。请保存工作。",
    )


@dataclass
class LeaseDesk:
    """Asks the spawner API in the name of whoever looks at a page."""

    url: str
    token: str
    transport: httpx.AsyncBaseTransport | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Find the spawner API by the variables of the Hub's process."""
        return cls(environment.get("BEAMTORCH_SPAWNER_URL", ""), environment.get("BEAMTORCH_SPAWNER_TOKEN", ""))

    async def active(self, username: str) -> dict[str, Lease]:
        """Return a person's leases by server; none if the API does not answer."""
        wanted = f"leases?active=true&username={username}"
        leases = await self._look("GET", wanted, tuple[Lease, ...], username=username)
        return {lease.server: lease for lease in leases or () if lease.username == username}

    async def here(self, username: str, peer: Peer) -> HereNow:
        """Return what a start from where somebody looks would end."""
        body = {"username": username, "peer": peer.model_dump(mode="json")}
        return await self._look("POST", "uniqueipinfo/here", HereNow, body=body) or NOWHERE

    async def quotas(self, username: str) -> tuple[QuotaUse, ...]:
        """Return the quotas that count for a person; none if the API does not answer."""
        found = await self._look("GET", f"quotas?username={username}", tuple[QuotaUse, ...], username=username)
        return found or ()

    async def extend(self, username: str, lease: str) -> Lease:
        """Let somebody's lease last longer; raises what the API says, or that it does not answer."""
        return decoded(await self._send("POST", f"leases/{lease}/extend", username=username), Lease)

    async def _look(self, method: str, path: str, kind: type[T], **more: Any) -> T | None:
        try:
            answer = await self._send(method, path, **more)
            answer.raise_for_status()
            return TypeAdapter(kind).validate_json(answer.content)
        except (httpx.HTTPError, httpx.InvalidURL, ValidationError) as error:
            log.warning("the spawner API does not tell %s: %s", path.partition("?")[0], error)
            return None

    async def _send(
        self, method: str, path: str, *, username: str | None = None, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"token {self.token}"} | ({_ACTING_FOR: username} if username else {})
        try:
            async with httpx.AsyncClient(
                transport=self.transport, timeout=_SECONDS, trust_env=False, verify=trusted()
            ) as client:
                return await client.request(method, f"{self.url.rstrip('/')}/{path}", headers=headers, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if body is None and method == "POST":
                raise unreachable() from error
            raise
