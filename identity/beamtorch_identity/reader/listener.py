"""The process that listens: who asks, about whom, and an order for the forker."""

import logging
import os
import signal
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Semaphore

from beamtorch_facility.directory import Directory, DirectoryError, PersonRefusedError, UnknownPersonError
from beamtorch_identity.credentials import Credentials
from beamtorch_identity.reader.address import short
from beamtorch_identity.reader.errors import (
    DirectoryAwayError,
    NobodyToReadError,
    ReaderAwayError,
    ReaderBusyError,
    ReaderError,
)
from beamtorch_identity.reader.forker import READY
from beamtorch_identity.reader.wire import LARGEST_PACKET, Answer, order_packet, question_of

log = logging.getLogger(__name__)

LOOKUPS = 16
_WAITING = 256
_ASK_SECONDS = 5.0
"""How long the one who connected may take to ask."""
_BACKLOG = 128


def bound(path: Path, service_uid: int) -> socket.socket:
    """Return a socket that listens at a path, for the service and for root alone.

    The service's group has the number of its user; it may enter the folder, and does not own it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    try:
        with short(path) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    if service_uid != os.geteuid():
        for place, mode in ((path.parent, 0o710), (path, 0o660)):
            os.chown(place, -1, service_uid)
            place.chmod(mode)
    listener.listen(_BACKLOG)
    return listener


class Listener:
    """Answers those whom the kernel knows as the service; nobody else can ask."""

    def __init__(
        self, listener: socket.socket, forker: socket.socket, *, directory: Directory, service_uid: int, becomes: bool
    ) -> None:
        self._listener, self._forker = listener, forker
        self._directory, self._service_uid, self._becomes = directory, service_uid, becomes
        self._room = Semaphore(_WAITING)

    def run(self, on_ready: Callable[[], None]) -> None:
        """Listen until told to end (SIGTERM, SIGINT) or until the forker is gone, which is an error."""
        if self._forker.recv(len(READY)) != READY:
            raise RuntimeError("the forking process did not start")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        on_ready()
        with ThreadPoolExecutor(LOOKUPS, "lookup") as pool, suppress(KeyboardInterrupt):
            while True:
                connection, _ = self._listener.accept()
                if not self._room.acquire(blocking=False):
                    _refuse(connection, ReaderBusyError())
                    connection.close()
                    continue
                pool.submit(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                self._take(connection)
        except (OSError, ValueError) as error:
            log.warning("a question was not understood: %s", type(error).__name__)
        except Exception:
            log.exception("a question broke the reader")
        finally:
            self._room.release()

    def _take(self, connection: socket.socket) -> None:
        uid = peer_uid(connection)
        if uid != self._service_uid:
            # Whoever watches over this process connects to see whether it listens.
            level = logging.DEBUG if uid == os.geteuid() else logging.WARNING
            log.log(level, "uid %d is not the service's and gets nothing", uid)
            _refuse(connection, ReaderAwayError())
            return
        connection.settimeout(_ASK_SECONDS)
        packet = connection.recv(LARGEST_PACKET)
        if not packet:
            return
        question = question_of(packet)
        try:
            credentials = Credentials.of(self._directory.person(question.person))
        except (UnknownPersonError, PersonRefusedError) as error:
            log.info("%s is refused: %s", question.person, error.code)
            _refuse(connection, NobodyToReadError(error.detail))
        except DirectoryError as error:
            log.warning("the directory does not answer: %s", error)
            _refuse(connection, DirectoryAwayError())
        else:
            connection.settimeout(None)
            order = order_packet(packet, credentials if self._becomes else None)
            socket.send_fds(self._forker, [order], [connection.fileno()])


def peer_uid(connection: socket.socket) -> int:
    """Return who connected, as the kernel noted it down then (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)


def _refuse(connection: socket.socket, error: ReaderError) -> None:
    with suppress(OSError):
        connection.send(Answer.no(error).packet(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
