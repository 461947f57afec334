"""Names of Unix sockets that may be longer than the 107 bytes of an address (unix(7))."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST = 107


@contextmanager
def short(path: Path) -> Iterator[str]:
    """Give an address of a socket's path that fits, as long as the block lasts."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def answers(path: Path) -> bool:
    """Say whether somebody listens at a socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as connection:
        with short(path) as address:
            connection.connect(address)
        return True
    return False
