"""What every kind of access control can be asked: to set rights, and to say why somebody may or may not.

POSIX lists are one kind (`beamtorch_identity.acl.posix`). A file system with NFSv4 lists, such as GPFS, gets a class of
its own beside it; who may do what in a beamtime, the walk over a tree and the explanation of a path stay the same.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from beamtorch_identity.acl.model import Permissions
from beamtorch_identity.credentials import Credentials


@dataclass(frozen=True)
class Grants:
    """Who may do what in a folder and everything in it. Files are never made executable: there, x only stays."""

    owner: Permissions
    everybody: Permissions
    users: Mapping[int, Permissions] = field(default_factory=dict)
    groups: Mapping[int, Permissions] = field(default_factory=dict)
    inherited: bool = True
    """Whether what is made in the folder gets the same; never true of a folder that only leads to others."""
    owner_decides: bool = False
    """Whether the owner of a file may keep it from being written, by themselves or at all."""


class Basis(StrEnum):
    """Why somebody is let through or not."""

    OWNER = "owner"
    NAMED_USER = "named-user"
    OWNING_GROUP = "owning-group"
    NAMED_GROUP = "named-group"
    OTHERS = "others"
    ROOT = "root"


@dataclass(frozen=True)
class Decision:
    """What the kernel would answer at one file or folder, and the entry that it answers by."""

    allowed: bool
    asked: Permissions
    granted: Permissions
    """What the entry lets through of everything that could be asked."""
    basis: Basis
    entries: tuple[str, ...] = ()
    """The lines that decide; several only if none of several groups' lines is enough."""
    limit: str | None = None
    """The line that takes away some of it."""
    groups: tuple[int, ...] = ()
    """The groups that the lines are of."""
    ignored: bool = False
    """Whether there are lines of this person or their groups that Linux does not look at, because the mask is empty."""


class Change(Protocol):
    """What is not in line at one file or folder."""

    @property
    def takes(self) -> bool:
        """Whether anything has to be taken away."""
        ...

    def told(self) -> str:
        """Say what goes (-) and what comes (+)."""
        ...


class AccessControl(Protocol):
    """One kind of access control; every method works on an open descriptor, never on a name."""

    def decide(self, descriptor: int, person: Credentials, asked: Permissions) -> Decision:
        """Tell whether somebody may do something with what is open."""
        ...

    def difference(self, descriptor: int, seen: os.stat_result, grants: Grants, owner: int | None) -> Change | None:
        """Tell what is not as the grants say, None if everything is; see `apply`."""
        ...

    def apply(self, descriptor: int, seen: os.stat_result, grants: Grants, owner: int | None) -> None:
        """Make a file's or folder's rights what the grants say, and with a number of an owner, it that user's."""
        ...

    def named(self, descriptor: int) -> tuple[frozenset[int], frozenset[int]]:
        """Return the users and groups that have entries of their own."""
        ...
