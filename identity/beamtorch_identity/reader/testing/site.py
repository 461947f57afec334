"""A small facility's data with rights on the disk, people with real numbers, and the reader between them."""

import asyncio
import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from beamtorch_facility.directory import dump_people
from beamtorch_facility.identity import Identity, Username
from beamtorch_identity.reader.beneath import PathBelow
from beamtorch_identity.reader.client import ReaderClient
from beamtorch_identity.reader.errors import ReaderError

ADA, CHEN, SERVICE = 52001, 52002, 52900
TEAM = 52100
TASKS = tuple(
    f"--task={name}=beamtorch_identity.reader.testing.tasks:{name}"
    for name in ("whoami", "names", "grow", "loop", "write", "look", "fall")
)


def person(name: str, uid: int, **groups: int) -> Identity:
    """Return a person with groups and their numbers."""
    return Identity.model_validate(
        {"username": name, "full_name": {"en": name, "zh": name}, "uid": uid, "gid": uid}
        | {"gids": groups, "groups": tuple(groups)}
    )


PEOPLE = (person("ada", ADA, team=TEAM), person("chen", CHEN))


@dataclass
class Site:
    """Everything in one folder that others may enter."""

    place: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        """Root of the data."""
        return self.place / "data"

    @property
    def directory(self) -> Path:
        """The people."""
        return self.place / "directory.yaml"

    @property
    def socket(self) -> Path:
        """Where the reader is asked."""
        return self.place / "reader" / "socket"

    @property
    def log(self) -> Path:
        """What the reader says."""
        return self.place / "log"

    @property
    def client(self) -> ReaderClient:
        """Somebody who asks."""
        return ReaderClient(self.socket)

    def file(self, name: str, content: bytes = b"counts", *, mode: int = 0o600, acl: str = "") -> Path:
        """Write a file that belongs to whoever runs the test, with the entries of an access list."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        if acl:
            subprocess.run(["setfacl", "-m", acl, str(path)], check=True)  # noqa: S603, S607 - of a test
        return path

    async def reads(self, name: str, who: str = "ada") -> bytes:
        """Return a file's content, read in somebody's name."""
        with await self.client.open(Username(who), PathBelow(tuple(name.split("/")))) as file:
            return os.pread(file.descriptor, file.size, 0)

    async def refusal(self, name: str, who: str = "ada") -> type[ReaderError] | None:
        """Return the kind of error that comes instead of a file; None: the file comes."""
        try:
            await self.reads(name, who)
        except ReaderError as error:
            return type(error)
        return None

    async def has_at_work(self, count: int) -> None:
        """Wait until so many children are at work."""
        while len(self.children()) <= count:  # noqa: ASYNC110 - another process has no event for us
            await asyncio.sleep(0.01)

    def children(self) -> list[int]:
        """Return the processes below the listener: the forking one first, then what it forked."""
        found, waiting = list[int](), [self.process.pid if self.process else 0]
        while waiting:
            for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
                # One that ended meanwhile has none.
                with suppress(FileNotFoundError, ProcessLookupError):
                    below = [int(pid) for pid in task.read_text().split()]
                    found += below
                    waiting += below
        return found


def new_site(place: Path) -> Site:
    """Return a site in a folder, with nothing in it yet."""
    place.chmod(0o755)
    site = Site(place)
    site.root.mkdir(mode=0o755)
    site.directory.write_text(dump_people(PEOPLE), encoding="utf-8")
    return site
