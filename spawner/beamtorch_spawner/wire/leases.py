"""Admission and leases on the wire: what the Hub's spawner asks and tells, and a lease as people see it."""

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field

from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import EnvironmentKind
from beamtorch_spawner.resources import Cores, Extended, Memory, Resources
from beamtorch_spawner.wire.base import Wire

NOTICES = (30 * 60, 10 * 60, 3 * 60)
"""Seconds before an end at which it is told."""


class LeaseState(StrEnum):
    """Where a lease is in its life."""

    REQUESTED = "requested"
    ADMITTED = "admitted"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Whether the lease holds its server."""
        return self not in {LeaseState.ENDED, LeaseState.REFUSED, LeaseState.FAILED}


class UserOptions(Wire):
    """What a person may choose at a start; nothing else is accepted, whoever sends it."""

    environment: str | None = Field(default=None, max_length=30, description="id; none: the server's only one")
    dataset: DatasetId | None = Field(default=None, description="dataset to open with")
    image: str | None = Field(default=None, max_length=400, description="one that the environment allows")
    cores: Cores | None = None
    memory: Memory | None = None
    extra_resource: Extended | None = None
    confirm: str | None = Field(
        default=None, max_length=64, description="id of the lease that may end for this start at a terminal"
    )
    ticket: str | None = Field(
        default=None, max_length=64, description="redeems, once, the lease that POST userpod/ obtained"
    )


class Peer(Wire):
    """Where a request came from, as the door saw it; the service alone judges what of it can be believed."""

    address: str = Field(max_length=100, description="the other end of the connection itself")
    forwarded_for: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """Every X-Forwarded-For line, in the order of the request."""


ClientAddress = IPv4Address | IPv6Address


class AdmissionRequest(Wire):
    """A start that somebody asked the Hub for."""

    username: str = Field(max_length=200)
    server: str = Field(default="", max_length=200, description="hub server name; empty: the default")
    user_options: dict[str, Any] = Field(default_factory=dict, description="as they came, from whomever they came")
    peer: Peer | None = Field(default=None, description="where the click came from; none: nobody's terminal")
    told_source: ClientAddress | None = Field(
        default=None, description="where the click came from, told by somebody with the scope for it"
    )
    browser_session: str | None = Field(default=None, max_length=64, description="SHA-256 of the Hub's session id")
    hub_groups: tuple[str, ...] = Field(default=(), max_length=5000, description="groups at the Hub")
    own: Resources | None = Field(
        default=None, description="what the Hub's own configuration would start, where no environments are on offer"
    )


class Identification(Wire):
    """The POSIX identity that a pod takes on, from the directory alone."""

    username: str
    uid: int
    gid: int
    supplemental_gids: tuple[int, ...] = ()
    full_name: str = Field(default="", description="in the pod's list of people")
    group_names: dict[str, int] = Field(default_factory=dict, description="numbers of the groups that have a name")


class Grant(Wire):
    """The answer to an admission: what runs, with what, for whom. Where it runs is the spawner's own business."""

    lease: str = Field(description="id of the lease, for reports")
    environment: str | None = Field(description="none: what the Hub's own configuration says, within the quotas")
    kind: EnvironmentKind
    name: Words
    language: str = Field(description="language tag of the person")
    image: str | None = Field(default=None, description="container image; none: the spawner's own")
    command: tuple[str, ...] = Field(description="a first word “python” means the interpreter of the place")
    args: tuple[str, ...]
    single_command: tuple[str, ...] = Field(default=(), description="run once beside the server, its words to a file")
    default_url: str
    env: dict[str, str]
    resources: Resources
    server_root: str = Field(description="absolute path of the home folder")
    identification: Identification | None = None
    run_seconds: int | None = Field(default=None, description="soft expiry, counted from running")
    ceiling_seconds: int | None = Field(default=None, description="the latest end, counted from running")
    annotations: dict[str, str] = Field(default_factory=dict, description="of the pod; see marks")
    labels: dict[str, str] = Field(default_factory=dict, description="of the pod; see marks")


class Waiting(Wire):
    """Somebody's server has to end before this one may start."""

    message: Words = Field(description="whose, and until when it may take")
    until: datetime


class Admission(Wire):
    """The outcome of an admission that was not refused: a grant, or a wait for the terminal's last user."""

    lease: str
    grant: Grant | None
    waiting: Waiting | None = None


class LeaseReport(Wire):
    """What the Hub's spawner tells about a lease."""

    state: LeaseState
    reason: Words | None = None
    pod: str | None = Field(default=None, max_length=253, description="name of the pod, once it exists")
    pod_uid: str | None = Field(default=None, max_length=64)
    at: AwareDatetime | None = Field(default=None, description="when it happened, where the cluster knows it better")


def _words_or_nothing(text: str | None) -> str | None:
    return text or None


class Lease(Wire):
    """The right to hold resources, as people see it."""

    id: str
    username: str
    server: str = Field(description="hub server name; empty: the default")
    environment: str | None
    dataset: DatasetId | None
    state: LeaseState
    reason: Words | None
    resources: Resources
    image: str | None = None
    description: Annotated[str | None, AfterValidator(_words_or_nothing)] = None
    groups: tuple[str, ...] = ()
    source_ip: str | None
    terminal: str | None = Field(default=None, description="the registered address that it holds")
    beamline: str | None = None
    pod: str | None = None
    requested_at: datetime
    running_at: datetime | None = None
    changed_at: datetime
    expires_at: datetime | None = Field(default=None, description="the end, if nobody extends")
    latest_end: datetime | None = Field(default=None, description="the end that no extension can pass")
    extensions_left: int | None = Field(default=None, description="none: as many as wanted")
    ended_at: datetime | None


class Extension(Wire):
    """How much longer a lease should last."""

    seconds: int | None = Field(default=None, ge=1, le=366 * 86400, description="none: as much as policy gives at once")
