"""The kernel's answer, computed: the access check of acl(5) as Linux does it (fs/namei.c, fs/posix_acl.c). Pure.

Linux departs from acl(5) in one point: it looks at a list only if the group bits of the mode, which are the mask, are
not all empty. With an empty mask everybody but the owner is the owning group or somebody else, whatever the list says.
"""

import stat
from dataclasses import dataclass, replace

from beamtorch_identity.acl.control import Basis, Decision
from beamtorch_identity.acl.model import NONE, RWX, Acl, Entry, Permissions, Tag, X
from beamtorch_identity.credentials import Credentials

ROOT = 0
_BASIS = {Tag.GROUP_OBJ: Basis.OWNING_GROUP, Tag.GROUP: Basis.NAMED_GROUP}


@dataclass(frozen=True)
class Inode:
    """What the kernel looks at."""

    uid: int
    gid: int
    mode: int
    acl: Acl


def decide(inode: Inode, person: Credentials, asked: Permissions) -> Decision:
    """Return what the kernel answers somebody who asks for some permissions at once."""
    decision = _by_list(inode, person, asked)
    if decision.allowed or person.uid != ROOT:
        return decision
    allowed = _may_override(inode.mode, asked)
    return Decision(allowed=allowed, asked=asked, granted=RWX if allowed else RWX & ~X, basis=Basis.ROOT)


def _may_override(mode: int, asked: Permissions) -> bool:
    # CAP_DAC_OVERRIDE, capabilities(7): everything but running a file that nobody may run.
    return stat.S_ISDIR(mode) or not asked & X or bool(mode & 0o111)


def _by_list(inode: Inode, person: Credentials, asked: Permissions) -> Decision:
    acl, held = inode.acl, {person.gid, *person.groups}
    if person.uid == inode.uid:
        return _single(Entry(Tag.USER_OBJ, acl.owner), Basis.OWNER, asked)
    if acl.mask == NONE:
        decision = _by_mode(inode, held, asked)
        return replace(decision, ignored=person.uid in acl.users or bool(held & acl.groups.keys()))
    if person.uid in acl.users:
        return _masked(acl, (Entry(Tag.USER, acl.users[person.uid], person.uid),), Basis.NAMED_USER, asked, ())
    matching = _of_groups(acl, inode.gid, held)
    if matching:
        return _by_groups(acl, inode.gid, matching, asked)
    return _single(Entry(Tag.OTHER, acl.other), Basis.OTHERS, asked)


def _by_mode(inode: Inode, held: set[int], asked: Permissions) -> Decision:
    if inode.gid in held:
        owning = Entry(Tag.GROUP_OBJ, inode.acl.group)
        return _masked(inode.acl, (owning,), Basis.OWNING_GROUP, asked, (inode.gid,))
    return _single(Entry(Tag.OTHER, inode.acl.other), Basis.OTHERS, asked)


def _of_groups(acl: Acl, owning: int, held: set[int]) -> tuple[Entry, ...]:
    own = (Entry(Tag.GROUP_OBJ, acl.group),) if owning in held else ()
    return own + tuple(Entry(Tag.GROUP, acl.groups[number], number) for number in sorted(held & acl.groups.keys()))


def _by_groups(acl: Acl, owning: int, matching: tuple[Entry, ...], asked: Permissions) -> Decision:
    """Any one entry that has everything is enough; permissions of several are not added up."""
    enough = next((entry for entry in matching if not asked & ~entry.permissions), None)
    deciding = matching if enough is None else (enough,)
    numbers = tuple(owning if entry.number is None else entry.number for entry in deciding)
    return _masked(acl, deciding, _BASIS[deciding[0].tag], asked, numbers)


def _masked(
    acl: Acl, entries: tuple[Entry, ...], basis: Basis, asked: Permissions, groups: tuple[int, ...]
) -> Decision:
    granted = [acl.limited(entry.permissions) for entry in entries]
    allowed = any(not asked & ~one for one in granted)
    cut = acl.mask is not None and any(one != entry.permissions for one, entry in zip(granted, entries, strict=True))
    return Decision(
        allowed=allowed,
        asked=asked,
        granted=max(granted, key=lambda one: (not asked & ~one, one.bit_count())),
        basis=basis,
        entries=tuple(entry.text for entry in entries),
        limit=Entry(Tag.MASK, acl.mask).text if cut and acl.mask is not None else None,
        groups=groups,
    )


def _single(entry: Entry, basis: Basis, asked: Permissions) -> Decision:
    return Decision(
        allowed=not asked & ~entry.permissions,
        asked=asked,
        granted=entry.permissions,
        basis=basis,
        entries=(entry.text,),
    )
