"""The process that forks: one thread, everything loaded beforehand, a fresh child for each question."""

import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from beamtorch_identity.credentials import Credentials
from beamtorch_identity.reader import child
from beamtorch_identity.reader.beneath import best_opener
from beamtorch_identity.reader.errors import (
    FileSystemError,
    ReaderBusyError,
    ReaderError,
    TaskFailedError,
)
from beamtorch_identity.reader.limits import Limits
from beamtorch_identity.reader.wire import LARGEST_ORDER, Answer, OpenQuestion, WorkQuestion, order_of

READY = b"ready"


@dataclass(eq=False)
class _Job:
    """One child, the connection that it answers on, and until when it may."""

    pid: int
    pidfd: int
    question: OpenQuestion | WorkQuestion
    connection: socket.socket
    until: float
    is_answered: bool = False


class Forker:
    """Takes orders from the listener, and sees to it that each is answered or its asker hears why not.

    It has no thread, so that a child finds no lock that somebody else holds; and it never becomes anybody itself.
    """

    def __init__(self, orders: socket.socket, *, root: Path, tasks: Mapping[str, child.Task], limits: Limits) -> None:
        self._orders, self._tasks, self._limits = orders, tasks, limits
        self._place = child.Place(root, best_opener())
        self._jobs: set[_Job] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(orders, selectors.EVENT_READ)

    def run(self) -> None:
        """Work until the listener is gone."""
        self._orders.send(READY)
        while True:
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._orders:
                    if not self._take_order():
                        self._end_all()
                        return
                elif key.data in self._jobs:
                    self._look_at(key.data, is_pidfd=key.fileobj == key.data.pidfd)
            for job in [job for job in self._jobs if job.until <= time.monotonic() and not job.is_answered]:
                self._end(job, TaskFailedError() if isinstance(job.question, WorkQuestion) else FileSystemError())

    def _patience(self) -> float | None:
        until = min((job.until for job in self._jobs if not job.is_answered), default=None)
        return None if until is None else max(0.0, until - time.monotonic())

    def _take_order(self) -> bool:
        packet, descriptors, _, _ = socket.recv_fds(self._orders, LARGEST_ORDER, 1, socket.MSG_CMSG_CLOEXEC)
        if not packet:
            return False
        connection = socket.socket(fileno=descriptors[0])
        question, credentials = order_of(packet)
        names = Counter(job.question.person for job in self._jobs)
        if len(self._jobs) >= self._limits.at_once or names[question.person] >= self._limits.of_one_person:
            _answer(connection, ReaderBusyError())
            connection.close()
        else:
            self._start(question, credentials, connection)
        return True

    def _start(
        self, question: OpenQuestion | WorkQuestion, credentials: Credentials | None, connection: socket.socket
    ) -> None:
        try:
            pid = os.fork()
        except OSError:
            _answer(connection, ReaderBusyError())
            connection.close()
            return
        if pid == 0:
            self._be_child(question, credentials, connection)
        seconds = self._limits.work_seconds if isinstance(question, WorkQuestion) else self._limits.open_seconds
        job = _Job(pid, os.pidfd_open(pid), question, connection, time.monotonic() + seconds)
        self._jobs.add(job)
        self._selector.register(job.pidfd, selectors.EVENT_READ, job)
        # An asker says nothing more; what can be read is that they went away.
        self._selector.register(connection, selectors.EVENT_READ, job)

    def _be_child(
        self, question: OpenQuestion | WorkQuestion, credentials: Credentials | None, connection: socket.socket
    ) -> None:
        status = child.SILENT
        try:
            status = child.run(
                question,
                credentials,
                place=self._place,
                tasks=self._tasks,
                limits=self._limits,
                connection=connection.fileno(),
            )
        except BrokenPipeError:
            pass  # Nobody waits for it any more.
        except BaseException:  # noqa: BLE001 - a child never goes back into the loop of its parent
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(status)

    def _look_at(self, job: _Job, *, is_pidfd: bool) -> None:
        if not is_pidfd:
            self._end(job, None)
            return
        status = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
        if status != child.ANSWERED and not job.is_answered:
            _answer(job.connection, TaskFailedError() if isinstance(job.question, WorkQuestion) else ReaderError())
        self._let_go(job)
        self._selector.unregister(job.pidfd)
        os.close(job.pidfd)
        self._jobs.discard(job)

    def _end(self, job: _Job, error: ReaderError | None) -> None:
        """End a child; one that hangs in the kernel keeps its place until that lets it go."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(job.pidfd, signal.SIGKILL)
        if error is not None:
            _answer(job.connection, error)
        self._let_go(job)

    def _let_go(self, job: _Job) -> None:
        if job.connection.fileno() >= 0:
            self._selector.unregister(job.connection)
            job.connection.close()
        job.is_answered = True

    def _end_all(self) -> None:
        for job in self._jobs:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(job.pidfd, signal.SIGKILL)


def _answer(connection: socket.socket, error: ReaderError) -> None:
    try:
        connection.send(Answer.no(error).packet(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:
        return  # The asker went away, or never reads.
