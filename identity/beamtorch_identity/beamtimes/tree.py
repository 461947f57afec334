"""A walk over a tree in which others make, move and swap things meanwhile; it never leaves it.

Every step opens one name in an open folder with ``O_NOFOLLOW``, so a link is never followed, whenever it was put there.
What is given away is the descriptor; whatever becomes of the name, it is what was looked at. Other file systems that
are mounted below are not entered. Folders come before what is in them, and what is in them is listed only after the
caller is done with them: what is made meanwhile gets the new default rights.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from beamtorch_identity.acl.attributes import named_error
from beamtorch_identity.acl.errors import VanishedError

MOST_LEVELS = 400
"""Each level of folders holds a descriptor, of which a process usually may have 1024."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class Left(StrEnum):
    """Why something is left alone."""

    VANISHED = "vanished"
    MOUNT = "another file system"
    TOO_DEEP = "too deep"
    OTHER_NAMES = "has names elsewhere"
    REFUSED = "the kernel refuses"


Note = Callable[[str, Left], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file or folder that is open for as long as the caller looks at it."""

    descriptor: int
    seen: os.stat_result
    place: str


def open_below(folder: int, name: str) -> int:
    """Open a folder in an open folder; never through a link."""
    return os.open(name, _FOLDER, dir_fd=folder)


def walk(folder: int, place: str, note: Note) -> Iterator[Opened]:
    """Give everything in an open folder, itself first; files and folders alone, neither links nor pipes nor devices.

    Parameters
    ----------
    folder
        Stays open.
    place
        What the folder is called in what is given.
    note
        Is told what is left alone. Memory holds the names of sub-folders on the way down, never those of files.
    """
    seen = os.fstat(folder)
    device = seen.st_dev
    yield Opened(folder, seen, place)
    levels: list[tuple[int, str, list[str]]] = []
    try:
        levels.append((os.dup(folder), place, []))
        yield from _files(folder, place, levels[-1][2], device, note)
        while levels:
            parent, above, names = levels[-1]
            if not names:
                os.close(parent)
                levels.pop()
                continue
            name = names.pop()
            below = f"{above}/{name}"
            child = _open(name, _FOLDER, parent, below, note)
            if child is None:
                continue
            levels.append((child, below, []))
            seen = os.fstat(child)
            if seen.st_dev != device:
                note(below, Left.MOUNT)
            elif len(levels) > MOST_LEVELS:
                note(below, Left.TOO_DEEP)
            else:
                yield Opened(child, seen, below)
                yield from _files(child, below, levels[-1][2], device, note)
    finally:
        for descriptor, _, _ in levels:
            os.close(descriptor)


def _files(folder: int, place: str, folders: list[str], device: int, note: Note) -> Iterator[Opened]:
    """Give the files in a folder and collect the names of its folders."""
    for entry in _listed(folder, place, note):
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.name)
            continue
        if not entry.is_file(follow_symlinks=False):
            continue
        below = f"{place}/{entry.name}"
        descriptor = _open(entry.name, _FILE, folder, below, note)
        if descriptor is None:
            continue
        try:
            seen = os.fstat(descriptor)
            # A file may be mounted over a file, and may have become a link since it was listed.
            if not stat.S_ISREG(seen.st_mode):
                note(below, Left.VANISHED)
            elif seen.st_dev != device:
                note(below, Left.MOUNT)
            else:
                yield Opened(descriptor, seen, below)
        finally:
            os.close(descriptor)


def _listed(folder: int, place: str, note: Note) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except OSError as error:
        # A folder that was removed meanwhile cannot be listed to its end.
        _noted(error, place, note)


def _open(name: str, flags: int, folder: int, place: str, note: Note) -> int | None:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        _noted(error, place, note)
        return None


def _noted(error: OSError, place: str, note: Note) -> None:
    note(place, Left.VANISHED if isinstance(named_error(error, place), VanishedError) else Left.REFUSED)


class Names:
    """Files with several names (hard links): one is touched only once all of its names were met in this walk.

    A member could link a file from elsewhere into the tree; its rights are not the beamtime's to change, neither to
    give nor to take. Whoever moves names about during the walk can cheat this count, but only with files that they
    may write anyway (proc(5), fs/protected_hardlinks).
    """

    MOST = 200_000
    """Files waited for at once; beyond, further ones are left alone."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._met: dict[int, tuple[int, str]] = {}

    def are_all_met(self, one: Opened) -> bool:
        """Count one more name of a file; tell whether it was the last."""
        number = one.seen.st_ino
        met = self._met.pop(number, (0, one.place))[0] + 1
        if met >= one.seen.st_nlink:
            return True
        if len(self._met) < self.MOST:
            self._met[number] = (met, one.place)
        else:
            self._note(one.place, Left.OTHER_NAMES)
        return False

    def end(self) -> None:
        """Note each file that has names elsewhere, by one that was met."""
        for _, place in self._met.values():
            self._note(place, Left.OTHER_NAMES)
