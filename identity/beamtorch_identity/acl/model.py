"""A POSIX.1e access control list, pure: what acl(5) says, as values.

A permission that is asked, held or limited is always a `Permissions`; numbers of users and groups are plain integers,
because the kernel knows no others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag
from typing import Self

BITS = 3


class Permissions(IntFlag):
    """What may be done, by the bits of a mode."""

    NONE = 0
    EXECUTE = 1
    WRITE = 2
    READ = 4

    @property
    def text(self) -> str:
        """The three letters of `ls` and `getfacl`."""
        return "".join(letter if self & bit else "-" for letter, bit in zip("rwx", (4, 2, 1), strict=True))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the three letters.

        Raises
        ------
        ValueError
            If they are not ``r`` or ``-``, ``w`` or ``-``, ``x`` or ``-``.
        """
        if len(text) != BITS or any(one not in pair for one, pair in zip(text, ("r-", "w-", "x-"), strict=True)):
            raise ValueError(f"“{text}” is no permission such as r-x")
        return cls(sum(bit for one, bit in zip(text, (4, 2, 1), strict=True) if one != "-"))


NONE, X, W, WX, R, RX, RW, RWX = (Permissions(bits) for bits in range(8))


class Tag(IntEnum):
    """The kinds of entries, with the numbers and in the order of linux/posix_acl.h."""

    USER_OBJ = 0x01
    USER = 0x02
    GROUP_OBJ = 0x04
    GROUP = 0x08
    MASK = 0x10
    OTHER = 0x20

    @property
    def is_named(self) -> bool:
        """Whether an entry of this kind is somebody's by number."""
        return self in {Tag.USER, Tag.GROUP}

    @property
    def word(self) -> str:
        """The word that stands first in `getfacl`'s line."""
        return _WORDS[self]


_WORDS = {
    Tag.USER_OBJ: "user",
    Tag.USER: "user",
    Tag.GROUP_OBJ: "group",
    Tag.GROUP: "group",
    Tag.MASK: "mask",
    Tag.OTHER: "other",
}


@dataclass(frozen=True)
class Entry:
    """One line of a list."""

    tag: Tag
    permissions: Permissions
    number: int | None = None

    @property
    def text(self) -> str:
        """The line as `getfacl -n` prints it."""
        return f"{self.tag.word}:{'' if self.number is None else self.number}:{self.permissions.text}"


@dataclass(frozen=True)
class Acl:
    """A whole list, valid by its shape; with named entries it always has a mask.

    The mask limits named users, the owning group and named groups, neither the owner nor all others.
    """

    owner: Permissions
    group: Permissions
    other: Permissions
    users: Mapping[int, Permissions] = field(default_factory=dict)
    groups: Mapping[int, Permissions] = field(default_factory=dict)
    mask: Permissions | None = None

    def __post_init__(self) -> None:
        """Refuse what the kernel would refuse."""
        if self.mask is None and (self.users or self.groups):
            raise ValueError("a list with named users or groups needs a mask")

    @classmethod
    def of_mode(cls, mode: int) -> Self:
        """Return the list that nine mode bits are."""
        owner, group, other = (Permissions(mode >> shift & 7) for shift in (6, 3, 0))
        return cls(owner, group, other)

    @classmethod
    def masked(
        cls,
        owner: Permissions,
        group: Permissions,
        other: Permissions,
        *,
        users: Mapping[int, Permissions],
        groups: Mapping[int, Permissions],
    ) -> Self:
        """Return a list whose mask limits nobody, as `setfacl` makes it; without named entries it has none."""
        named = (*users.values(), *groups.values())
        mask = group
        for permissions in named:
            mask |= permissions
        return cls(owner, group, other, users, groups, mask if named else None)

    @property
    def mode(self) -> int:
        """The nine mode bits that `ls` shows of it: with a mask, this stands for the group."""
        return self.owner << 6 | (self.group if self.mask is None else self.mask) << 3 | self.other

    @property
    def is_mode(self) -> bool:
        """Whether nine mode bits say everything."""
        return self.mask is None

    def limited(self, permissions: Permissions) -> Permissions:
        """Return what the mask leaves of the permissions of a named entry or the owning group."""
        return permissions if self.mask is None else permissions & self.mask

    def entries(self) -> Iterator[Entry]:
        """Give the lines in the one order that the kernel takes."""
        yield Entry(Tag.USER_OBJ, self.owner)
        yield from (Entry(Tag.USER, self.users[number], number) for number in sorted(self.users))
        yield Entry(Tag.GROUP_OBJ, self.group)
        yield from (Entry(Tag.GROUP, self.groups[number], number) for number in sorted(self.groups))
        if self.mask is not None:
            yield Entry(Tag.MASK, self.mask)
        yield Entry(Tag.OTHER, self.other)

    def lines(self, prefix: str = "") -> list[str]:
        """Return `getfacl -nE`'s lines; the default list of a folder has the prefix ``default:``."""
        return [prefix + entry.text for entry in self.entries()]

    def without(self, entry: Entry) -> Self:
        """Return the list without one named entry; its mask stays as it is."""
        return replace(
            self,
            users={n: p for n, p in self.users.items() if (Tag.USER, n) != (entry.tag, entry.number)},
            groups={n: p for n, p in self.groups.items() if (Tag.GROUP, n) != (entry.tag, entry.number)},
        )

    def takes_from(self, before: "Acl") -> bool:
        """Tell whether anybody's entry in an earlier list lets more through than it does here."""
        if before.owner & ~self.owner or before.other & ~self.other:
            return True
        if before.limited(before.group) & ~self.limited(self.group):
            return True
        pairs = ((before.users, self.users), (before.groups, self.groups))
        return any(
            before.limited(held) & ~self.limited(now.get(number, NONE))
            for then, now in pairs
            for number, held in then.items()
        )
