"""Carries the bytes of ssh between two descriptors and a server's websocket; whoever is fast waits for the other.

A thread reads the one descriptor and others write the other one, for neither a pipe of Windows nor a terminal can be
waited for otherwise. The websocket belongs to the event loop alone: a connection of OpenSSL may not be read and
written by two threads at a time (https://github.com/openssl/openssl/issues/20446), and hangs when it is.
"""

import asyncio
import contextlib
import json
import logging
import os
import ssl
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidStatus,
    WebSocketException,
)

from beamtorch_facility.words import Words
from beamtorch_hub.ssh.account import Account
from beamtorch_hub.ssh.errors import ConnectionLostError
from beamtorch_hub.ssh.hub import Platform, unreachable

# What goes wrong is told in one sentence; the library would print a traceback beside it.
logging.getLogger("websockets").setLevel(logging.CRITICAL + 1)

PIECE_BYTES = 64 * 1024
OPEN_SECONDS = 30.0


class _Door(connect):
    """Follows nobody elsewhere: a door that does not open is asked why."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Take a redirect for the refusal that it is."""
        return exc


def carry(account: Account, username: str, server: str, *, source: int, sink: int) -> None:
    """Connect to a server and carry bytes until either side ends.

    Raises
    ------
    SshError
        Why there is no connection, or none any more.
    """
    _as_bytes(source, sink)
    asyncio.run(_carry(account, username, server, source=source, sink=sink))


def _as_bytes(*descriptors: int) -> None:
    """Have Windows leave line ends alone."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there alone

        for descriptor in descriptors:
            msvcrt.setmode(descriptor, os.O_BINARY)


async def _carry(account: Account, username: str, server: str, *, source: int, sink: int) -> None:
    async with await _connected(account, username, server, ssl.create_default_context()) as connection:
        loop = asyncio.get_running_loop()
        threading.Thread(target=_inward, args=(source, connection, loop), daemon=True).start()
        await _outward(connection, sink)


async def _connected(account: Account, username: str, server: str, tls: ssl.SSLContext) -> ClientConnection:
    door = account.door(username, server)
    try:
        return await _Door(
            door,
            ssl=tls if door.startswith("wss:") else None,
            additional_headers=account.headers,
            # What is encrypted does not get smaller.
            compression=None,
            open_timeout=OPEN_SECONDS,
        )
    except InvalidStatus as refused:
        platform = Platform(account, tls)
        with contextlib.closing(platform):
            raise platform.why_not(
                username, server, refused.response.status_code, _said(refused.response.body)
            ) from refused
    except (OSError, WebSocketException) as error:
        raise unreachable(account, str(error)) from error


def _inward(source: int, connection: ClientConnection, loop: asyncio.AbstractEventLoop) -> None:
    """Read until the end; what is read goes out before more is."""
    # A loop that has ended takes nothing more: so does the process, in a moment.
    with contextlib.suppress(RuntimeError):
        with contextlib.suppress(ConnectionClosed, OSError):
            while data := os.read(source, PIECE_BYTES):
                _begin(connection.send(data), loop).result()
        _begin(connection.close(), loop)


def _begin(step: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> Future[None]:
    try:
        return asyncio.run_coroutine_threadsafe(step, loop)
    except RuntimeError:
        # Forgotten, it would print a warning at the end.
        step.close()
        raise


async def _outward(connection: ClientConnection, sink: int) -> None:
    try:
        while True:
            await asyncio.to_thread(_write, sink, await connection.recv(decode=False))
    except (BrokenPipeError, ConnectionClosedOK):
        return
    except ConnectionClosedError as closed:
        raise ConnectionLostError(
            Words(
                en="The connection to the server was lost. If it still runs, connect again.",
                zh="与服务器的连接中断。如服务器仍在运行，请重新连接。",
            )
        ) from closed


def _write(sink: int, data: bytes) -> None:
    # Whoever reads may take less than it is given.
    while data:
        data = data[os.write(sink, data) :]


def _said(body: bytes | bytearray) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
