"""POSIX lists: grants become a mode, an access list and a default list, and the kernel's answers are explained."""

import os
import stat
from dataclasses import dataclass, replace
from functools import cached_property

from beamtorch_identity.acl import attributes, deciding
from beamtorch_identity.acl.control import Change, Decision, Grants
from beamtorch_identity.acl.model import RW, Acl, Permissions, X
from beamtorch_identity.acl.wire import decode, encode
from beamtorch_identity.credentials import Credentials


@dataclass(frozen=True)
class Rights:
    """What grants are of one file or folder."""

    access: Acl
    default: Acl | None = None
    """Of a folder: what is made in it gets this, and whoever makes it has no say by their umask."""
    setgid: bool = False


def rights_of(grants: Grants, mode: int) -> Rights:
    """Return the rights of a file or folder of a mode (as in ``st_mode``); pure.

    The owning group is nobody's way in: it may do what everybody may. The x of a file is its owner's to give. A file's
    list is the one that the kernel gives to a new file in the folder: the folder's entries under a mask without x. So
    new files are in line from the start, and no run has to touch them.
    """
    whole = Acl.masked(grants.owner, grants.everybody, grants.everybody, users=grants.users, groups=grants.groups)
    if stat.S_ISDIR(mode):
        return Rights(whole, whole if grants.inherited else None, setgid=grants.inherited)
    held = Permissions(mode >> 6 & 7)
    most = RW | held & X
    owner = held if grants.owner_decides else grants.owner & most
    if whole.mask is None:
        return Rights(replace(whole, owner=owner, group=whole.group & most, other=whole.other & most))
    return Rights(replace(whole, owner=owner, mask=whole.mask & most, other=whole.other & most))


@dataclass(frozen=True)
class PosixChange:
    """What a file or folder has, and what it should have."""

    mode: int
    owners: tuple[int, int] | None
    """Of now and then, if they differ."""
    access: Acl
    default: Acl | None
    wanted: Rights

    @cached_property
    def takes(self) -> bool:
        """Whether somebody has more now than they should."""
        wanted = self.wanted
        if self.owners is not None or wanted.access.takes_from(self.access):
            return True
        return self.default is not None and (wanted.default is None or wanted.default.takes_from(self.default))

    def told(self) -> str:
        """Say which lines go and which come, and who owned it."""
        wanted, prefix = self.wanted, "default:"
        held = self.default.lines(prefix) if self.default else []
        told = [] if self.owners is None else [f"owner {self.owners[0]} → {self.owners[1]}"]
        told += ["+setgid"] if wanted.setgid and not self.mode & stat.S_ISGID else []
        told += _lines(self.access.lines(), wanted.access.lines())
        told += _lines(held, wanted.default.lines(prefix) if wanted.default else [])
        return ", ".join(told)


@dataclass(frozen=True)
class Wanted:
    """Rights, and the bytes of their lists."""

    rights: Rights
    access: bytes
    default: bytes | None


class PosixAccessControl:
    """POSIX lists of a mounted file system that keeps them: ext4, XFS, Lustre, BeeGFS, tmpfs and others."""

    MOST_KNOWN = 1024
    """Different changes that are remembered at once."""

    def __init__(self) -> None:
        # A tree of a million entries has a handful of different rights and changes; each is worked out once.
        self._known: dict[tuple[int, int], tuple[Grants, Wanted]] = {}
        self._changes: dict[object, PosixChange] = {}

    def decide(self, descriptor: int, person: Credentials, asked: Permissions) -> Decision:
        """Tell whether somebody may do something with what is open."""
        seen = os.fstat(descriptor)
        inode = deciding.Inode(seen.st_uid, seen.st_gid, seen.st_mode, attributes.read_access(descriptor))
        return deciding.decide(inode, person, asked)

    def difference(self, descriptor: int, seen: os.stat_result, grants: Grants, owner: int | None) -> Change | None:
        """Tell what is not as the grants say; raises `OSError` as the kernel does."""
        wanted = self._wanted(grants, seen.st_mode)
        access = attributes.raw(descriptor, attributes.ACCESS)
        default = attributes.raw(descriptor, attributes.DEFAULT) if stat.S_ISDIR(seen.st_mode) else None
        owners = None if owner is None or owner == seen.st_uid else (seen.st_uid, owner)
        if owners is None and _is_so(seen.st_mode, access, default, wanted):
            return None
        key = (access, default, seen.st_mode, owners, wanted.access, wanted.default)
        change = self._changes.get(key)
        if change is None:
            if len(self._changes) >= self.MOST_KNOWN:
                self._changes.clear()
            held = Acl.of_mode(seen.st_mode) if access is None else decode(access)
            change = PosixChange(
                seen.st_mode, owners, held, None if default is None else decode(default), wanted.rights
            )
            self._changes[key] = change
        return change

    def apply(self, descriptor: int, seen: os.stat_result, grants: Grants, owner: int | None) -> None:
        """Make the rights what the grants say; raises `OSError` as the kernel does.

        Each of the calls leaves a state that the next run brings to its end. The list comes last but for the default:
        a change of owner drops set-user-id, a change of mode would change the mask.
        """
        wanted = self._wanted(grants, seen.st_mode)
        path = attributes.through(descriptor)
        if owner is not None and owner != seen.st_uid:
            os.chown(path, owner, -1)
        if wanted.rights.setgid and not seen.st_mode & stat.S_ISGID:
            os.chmod(path, stat.S_IMODE(seen.st_mode) | stat.S_ISGID)  # noqa: PTH101 - as the calls beside it
        os.setxattr(path, attributes.ACCESS, wanted.access)
        if not stat.S_ISDIR(seen.st_mode):
            return
        if wanted.default is not None:
            os.setxattr(path, attributes.DEFAULT, wanted.default)
        elif attributes.raw(descriptor, attributes.DEFAULT) is not None:
            attributes.write_default(descriptor, None)

    def named(self, descriptor: int) -> tuple[frozenset[int], frozenset[int]]:
        """Return the users and groups that have entries of their own."""
        held = attributes.read_access(descriptor)
        return frozenset(held.users), frozenset(held.groups)

    def _wanted(self, grants: Grants, mode: int) -> Wanted:
        key = (id(grants), mode & 0o170700)
        known = self._known.get(key)
        if known is None:
            rights = rights_of(grants, mode)
            default = None if rights.default is None else encode(rights.default)
            # The grants are kept, so that their place in memory is nobody else's.
            known = self._known[key] = (grants, Wanted(rights, encode(rights.access), default))
        return known[1]


def _is_so(mode: int, access: bytes | None, default: bytes | None, wanted: Wanted) -> bool:
    # The kernel gives the bytes back as they were set, so lists need not be read to be found equal.
    rights = wanted.rights
    if rights.setgid and not mode & stat.S_ISGID:
        return False
    if default != wanted.default:
        return False
    if rights.access.is_mode:
        return access is None and mode & 0o777 == rights.access.mode
    return access == wanted.access


def _lines(before: list[str], after: list[str]) -> list[str]:
    gone, come = [line for line in before if line not in after], [line for line in after if line not in before]
    return [f"-{line}" for line in gone] + [f"+{line}" for line in come]
