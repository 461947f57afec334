"""Tasks that a test's reader is told; each does to its limits what a bad file may do."""

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beamtorch_identity.reader.beneath import PathBelow
from beamtorch_identity.reader.child import Place

_TOLD = ("Uid", "Gid", "Groups", "CapEff", "CapPrm", "CapBnd", "NoNewPrivs")


def whoami(_: Place, given: Mapping[str, Any]) -> bytes:
    """Tell what the kernel says of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    opened = len(list(Path("/proc/self/fd").iterdir()))
    return json.dumps({name: status[name].split() for name in _TOLD} | {"open": opened, "given": dict(given)}).encode()


def names(place: Place, given: Mapping[str, Any]) -> bytes:
    """Return the beginning of a file."""
    return os.pread(place.open(PathBelow.parse(given["path"])), 100, 0)


def grow(_: Place, given: Mapping[str, Any]) -> bytes:
    """Return so many bytes."""
    return bytes(int(given["bytes"]))


def loop(_: Place, given: Mapping[str, Any]) -> bytes:
    """Never end."""
    while True:
        if given.get("sleeps"):
            time.sleep(600)


def write(_: Place, given: Mapping[str, Any]) -> bytes:
    """Write to a path by its name."""
    Path(given["path"]).write_text("written", encoding="utf-8")
    return b""


def look(_: Place, given: Mapping[str, Any]) -> bytes:
    """Read a path by its name."""
    return Path(given["path"]).read_bytes()


def fall(_: Place, given: Mapping[str, Any]) -> bytes:
    """End as a broken library does."""
    os.kill(os.getpid(), given.get("signal", signal.SIGSEGV))
    return b""
