"""Carries the bytes of ssh between two descriptors and a server's websocket, in two threads that wait for each other.

Threads, for neither a pipe of Windows nor a terminal can be waited for otherwise.
"""

import contextlib
import json
import logging
import os
import ssl
import sys
import threading
from typing import Any

from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidStatus,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, connect

from beamtorch_facility.words import Words
from beamtorch_hub.ssh.account import Account
from beamtorch_hub.ssh.errors import ConnectionLostError
from beamtorch_hub.ssh.hub import Platform, unreachable

# What goes wrong is told in one sentence; the library would print a traceback beside it.
logging.getLogger("websockets").setLevel(logging.CRITICAL + 1)

PIECE_BYTES = 64 * 1024
OPEN_SECONDS = 30.0


def carry(account: Account, username: str, server: str, *, source: int, sink: int) -> None:
    """Connect to a server and carry bytes until either side ends.

    Raises
    ------
    SshError
        Why there is no connection, or none any more.
    """
    tls = ssl.create_default_context()
    _as_bytes(source, sink)
    with contextlib.closing(_connected(account, username, server, tls)) as connection:
        threading.Thread(target=_inward, args=(source, connection), daemon=True).start()
        _outward(connection, sink)


def _as_bytes(*descriptors: int) -> None:
    """Have Windows leave line ends alone."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there alone

        for descriptor in descriptors:
            msvcrt.setmode(descriptor, os.O_BINARY)


def _connected(account: Account, username: str, server: str, tls: ssl.SSLContext) -> ClientConnection:
    door = account.door(username, server)
    try:
        return connect(
            door,
            ssl=tls if door.startswith("wss:") else None,
            additional_headers=account.headers,
            # What is encrypted does not get smaller.
            compression=None,
            open_timeout=OPEN_SECONDS,
        ).__enter__()
    except InvalidStatus as refused:
        platform = Platform(account, tls)
        with contextlib.closing(platform):
            raise platform.why_not(
                username, server, refused.response.status_code, _said(refused.response.body)
            ) from refused
    except (OSError, WebSocketException) as error:
        raise unreachable(account, str(error)) from error


def _inward(source: int, connection: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        while data := os.read(source, PIECE_BYTES):
            connection.send(data)
    connection.close()


def _outward(connection: ClientConnection, sink: int) -> None:
    try:
        while True:
            data = connection.recv(decode=False)
            # Whoever reads may take less than it is given.
            while data:
                data = data[os.write(sink, data) :]
    except (BrokenPipeError, ConnectionClosedOK):
        return
    except ConnectionClosedError as closed:
        raise ConnectionLostError(
            Words(
                en="The connection to the server was lost. If it still runs, connect again.",
                zh="与服务器的连接中断。如服务器仍在运行，请重新连接。",
            )
        ) from closed


def _said(body: bytes | bytearray) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
