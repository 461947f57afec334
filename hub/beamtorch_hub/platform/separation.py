"""Whether each person's labs run under their own numbers on this machine: tried, not guessed."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from beamtorch_hub.home import PlatformHome
from beamtorch_identity.becoming import closed_ways
from beamtorch_identity.credentials import Credentials

NOBODY_S_NUMBER = 65533
"""Of the one who tries: neither a person's nor the overflow uid."""
_PROBE = """
import os, sys, beamtorch_facility
for path in sys.argv[1:]:
    os.stat(os.path.join(path, "."))
print("reached", flush=True)
sys.stdin.read()
"""


class Separation(BaseModel):
    """Whether labs are separated by user, and if not, why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    is_on: bool = False
    why_not: str = Field(default="", description="a sentence for whoever starts the platform")


def separation(home: PlatformHome) -> Separation:
    """Return whether labs can run under their people's numbers here, by starting a process that does."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return Separation(why_not="only root on Linux can give a lab its person's uid")
    folders = person_folders(home)
    for path in folders:
        # What is inside says who may read it; the folders themselves are only passed through.
        path.chmod(path.stat().st_mode | 0o111)
    command = Credentials(NOBODY_S_NUMBER, NOBODY_S_NUMBER).command(
        (sys.executable, "-c", _PROBE, *map(str, folders)), read_only=program_folders(), writable=folders
    )
    with subprocess.Popen(  # noqa: S603 - our own command, no shell
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", text=True
    ) as process:
        why_not = _trouble(process, [*program_folders(), *folders])
        process.kill()
    return Separation(is_on=not why_not, why_not=why_not)


def person_folders(home: PlatformHome) -> tuple[Path, ...]:
    """Return the folders that people's processes work in."""
    return (home.data, home.homes)


def program_folders() -> tuple[Path, ...]:
    """Return the folders that the program itself is in: Python's, and wherever it finds its modules."""
    # Where somebody happened to stand when they started it is none of the program, though Python looks there, too.
    named = {sys.prefix, sys.base_prefix, *sys.path} - {"", str(Path.cwd())}
    return tuple(sorted({Path(name).resolve() for name in named if Path(name).is_dir()}))


def _trouble(process: "subprocess.Popen[str]", folders: Iterable[Path]) -> str:
    """Return what keeps another user's lab from running, or nothing."""
    if process.stdout is None or process.stdout.readline().strip() != "reached":
        said = process.stderr.read().strip().splitlines() if process.stderr else []
        why = said[-1] if said else "no reason told"
        closed = ", ".join(map(str, closed_ways(folders)))
        hint = f"; {closed} is closed to others: put the program and --home where everybody may enter" if closed else ""
        return f"a process of another user cannot run it ({why}){hint}"
    try:
        Path(f"/proc/{process.pid}/environ").read_bytes()
    except OSError:
        return "this container's root may not look at other users' processes (CAP_SYS_PTRACE), so none could be ended"
    return ""
