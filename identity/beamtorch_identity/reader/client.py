"""Asking the reader, without blocking the one who asks."""

import asyncio
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from beamtorch_facility.identity import Username
from beamtorch_identity.reader.address import short
from beamtorch_identity.reader.beneath import PathBelow
from beamtorch_identity.reader.errors import FileSystemError, ReaderAwayError, ReaderError, TaskFailedError
from beamtorch_identity.reader.limits import MIB
from beamtorch_identity.reader.wire import Answer, OpenQuestion, WorkQuestion

OPEN_SECONDS, WORK_SECONDS = 15.0, 45.0
"""Longer than the reader itself lets anything take."""
_ANSWER = 64 * 1024
_AGAIN_SECONDS = 0.005
_LARGEST_RESULT = 64 * MIB


@dataclass(frozen=True)
class OpenFile:
    """An open file and what it was when it was opened; to be closed by whoever got it."""

    descriptor: int
    size: int
    mtime_ns: int
    inode: int

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Reader(Protocol):
    """Whoever opens files in a person's name."""

    async def open(self, person: Username, path: PathBelow) -> OpenFile:
        """Open a file for reading; raises a `ReaderError` that says why not."""
        ...

    async def work(self, person: Username, task: str, arguments: Mapping[str, Any]) -> bytes:
        """Do a task; raises a `ReaderError` that says why not."""
        ...


class ReaderClient:
    """Asks the reader behind a socket; each question is a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def open(self, person: Username, path: PathBelow) -> OpenFile:
        """Open a file for reading; raises a `ReaderError` that says why not."""
        question = OpenQuestion(person=person, path=str(path)).packet()
        descriptor = await self._ask(question, OPEN_SECONDS, FileSystemError())
        found = os.fstat(descriptor)
        return OpenFile(descriptor, found.st_size, found.st_mtime_ns, found.st_ino)

    async def work(self, person: Username, task: str, arguments: Mapping[str, Any]) -> bytes:
        """Do a task; raises a `ReaderError` that says why not."""
        question = WorkQuestion(person=person, task=task, arguments=dict(arguments)).packet()
        descriptor = await self._ask(question, WORK_SECONDS, TaskFailedError())
        try:
            return os.pread(descriptor, min(os.fstat(descriptor).st_size, _LARGEST_RESULT), 0)
        finally:
            os.close(descriptor)

    async def _ask(self, packet: bytes, seconds: float, late: ReaderError) -> int:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as connection:
            try:
                async with asyncio.timeout(seconds):
                    await self._connect(connection)
                    await asyncio.get_running_loop().sock_sendall(connection, packet)
                    await _readable(connection)
                answered, descriptors, _, _ = socket.recv_fds(connection, _ANSWER, 1, socket.MSG_CMSG_CLOEXEC)
            except TimeoutError as error:
                raise late from error
            except OSError as error:
                raise ReaderAwayError from error
        return _checked(answered, descriptors)

    async def _connect(self, connection: socket.socket) -> None:
        with short(self._path) as address:
            while True:
                try:
                    connection.connect(address)
                except BlockingIOError:
                    # Many ask at once. Unlike TCP, nothing is under way then (connect(2), EAGAIN).
                    await asyncio.sleep(_AGAIN_SECONDS)
                else:
                    return


def _checked(answered: bytes, descriptors: list[int]) -> int:
    """Return the one descriptor of an answer.

    Whoever answers may have read what somebody made to fool it, so that nothing of it is believed unseen.
    """
    answer = _answer_of(answered)
    is_file = len(descriptors) == 1 and stat.S_ISREG(os.fstat(descriptors[0]).st_mode)
    if answer is None or answer.refused is not None or not is_file:
        for descriptor in descriptors:
            os.close(descriptor)
        raise ReaderAwayError if answer is None else answer.error()
    return descriptors[0]


def _answer_of(packet: bytes) -> Answer | None:
    try:
        return Answer.model_validate_json(packet)
    except ValueError:
        return None  # It died before it could say anything.


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    waiting = loop.create_future()
    loop.add_reader(connection, lambda: None if waiting.done() else waiting.set_result(None))
    try:
        await waiting
    finally:
        loop.remove_reader(connection)


class NoReader:
    """Stands where no reader was set up, and says so."""

    async def open(self, person: Username, path: PathBelow) -> OpenFile:  # noqa: ARG002 - the same question
        """Refuse."""
        raise ReaderAwayError

    async def work(self, person: Username, task: str, arguments: Mapping[str, Any]) -> bytes:  # noqa: ARG002
        """Refuse."""
        raise ReaderAwayError
