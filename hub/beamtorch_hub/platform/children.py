"""One process of a platform: how it is started, asked whether it is well, and ended."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import httpx
import psutil

from beamtorch_hub.files import writing_in
from beamtorch_identity.reader import address

STOP_SECONDS = 8.0
"""How long a process may take to end by itself."""
PROBE_SECONDS = 2.0
SOCKET = "unix:"
"""Begins the health URL of a process that speaks no HTTP."""


class ChildState(StrEnum):
    """Where a process stands."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """What one process is: pure data, made by `roster`."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    health_url: str
    health_headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Child:
    """A process in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self.spec = spec
        self.log = log
        self.state = ChildState.ENDED
        self.starts = 0
        self.deaths: list[float] = []
        """Monotonic times at which it ended unasked."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """Name of the process in messages and commands."""
        return self.spec.name

    @property
    def pid(self) -> int | None:
        """Number of the process, if it was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; it is well only once `probe` says so."""
        with writing_in(self.log.parent), self.log.open("ab", buffering=0) as log:
            with contextlib.suppress(OSError):  # A full disk is no reason not to start again.
                log.write(f"--- started {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command of ours, no shell
                self.spec.command,
                env=dict(self.spec.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.starts += 1
        self.state = ChildState.STARTING

    def poll(self) -> int | None:
        """Return the exit status once the process has ended (negative: the signal), and remember when."""
        status = self._process.poll() if self._process else None
        if status is not None and self.state is not ChildState.ENDED:
            self.state = ChildState.ENDED
            self.deaths.append(time.monotonic())
            # What it had started in its own session has lost its master.
            _signal_group(self._process.pid if self._process else 0, signal.SIGKILL)
        return status

    def probe(self, client: httpx.Client) -> bool:
        """Ask the process whether it is well."""
        if self.state is ChildState.STARTING and is_well(self.spec, client):
            self.state = ChildState.RUNNING
        return self.state is ChildState.RUNNING

    def ask_to_end(self) -> None:
        """Ask the process to end; `wait` sees to it that it does."""
        if self._process and self._process.poll() is None:
            self.state = ChildState.ENDED
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def wait(self, seconds: float = STOP_SECONDS) -> None:
        """Wait for the end, and force it when time is over."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(seconds, 0.05))
        _signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def last_lines(self, count: int = 15) -> list[str]:
        """Return the end of the log."""
        return last_lines(self.log, count)


def is_well(spec: ChildSpec, client: httpx.Client) -> bool:
    """Say whether a process answers at its health URL; ``unix:…`` is a socket that takes a connection."""
    if spec.health_url.startswith(SOCKET):
        return address.answers(Path(spec.health_url.removeprefix(SOCKET)))
    try:
        return client.get(spec.health_url, headers=dict(spec.health_headers), timeout=PROBE_SECONDS).is_success
    except httpx.HTTPError:
        return False


def loopback_client() -> httpx.Client:
    """Return an HTTP client that never takes a way through a web proxy of the surroundings."""
    return httpx.Client(trust_env=False, timeout=PROBE_SECONDS)


def last_lines(log: Path, count: int) -> list[str]:
    """Return the end of a log that may be long or missing."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 64 * 1024))
            return file.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []


def tell_end(status: int) -> str:
    """Say in words how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "a signal"
    words = {"SIGKILL": "killed", "SIGTERM": "terminated", "SIGINT": "interrupted", "SIGSEGV": "crashed"}
    return f"{words.get(name, name)}, signal {-status}"


def _signal_group(pid: int, number: signal.Signals) -> None:
    # The group outlives its leader while members remain; its number is not given away before.
    if pid > 1 and pid != os.getpgrp():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)


def born(pid: int) -> float | None:
    """Return when a process started, which with its number tells it from a later one; None: there is none."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
