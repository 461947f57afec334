"""Security identifiers of Windows as bytes and as people write them ([MS-DTYP] 2.4.2)."""

import struct

_HEAD = 8


def sid_text(raw: bytes) -> str:
    """Return ``S-1-5-21-…`` of the bytes of ``objectSid``; raise `ValueError` for what is none."""
    if len(raw) < _HEAD or len(raw) != _HEAD + 4 * raw[1]:
        raise ValueError("not the bytes of a SID")
    authority = int.from_bytes(raw[2:8], "big")
    parts = struct.unpack(f"<{raw[1]}I", raw[_HEAD:])
    return "-".join(map(str, ("S", raw[0], authority, *parts)))


def sid_bytes(text: str) -> bytes:
    """Return the bytes of a SID; raise `ValueError` for what is none."""
    head, version, authority, *parts = text.split("-")
    if head != "S" or not parts:
        raise ValueError("not a SID")
    numbers = [int(part) for part in parts]
    return (
        bytes([int(version), len(numbers)])
        + int(authority).to_bytes(6, "big")
        + struct.pack(f"<{len(numbers)}I", *numbers)
    )
