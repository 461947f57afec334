"""Opening a file below a folder so that no link, no ``..`` and no swap in the middle of it leads anywhere else."""

import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from beamtorch_identity.reader.errors import (
    FileGoneError,
    FileRefusedError,
    FileSystemError,
    NotAFileError,
    PathRefusedError,
    ReaderError,
)

_SYS_OPENAT2 = 437
"""The same number on every architecture that Linux got it for (5.6)."""
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_RESOLVE = _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH
"""Mount points are crossed: each beamline may have a file system of its own."""
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_TRIES = 16
_LONGEST = 4096

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_REFUSED = {errno.EACCES, errno.EPERM}
_ELSEWHERE = {errno.ELOOP, errno.EXDEV, errno.EAGAIN, errno.EINVAL}
_NO_FILE = {errno.ENXIO, errno.ENODEV, errno.EISDIR, errno.EOPNOTSUPP}


@dataclass(frozen=True)
class PathBelow:
    """Where a file lies below the root of the data: names of folders and of the file, and nothing that leads up."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the path that a text names; raise `PathRefusedError` for one that is not plainly below something."""
        parts = tuple(text.split("/"))
        if "\0" in text or len(os.fsencode(text)) > _LONGEST or any(part in {"", ".", ".."} for part in parts):
            raise PathRefusedError
        return cls(parts)

    @classmethod
    def of(cls, path: Path, root: Path) -> Self:
        """Return where a file lies below a root, by its name alone; raise `PathRefusedError` if it does not."""
        if ".." in path.parts or not path.is_relative_to(root):
            raise PathRefusedError
        return cls.parse(path.relative_to(root).as_posix())

    def __str__(self) -> str:
        return "/".join(self.parts)


class _How(ctypes.Structure):
    """``struct open_how`` of openat2(2)."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)


def openat2(folder: int, path: PathBelow) -> int:
    """Open a file below a folder by openat2(2), which resolves the path as a whole."""
    how = _How(flags=_FLAGS, mode=0, resolve=_RESOLVE)
    for _ in range(_TRIES):
        descriptor = int(
            _libc.syscall(
                ctypes.c_long(_SYS_OPENAT2),
                ctypes.c_int(folder),
                ctypes.c_char_p(os.fsencode(str(path))),
                ctypes.byref(how),
                ctypes.c_size_t(ctypes.sizeof(how)),
            )
        )
        if descriptor >= 0:
            return descriptor
        number = ctypes.get_errno()
        if number not in {errno.EAGAIN, errno.EINTR}:
            break
        # EAGAIN: something was renamed at that moment, so that the kernel could not be sure.
    raise OSError(number, os.strerror(number))


def walk(folder: int, path: PathBelow) -> int:
    """Open a file below a folder step by step, for kernels without openat2; no step follows a link."""
    here = os.dup(folder)
    try:
        for part in path.parts[:-1]:
            there = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = there
            if stat.S_ISLNK(os.fstat(here).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return os.open(path.parts[-1], _FLAGS | os.O_NOFOLLOW, dir_fd=here)
    finally:
        os.close(here)


def best_opener() -> Callable[[int, PathBelow], int]:
    """Return `openat2` where the kernel has it and lets us, else `walk`."""
    root = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        os.close(openat2(root, PathBelow(("proc",))))
    except OSError as error:
        # A filter of system calls says EPERM, or what it likes; a missing folder is the answer of a real openat2.
        return openat2 if error.errno == errno.ENOENT else walk
    finally:
        os.close(root)
    return openat2


def open_beneath(root: Path, path: PathBelow, opener: Callable[[int, PathBelow], int]) -> int:
    """Return a descriptor of a plain file below a root, for reading.

    Raises
    ------
    ReaderError
        If there is none for this process: which subclass says why.
    """
    try:
        folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            descriptor = opener(folder, path)
        finally:
            os.close(folder)
    except OSError as error:
        raise refusal(error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError
    # It was for pipes and devices alone.
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~os.O_NONBLOCK)
    return descriptor


def refusal(error: OSError) -> ReaderError:
    """Return what an error of the file system means to a person."""
    for numbers, kind in ((_GONE, FileGoneError), (_REFUSED, FileRefusedError), (_ELSEWHERE, PathRefusedError)):
        if error.errno in numbers:
            return kind()
    return NotAFileError() if error.errno in _NO_FILE else FileSystemError()
