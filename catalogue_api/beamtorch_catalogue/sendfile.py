"""uvicorn with sendfile(2): the ASGI extension ``http.response.zerocopysend``, which it does not have itself.

A file may lie on a file system that is slow or hangs, so that bytes are moved in a thread and never in the event loop.
A client that is slower than the disk costs no thread: its connection waits in the loop until it can take more.
"""

import asyncio
import os
import select
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

ZERO_COPY = "http.response.zerocopysend"
THREADS = 32
STALL_SECONDS = 120.0
"""How long a client may take nothing at all."""
_STEP = 4 * 1024**2
_IMPATIENCE_MS = 20
"""How long a thread waits for a client before it goes and does something else."""


class FileChangedError(Exception):
    """A file that is not what it was when its length was told."""


class _Length:
    """Stands for bytes that h11 only has to count."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length


class _Transfer:
    """One part of a file on its way; keeps both descriptors of its own, until no thread uses them any more."""

    def __init__(self, connection: int, file: int, offset: int, count: int) -> None:
        self._connection, self._file = os.dup(connection), os.dup(file)
        self._at, self._end = offset, offset + count
        self._known = self._look()

    @property
    def is_done(self) -> bool:
        return self._at >= self._end

    def push(self) -> None:
        """Move bytes until all are gone or the client takes no more for now; in a thread.

        Raises
        ------
        FileChangedError
            If the file was cut or written to.
        OSError
            If the client went away, or the file cannot be read.
        """
        waiting = select.poll()
        waiting.register(self._connection, select.POLLOUT)
        while not self.is_done:
            if self._look() != self._known:
                raise FileChangedError
            try:
                moved = os.sendfile(self._connection, self._file, self._at, min(_STEP, self._end - self._at))
            except BlockingIOError:
                if not waiting.poll(_IMPATIENCE_MS):
                    return
                continue
            if moved == 0:
                raise FileChangedError
            self._at += moved

    async def until_writable(self) -> None:
        """Wait for the client, in the event loop."""
        loop = asyncio.get_running_loop()
        can_write = loop.create_future()
        loop.add_writer(self._connection, lambda: None if can_write.done() else can_write.set_result(None))
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await can_write
        finally:
            loop.remove_writer(self._connection)

    def close(self, _: object = None) -> None:
        """Give the descriptors back."""
        os.close(self._connection)
        os.close(self._file)

    def _look(self) -> tuple[int, int]:
        found = os.fstat(self._file)
        return found.st_size, found.st_mtime_ns


class SendfileProtocol(H11Protocol):
    """uvicorn's own protocol, which can send a part of an open file."""

    threads = ThreadPoolExecutor(THREADS, "sendfile")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Offer the extension to the application, unless bytes have to be encrypted on their way."""
        super().connection_made(transport)
        if transport.get_extra_info("sslcontext") is None:
            self.app = partial(_with_sendfile, self.app, self)

    async def send_file(self, file: int, offset: int, count: int) -> None:
        """Send a part of a file as body; a connection that cannot have all of it is cut."""
        if self.cycle.disconnected:
            return
        self.conn.send_with_data_passthrough(h11.Data(data=_Length(count)))  # type: ignore[arg-type]  # h11: “sendfile”
        await self._flush()
        # What the client says meanwhile waits: an answer to it would come in the middle of the file.
        self.flow.pause_reading()
        transfer = _Transfer(self.transport.get_extra_info("socket").fileno(), file, offset, count)
        moving: Future[None] | None = None
        try:
            while not transfer.is_done:
                moving = self.threads.submit(transfer.push)
                await asyncio.wrap_future(moving)
                if not transfer.is_done:
                    await transfer.until_writable()
        except (FileChangedError, OSError):
            # TimeoutError is one, too. What was promised cannot be kept.
            self.transport.abort()
        except asyncio.CancelledError:
            self.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            raise
        finally:
            _close_after(moving, transfer)
            if not self.transport.is_closing():
                self.flow.resume_reading()

    async def _flush(self) -> None:
        """Wait until everything before the file is with the kernel."""
        low, high = self.transport.get_write_buffer_limits()
        self.transport.set_write_buffer_limits(high=0)
        if self.flow.write_paused:
            await self.flow.drain()
        self.transport.set_write_buffer_limits(high=high, low=low)


def _close_after(moving: "Future[None] | None", transfer: _Transfer) -> None:
    """Close once no thread moves bytes; a thread may hang in a file system long after the client is gone."""
    if moving is None:
        transfer.close()
    else:
        moving.add_done_callback(transfer.close)


async def _with_sendfile(app: Any, protocol: SendfileProtocol, scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        await app(scope, receive, send)
        return
    scope["extensions"] = {**scope.get("extensions", {}), ZERO_COPY: {}}

    async def sending(message: Any) -> None:
        if message["type"] == ZERO_COPY:
            await protocol.send_file(message["file"], message["offset"], message["count"])
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await send(message)

    await app(scope, receive, sending)
