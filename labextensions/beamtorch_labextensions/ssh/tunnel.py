"""One connection: an sshd as a process of its own, bytes to it and from it, and its end with the connection's."""

import asyncio
import contextlib
import os
import socket
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from beamtorch_labextensions.ssh.sshd import SECRET_FILES, Server

PIECE_BYTES = 64 * 1024
"""What is read at once, and about what waits in either direction: whoever is fast waits for the other."""
END_SECONDS = 5.0


class Tunnel:
    """The near end of an sshd's connection."""

    def __init__(self, folder: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._folder = folder
        self._reader = reader
        self._writer = writer
        self._secrets: tuple[str, ...] = SECRET_FILES

    async def send(self, data: bytes) -> None:
        """Give bytes to sshd; returns when it keeps up. Raises `OSError` once it is gone."""
        self._writer.write(data)
        await self._writer.drain()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give what sshd says, until it ends."""
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(PIECE_BYTES):
                self._forget_secrets()
                yield data

    def _forget_secrets(self) -> None:
        """Leave no secret behind should the lab be killed while somebody is in it."""
        for name in self._secrets:
            (self._folder / name).unlink(missing_ok=True)
        self._secrets = ()


@contextlib.asynccontextmanager
async def open_tunnel(make: Callable[[Path], Server], log: Callable[[str], None]) -> AsyncIterator[Tunnel]:
    """Run an sshd for one connection; when the block ends, so do sshd and what it forwards.

    Parameters
    ----------
    make
        Says what to start, for the folder where its files will lie.
    log
        Takes the lines that sshd logs.
    """
    with tempfile.TemporaryDirectory(prefix="beamtorch-ssh-", ignore_cleanup_errors=True) as place:
        started = make(Path(place))
        write_files(Path(place), started.files)
        near, far = socket.socketpair()
        with far:
            process = await asyncio.create_subprocess_exec(
                *started.command,
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=PIPE,
                env=started.environment,
                cwd="/",
                # A signal to the lab's own group, such as Ctrl-C at a terminal, is none to sshd.
                start_new_session=True,
            )
        reader, writer = await asyncio.open_unix_connection(sock=near, limit=PIECE_BYTES)
        writer.transport.set_write_buffer_limits(high=PIECE_BYTES)
        telling = asyncio.create_task(_tell(process, log))
        try:
            yield Tunnel(Path(place), reader, writer)
        finally:
            writer.transport.abort()
            await _end(process)
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write files that only this user can read."""
    for name, text in files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.fsencode(text))


async def _tell(process: Process, log: Callable[[str], None]) -> None:
    while process.stderr is not None and (line := await process.stderr.readline()):
        log(line.decode(errors="replace").strip())


async def _end(process: Process) -> None:
    """Wait until sshd has noticed that its connection is gone; help if it does not."""
    for help_it in (None, process.terminate, process.kill):
        with contextlib.suppress(ProcessLookupError):
            if help_it is not None:
                help_it()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END_SECONDS)
            return
