"""The way to a file as the kernel goes it: each folder searched, each link followed from where it stands.

Everything is opened with ``O_PATH``, which reads nothing, and judged on the descriptor. path_resolution(7).
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from beamtorch_identity.acl.attributes import translated
from beamtorch_identity.acl.control import AccessControl, Decision
from beamtorch_identity.acl.errors import VanishedError
from beamtorch_identity.acl.model import X
from beamtorch_identity.credentials import Credentials

MOST_LINKS = 40
"""MAXSYMLINKS of Linux: that many are followed in one path."""
_PROTECTED = Path("/proc/sys/fs/protected_symlinks")


class Outcome(StrEnum):
    """How a way ends, or an operation at its end."""

    ALLOWED = "allowed"
    DENIED = "denied"
    MISSING = "missing"
    NOT_A_FOLDER = "not-a-folder"
    LOOP = "loop"
    LINK_REFUSED = "link-refused"
    READ_ONLY = "read-only"


@dataclass(frozen=True)
class Step:
    """One folder that was searched, or one link that was followed."""

    path: Path
    decision: Decision | None = None
    link_to: str | None = None


@dataclass
class Way:
    """Where a path led to."""

    outcome: Outcome = Outcome.ALLOWED
    at: Path = Path("/")
    """The folder that blocks, the name that is missing, or the file itself."""
    steps: list[Step] = field(default_factory=list)
    descriptor: int = -1

    @property
    def blocking(self) -> Decision | None:
        """Why the way ends at a folder."""
        return self.steps[-1].decision if self.outcome is Outcome.DENIED and self.steps else None


@contextmanager
def walked(path: Path, person: Credentials, control: AccessControl) -> Iterator[Way]:
    """Give the way to an absolute path for a person; what it leads to is open while the block runs.

    Raises
    ------
    NotPermittedError
        If this process itself cannot look that far; root can, but for a network's file system that distrusts it.
    """
    way = Way()
    walker = _Walker(person, control, way)
    try:
        walker.go(path)
        yield way
    finally:
        if way.descriptor >= 0:
            os.close(way.descriptor)


class _Walker:
    def __init__(self, person: Credentials, control: AccessControl, way: Way) -> None:
        self._person = person
        self._control = control
        self._way = way
        self._links = 0
        self._ends_in_folder = False
        """Whether a link at the end has a slash at its end."""
        self._searched: set[Path] = set()

    def go(self, path: Path) -> None:
        self._enter(Path("/"), os.open("/", os.O_PATH | os.O_CLOEXEC))
        ahead = _names(str(path))
        while ahead:
            if not self._may_search():
                return
            name = ahead.pop()
            # “.” is searched for, too: without x of a folder it is not found there.
            place = self._way.at.parent if name == ".." else self._way.at / name
            descriptor = self._open(name, place)
            if descriptor is None:
                return
            if not stat.S_ISLNK(os.fstat(descriptor).st_mode):
                self._enter(place, descriptor)
                continue
            try:
                if not self._may_follow(place, descriptor, last=not ahead):
                    return
                target = os.readlink("", dir_fd=descriptor)
            finally:
                os.close(descriptor)
            self._way.steps.append(Step(place, link_to=target))
            if target.startswith("/"):
                self._enter(Path("/"), os.open("/", os.O_PATH | os.O_CLOEXEC))
            self._ends_in_folder |= not ahead and target.endswith("/")
            ahead += _names(target)
        if self._ends_in_folder and not stat.S_ISDIR(os.fstat(self._way.descriptor).st_mode):
            self._way.outcome = Outcome.NOT_A_FOLDER

    def _enter(self, place: Path, descriptor: int) -> None:
        if self._way.descriptor >= 0:
            os.close(self._way.descriptor)
        self._way.at, self._way.descriptor = place, descriptor

    def _may_search(self) -> bool:
        way = self._way
        if not stat.S_ISDIR(os.fstat(way.descriptor).st_mode):
            way.outcome = Outcome.NOT_A_FOLDER
            return False
        if way.at in self._searched:
            return True
        with translated(way.at):
            decision = self._control.decide(way.descriptor, self._person, X)
        self._searched.add(way.at)
        way.steps.append(Step(way.at, decision))
        if not decision.allowed:
            way.outcome = Outcome.DENIED
        return decision.allowed

    def _open(self, name: str, place: Path) -> int | None:
        try:
            with translated(place):
                return os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._way.descriptor)
        except VanishedError:
            self._way.outcome, self._way.at = Outcome.MISSING, place
            return None

    def _may_follow(self, place: Path, link: int, *, last: bool) -> bool:
        self._links += 1
        if self._links > MOST_LINKS:
            self._way.outcome, self._way.at = Outcome.LOOP, place
            return False
        folder, owner = os.fstat(self._way.descriptor), os.fstat(link).st_uid
        shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
        # proc(5), fs/protected_symlinks: in a folder such as /tmp nobody follows a stranger's link.
        if last and shared and owner not in {self._person.uid, folder.st_uid} and links_are_protected():
            self._way.outcome, self._way.at = Outcome.LINK_REFUSED, place
            return False
        return True


def links_are_protected() -> bool:
    """Tell whether the kernel refuses strangers' links in shared folders; where it does not say, it does."""
    try:
        return _PROTECTED.read_text(encoding="ascii").strip() != "0"
    except OSError:
        return True


def _names(path: str) -> list[str]:
    """Return the names of a path, the next one last."""
    return [name for name in reversed(path.split("/")) if name]
