"""The routes of an existing console: users and their pods, with its paths and field names."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_spawner.resources import Cores, Extended, Memory, Resources
from beamtorch_spawner.wire.base import Wire
from beamtorch_spawner.wire.leases import LeaseState

DEFAULT_RUN_SECONDS = 86_400


def _lines(given: Any) -> Any:
    """Take one text of lines for a list of them."""
    return [line for line in given.splitlines() if line.strip()] if isinstance(given, str) else given


def _pairs(given: Any) -> Any:
    """Take “A=1;B=2” (or lines of that) for a mapping."""
    if not isinstance(given, str):
        return given
    parts = [part.strip() for part in given.replace("\n", ";").split(";") if part.strip()]
    return dict(part.partition("=")[::2] for part in parts) if all("=" in part for part in parts) else given


def _by_semicolon(given: Any) -> Any:
    return [part.strip() for part in given.split(";") if part.strip()] if isinstance(given, str) else given


class UserPodRequest(Wire):
    """Body of POST userpod/: a server to start."""

    username: str = Field(max_length=200)
    sourceip: str | None = Field(default=None, max_length=100, description="counts with scope custom:torch:sourceip")
    description: str | None = Field(default=None, max_length=1000)
    podname: str | None = Field(
        default=None, max_length=200, description="hub server name; none and “default”: unnamed"
    )
    environment: str | None = Field(default=None, max_length=30, description="id of an environment (ours)")
    userimage: str | None = Field(default=None, max_length=400, description="image; must be on the allow-list")
    ncores: Cores | None = None
    memory: Memory | None = None
    sshpubkeys: Annotated[tuple[str, ...], BeforeValidator(_lines), Field(max_length=50)] = ()
    extra_resource: Extended | None = None
    single_cmd: str | None = Field(default=None, max_length=1000, description="run once beside the server")
    single_cmd_args: Annotated[
        tuple[str, ...], BeforeValidator(_by_semicolon), Field(max_length=200, description="separated by “;”")
    ] = ()
    scriptenv: Annotated[
        dict[str, str], BeforeValidator(_pairs), Field(max_length=100, description="variables: a mapping, or “A=1;B=2”")
    ] = Field(default_factory=dict)
    expireruntime: int | None = Field(
        default=None, ge=30, le=366 * 86400, description=f"seconds from running; none: {DEFAULT_RUN_SECONDS}, or policy"
    )


class UserPodChange(Wire):
    """Body of PATCH userpod/: a longer life now, other resources at the next start."""

    username: str | None = Field(default=None, max_length=200)
    podname: str | None = Field(default=None, max_length=200)
    expireruntime: int | None = Field(
        default=None, ge=30, le=366 * 86400, description="new life, from running, seconds"
    )
    description: str | None = Field(default=None, max_length=1000)
    ncores: Cores | None = None
    memory: Memory | None = None
    extra_resource: Extended | None = None


class UserPodName(Wire):
    """Body of DELETE userpod/; the query may say the same."""

    username: str | None = Field(default=None, max_length=200)
    podname: str | None = Field(default=None, max_length=200)


class UserServer(Wire):
    """One of a person's servers, in the words of GET userpod/{username}."""

    username: Username
    podname: str = Field(description="“default” is the hub's unnamed server")
    server: str
    pod: str | None = Field(default=None, description="name in the cluster")
    environment: str | None
    userimage: str | None = None
    description: str | None = None
    state: LeaseState
    reason: Words | None = None
    ncores: float
    memory: int = Field(description="bytes")
    extra_resource: dict[str, int] = Field(default_factory=dict)
    sourceip: str | None = None
    lease: str
    requested_at: datetime
    running_at: datetime | None = None
    expires_at: datetime | None = None
    url: str | None = Field(default=None, description="where it opens")
    next_start: Resources | None = Field(default=None, description="what it gets next time, if PATCH said so")


class TorchUser(Wire):
    """A person in the words of users/{username}."""

    username: str
    full_name: Words | None = None
    uid: int | None = None
    gid: int | None = None
    groups: tuple[str, ...] = ()
    at_hub: bool = Field(description="whether the Hub knows them already")
    servers: int = Field(default=0, description="how many they have now")


class NewUser(Wire):
    """Body of POST users/: somebody of the directory, to be known at the Hub."""

    username: str = Field(max_length=200)


class UserPage(Wire):
    """Some people, and where the next begin."""

    users: tuple[TorchUser, ...]
    total: int
    next_offset: int | None


class UserCount(Wire):
    """How many there are."""

    count: int
    active: int = Field(description="with a server now")
