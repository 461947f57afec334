"""What travels between the spawner service and its callers. Server and clients share these models and nothing else."""

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import EnvironmentKind


class Wire(BaseModel):
    """Base of everything on the wire: unknown members are an error, not a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    """What a person may choose at a start; nothing else is accepted."""

    environment: str | None = Field(default=None, description="id of an environment; none: the server's only one")
    dataset: DatasetId | None = Field(default=None, description="dataset to open with")


class AdmissionRequest(Wire):
    """A start that somebody asked the Hub for."""

    username: str = Field(max_length=200)
    server: str = Field(default="", max_length=200, description="hub server name; empty: the default")
    user_options: dict[str, Any] = Field(default_factory=dict, description="as they came, from whomever they came")
    source_ip: IPv4Address | IPv6Address | None = None


class Grant(Wire):
    """The answer to an admission: what runs, with what, for whom. Where it runs is the spawner's own business."""

    lease: str = Field(description="id of the lease, for reports")
    environment: str
    kind: EnvironmentKind
    name: Words
    language: str = Field(description="language tag of the person")
    command: tuple[str, ...] = Field(description="a first word “python” means the interpreter of the place")
    args: tuple[str, ...]
    default_url: str
    env: dict[str, str]
    cores: float
    memory: int = Field(description="bytes")
    gpus: int
    server_root: str = Field(description="absolute path of the home folder")


class LeaseReport(Wire):
    """What the Hub's spawner tells about a lease."""

    state: LeaseState
    reason: Words | None = None


class Lease(Wire):
    """The right to hold resources, as people see it."""

    id: str
    username: str
    server: str = Field(description="hub server name; empty: the default")
    environment: str | None
    dataset: DatasetId | None
    state: LeaseState
    reason: Words | None
    cores: float
    memory: int = Field(description="bytes")
    gpus: int
    source_ip: str | None
    requested_at: datetime
    changed_at: datetime
    ended_at: datetime | None


class UserServer(Wire):
    """One of a person's servers, in the words of `GET userpod/{username}`."""

    username: Username
    podname: str = Field(description="“default” is the hub's unnamed server")
    server: str
    environment: str
    state: LeaseState
    ncores: float
    memory: int = Field(description="bytes")
    gpus: int
    lease: str
    requested_at: datetime
