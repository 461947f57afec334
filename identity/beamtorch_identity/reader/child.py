"""What happens in a child: it becomes the person for good, opens or works, hands the descriptor back, and ends."""

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beamtorch_identity.credentials import Credentials
from beamtorch_identity.reader.beneath import PathBelow, open_beneath
from beamtorch_identity.reader.errors import ReaderError, TaskFailedError
from beamtorch_identity.reader.limits import Limits
from beamtorch_identity.reader.wire import Answer, OpenQuestion, WorkQuestion

Opener = Callable[[int, PathBelow], int]
ANSWERED, SILENT = 0, 1
_FIRST_OF_OURS = 3
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Place:
    """Where a task works: the root of the data, and the one good way to open something below it."""

    root: Path
    opener: Opener

    def open(self, path: PathBelow) -> int:
        """Return a descriptor of a plain file; errors as of `open_beneath`."""
        return open_beneath(self.root, path, self.opener)


Task = Callable[[Place, Mapping[str, Any]], bytes]
"""Works in somebody's name: takes the place and the arguments, gives bytes. Raises a `ReaderError` to say no."""


def run(
    question: OpenQuestion | WorkQuestion,
    credentials: Credentials | None,
    *,
    place: Place,
    tasks: Mapping[str, Task],
    limits: Limits,
    connection: int,
) -> int:
    """Answer one question in a fresh child; returns the child's exit status.

    Parameters
    ----------
    credentials
        Who to become; None: whoever this process is.
    connection
        Descriptor of the connection to the one who asks; every other one above 2 is closed.
    """
    os.dup2(connection, _FIRST_OF_OURS, inheritable=False)
    os.closerange(_FIRST_OF_OURS + 1, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    with socket.socket(fileno=_FIRST_OF_OURS) as asker:
        if credentials is not None:
            credentials.take_on()
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        limits.take_on(is_work=isinstance(question, WorkQuestion))
        try:
            descriptor = _open(question, place) if isinstance(question, OpenQuestion) else _work(question, place, tasks)
        except ReaderError as error:
            asker.send(Answer.no(error).packet())
            return ANSWERED
        socket.send_fds(asker, [Answer().packet()], [descriptor])
    return ANSWERED


def _open(question: OpenQuestion, place: Place) -> int:
    return place.open(PathBelow.parse(question.path))


def _work(question: WorkQuestion, place: Place, tasks: Mapping[str, Task]) -> int:
    task = tasks.get(question.task)
    if task is None:
        raise TaskFailedError
    try:
        result = task(place, question.arguments)
    except ReaderError:
        raise
    except Exception as error:  # a reader of files raises anything; which, is for the log
        print(f"{question.task} failed: {type(error).__name__}: {error}"[:500], file=sys.stderr, flush=True)  # noqa: T201
        raise TaskFailedError from error
    descriptor = os.memfd_create("result", os.MFD_CLOEXEC)
    try:
        written = 0
        while written < len(result):
            written += os.write(descriptor, result[written:])
    except OSError as error:  # larger than it may be
        raise TaskFailedError from error
    return descriptor
