"""What the services need from outside, as they see it: the Hub, and the cluster whose pods they look after."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from beamtorch_spawner.wire import ClusterPod, Identification


class HubServer(BaseModel):
    """A server as the Hub tells it."""

    model_config = ConfigDict(frozen=True)

    username: str
    server: str
    ready: bool
    pending: str | None
    """``spawn``, ``stop``, ``check`` or None."""
    stopped: bool = False
    url: str | None = None
    pod: str | None = None
    """Name of its pod, if the Hub's spawner keeps one."""


class HubApi(Protocol):
    """The Hub's REST API. Every method raises `beamtorch_service.caller.HubUnreachableError` if it cannot be asked."""

    async def servers(self, username: str | None = None) -> tuple[HubServer, ...]:
        """Return active servers of one person, or of everybody."""
        ...

    async def ensure_user(self, username: str) -> bool:
        """Make a person known at the Hub; True if they were not."""
        ...

    async def knows(self, username: str) -> bool:
        """Tell whether the Hub knows a person."""
        ...

    async def users(self) -> frozenset[str]:
        """Return the names that the Hub knows."""
        ...

    async def start(self, username: str, server: str, user_options: Mapping[str, Any]) -> bool:
        """Ask for a start; False if the server runs already; a refusal is the `SpawnerRefusedError` of its sentence."""
        ...

    async def stop(self, username: str, server: str) -> None:
        """Ask for a stop; nothing running is fine."""
        ...


class ClusterUnreachableError(Exception):
    """The cluster does not answer; nothing may be concluded from that."""


class ClusterView(BaseModel):
    """All pods of this platform at one moment."""

    model_config = ConfigDict(frozen=True)

    taken_at: datetime
    pods: tuple[ClusterPod, ...]


class Cluster(Protocol):
    """The cluster, through rights that are limited to one namespace."""

    async def view(self) -> ClusterView:
        """Return this platform's pods; raise `ClusterUnreachableError` if they cannot be listed."""
        ...

    async def annotate(self, pod: str, annotations: Mapping[str, str | None]) -> bool:
        """Change annotations of a pod; False if it is gone."""
        ...

    async def end(self, pod: str, uid: str, *, grace_seconds: int) -> bool:
        """Delete a pod if it still is the one of that uid; False if it is gone or another."""
        ...

    async def declare(self, who: Identification) -> None:
        """Write down whose numbers a person's pods may have; raise `ClusterUnreachableError` if that cannot be."""
        ...
