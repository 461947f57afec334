"""The form in which Linux gives and takes an access control list: linux/posix_acl_xattr.h.

Little-endian: a version (u32), and for each entry a tag (u16), permissions (u16) and a number (u32).
"""

import struct

from beamtorch_identity.acl.model import RWX, Acl, Permissions, Tag

VERSION = 2
UNDEFINED = 0xFFFFFFFF
"""The number of an entry that is nobody's by number."""
_HEAD = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")


def encode(acl: Acl) -> bytes:
    """Return a list as the value of an extended attribute."""
    return _HEAD.pack(VERSION) + b"".join(
        _ENTRY.pack(entry.tag, entry.permissions, UNDEFINED if entry.number is None else entry.number)
        for entry in acl.entries()
    )


def decode(value: bytes) -> Acl:
    """Return the list that an extended attribute holds.

    Raises
    ------
    ValueError
        If it is none: another version, cut off, an unknown kind of entry, or one too many or too few.
    """
    if len(value) < _HEAD.size or (len(value) - _HEAD.size) % _ENTRY.size:
        raise ValueError(f"{len(value)} bytes are no access control list")
    if _HEAD.unpack_from(value)[0] != VERSION:
        raise ValueError(f"version {_HEAD.unpack_from(value)[0]} of access control lists is unknown")
    single: dict[Tag, Permissions] = {}
    named: dict[Tag, dict[int, Permissions]] = {Tag.USER: {}, Tag.GROUP: {}}
    for code, bits, number in _ENTRY.iter_unpack(value[_HEAD.size :]):
        if bits > RWX:
            raise ValueError(f"permissions {bits:#o} are unknown")
        tag, permissions = Tag(code), Permissions(bits)
        place = named[tag] if tag.is_named else None
        if (number in place) if place is not None else (tag in single):
            raise ValueError(f"two entries {tag.word} of one number")
        if place is not None:
            place[number] = permissions
        else:
            single[tag] = permissions
    if not {Tag.USER_OBJ, Tag.GROUP_OBJ, Tag.OTHER} <= single.keys():
        raise ValueError("an access control list needs entries of the owner, the owning group and all others")
    return Acl(
        single[Tag.USER_OBJ],
        single[Tag.GROUP_OBJ],
        single[Tag.OTHER],
        named[Tag.USER],
        named[Tag.GROUP],
        single.get(Tag.MASK),
    )
