"""Access control lists of open descriptors, read and written as extended attributes; no program is started.

A descriptor may be one of ``O_PATH``, which no permission of the file itself is needed for and which has no effect on
devices and pipes. The kernel takes attributes by path alone then, so the path is that of the descriptor below
``/proc/self/fd``, which always leads to exactly what was opened: no name is looked up a second time.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beamtorch_identity.acl import errors
from beamtorch_identity.acl.model import Acl
from beamtorch_identity.acl.wire import decode, encode

ACCESS = "system.posix_acl_access"
DEFAULT = "system.posix_acl_default"
_ABSENT = errno.ENODATA
_BY_NUMBER: dict[int, type[errors.AccessError]] = {
    errno.EOPNOTSUPP: errors.AclUnsupportedError,
    errno.EROFS: errors.AclReadOnlyError,
    errno.E2BIG: errors.AclTooLongError,
    errno.ERANGE: errors.AclTooLongError,
    errno.ENOSPC: errors.AclTooLongError,
    errno.ENOENT: errors.VanishedError,
    errno.ENOTDIR: errors.VanishedError,
    errno.ELOOP: errors.VanishedError,
    errno.ESTALE: errors.VanishedError,
    errno.EPERM: errors.NotPermittedError,
    errno.EACCES: errors.NotPermittedError,
}


def named_error(error: OSError, place: Path | str) -> errors.AccessError | None:
    """Return what an error of the kernel is called here; None: it is none that is expected."""
    known = _BY_NUMBER.get(error.errno or 0)
    return None if known is None else known.of(place)


@contextmanager
def translated(place: Path | str) -> Iterator[None]:
    """Turn what the kernel says about an entry into an error that a person understands."""
    try:
        yield
    except OSError as error:
        known = named_error(error, place)
        if known is None:
            raise
        raise known from error
    except ValueError as error:
        raise errors.DamagedAclError.of(place, error) from error


def through(descriptor: int) -> str:
    """Return the path that leads to what a descriptor has open, whatever became of its name."""
    return f"/proc/self/fd/{descriptor}"


def raw(descriptor: int, attribute: str) -> bytes | None:
    """Return an attribute as the kernel gives it, None if there is none.

    Raises
    ------
    OSError
        Whatever the kernel says; `translated` makes it readable.
    """
    try:
        return os.getxattr(through(descriptor), attribute)
    except OSError as error:
        if error.errno == _ABSENT:
            return None
        raise


def read_access(descriptor: int) -> Acl:
    """Return who may do what; without a list the nine mode bits say it. A file system without lists counts as that."""
    try:
        value = raw(descriptor, ACCESS)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        value = None
    return Acl.of_mode(os.fstat(descriptor).st_mode) if value is None else decode(value)


def read_default(descriptor: int) -> Acl | None:
    """Return what is given to everything that is made in a folder; None: the maker's umask says it."""
    value = raw(descriptor, DEFAULT)
    return None if value is None else decode(value)


def write_access(descriptor: int, acl: Acl) -> None:
    """Set who may do what, mode bits included; a list without named entries leaves nothing but these."""
    os.setxattr(through(descriptor), ACCESS, encode(acl))


def write_default(descriptor: int, acl: Acl | None) -> None:
    """Set or take away what is given to everything that is made in a folder."""
    if acl is not None:
        os.setxattr(through(descriptor), DEFAULT, encode(acl))
        return
    try:
        os.removexattr(through(descriptor), DEFAULT)
    except OSError as error:
        if error.errno != _ABSENT:
            raise
