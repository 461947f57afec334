"""Who somebody is: the directory's answer, never the container's."""

import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from beamtorch_facility.identifier import Identifier
from beamtorch_facility.proposal import BeamlineId, ProposalId
from beamtorch_facility.words import Words

ADMIN_GROUP = "facility-admin"
TEAM_PREFIX = "proposal-"
STAFF_PREFIX = "staff-"


class Username(Identifier):
    """The name that a person logs in with."""

    __slots__ = ()
    kind = Words(en="user name", zh="用户名")
    pattern = re.compile(r"[a-z_][a-z0-9._-]{0,31}")


class Identity(BaseModel):
    """A person as the directory knows them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: Username
    full_name: Words
    uid: int = Field(ge=1, description="POSIX user id")
    gid: int = Field(ge=1, description="primary POSIX group id")
    groups: tuple[str, ...] = Field(default=(), description="names of all groups, proposal teams and staff included")
    gids: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="POSIX numbers of those groups that the kernel knows, by name"
    )
    home: PurePosixPath | None = Field(default=None, description="home directory; none: made below the platform's own")
    sid: str | None = Field(default=None, description="security identifier at Windows machines, where there is one")
    ssh_keys: tuple[str, ...] = ()
    language: str = Field(default="en", description="language tag that the person prefers")

    @property
    def supplementary_gids(self) -> tuple[int, ...]:
        """The numbers of the groups beside the primary one, ascending."""
        return tuple(sorted({*self.gids.values()} - {self.gid}))

    @property
    def is_admin(self) -> bool:
        """Whether the person runs the facility."""
        return ADMIN_GROUP in self.groups

    @property
    def proposals(self) -> frozenset[ProposalId]:
        """The proposals whose team the person belongs to."""
        return _proposals(self.groups)

    @property
    def staffed_beamlines(self) -> frozenset[BeamlineId]:
        """The beamlines at which the person is staff."""
        return _staffed_beamlines(self.groups)


# Kept by groups, not by person: whoever loses a group loses what it named. Every query asks for these several times.


@lru_cache(maxsize=2000)
def _proposals(groups: tuple[str, ...]) -> frozenset[ProposalId]:
    return frozenset(ProposalId(name) for name in _named(groups, TEAM_PREFIX) if ProposalId.fits(name))


@lru_cache(maxsize=2000)
def _staffed_beamlines(groups: tuple[str, ...]) -> frozenset[BeamlineId]:
    return frozenset(BeamlineId(name) for name in _named(groups, STAFF_PREFIX) if BeamlineId.fits(name))


def _named(groups: tuple[str, ...], prefix: str) -> list[str]:
    # A group that cannot name a proposal or beamline grants nothing, and must not lock the person out.
    return [group.removeprefix(prefix) for group in groups if group.startswith(prefix)]
