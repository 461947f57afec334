"""Passwords of the demo people: made once, kept by the owner of the platform, never changed by a later start."""

import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from beamtorch_facility.identity import Username
from beamtorch_hub.files import read_text, write_private, writing_in

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""No i, l, o, 0 and 1: whoever reads a password from a terminal types it right."""
_GROUPS = 4
_GROUP_LENGTH = 4


def new_password() -> str:
    """Return something like ``k7mq-w3xh-pd2s-9rtc`` (79 bits)."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))


def read_passwords(path: Path) -> dict[str, str]:
    """Return the passwords by user name; none yet: nobody."""
    if not path.exists():
        return {}
    known: dict[str, str] = json.loads(read_text(path))
    return known


def complete_passwords(path: Path, users: Iterable[Username]) -> None:
    """Give each person who has none a password; leave the others alone."""
    known = read_passwords(path)
    missing = {str(user): new_password() for user in users if user not in known}
    if missing:
        with writing_in(path.parent):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, json.dumps(known | missing, indent=2) + "\n")
