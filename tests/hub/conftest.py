"""Stand-ins for the processes of a platform: small real servers, started and killed like the real ones."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beamtorch_hub.errors import PlatformError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.children import ChildSpec, ChildState
from beamtorch_hub.platform.record import PlatformRecord, PlatformState, read_record
from beamtorch_hub.platform.supervisor import Supervisor
from beamtorch_hub.platform.sweep import MARK

SERVER = """
import http.server, sys, threading, time
class Well(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        if sys.argv[2] == "frail":
            threading.Timer(0.05, lambda: __import__("os")._exit(7)).start()
    def log_message(self, *a): pass
print("serving at", sys.argv[1], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Well).serve_forever()
"""
FAILING = "import sys; print('the database is of another age'); sys.exit(3)"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def home(tmp_path: Path) -> PlatformHome:
    made = PlatformHome(tmp_path / "a home")
    made.make()
    return made


@pytest.fixture
def stand_in(home: PlatformHome) -> Callable[..., ChildSpec]:
    """Return a function that describes a small server: well, frail (ends after each answer) or failing (at once)."""

    def describe(name: str, kind: str = "well") -> ChildSpec:
        port = free_port()
        program = FAILING if kind == "failing" else SERVER
        return ChildSpec(
            name=name,
            command=(sys.executable, "-S", "-c", program, str(port), kind),
            environment={**os.environ, MARK: str(home.root)},
            health_url=f"http://127.0.0.1:{port}/",
        )

    return describe


class Running:
    """A supervisor in a thread of the test."""

    def __init__(self, home: PlatformHome, specs: list[ChildSpec]) -> None:
        self.said: list[str] = []
        self.error: PlatformError | None = None
        self.home = home
        self.supervisor = Supervisor(
            home=home,
            specs=specs,
            record=PlatformRecord(pid=os.getpid(), create_time=0, state=PlatformState.STARTING, url="http://x/"),
            announce=self.said.append,
        )
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.supervisor.start()
            self.supervisor.ready()
            self.supervisor.run()
        except PlatformError as error:
            self.error = error
        finally:
            self.supervisor.end()

    def pid(self, name: str) -> int:
        record = read_record(self.home)
        child = record.child(name) if record else None
        assert child
        assert child.pid
        return child.pid

    def is_up(self, name: str, starts: int = 1) -> bool:
        record = read_record(self.home)
        child = record.child(name) if record else None
        return bool(child and child.starts == starts and child.state is ChildState.RUNNING)

    def stop(self) -> None:
        self.supervisor.stopping.set()
        self.thread.join()


@pytest.fixture
def supervise(home: PlatformHome) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*specs: ChildSpec) -> Running:
        started.append(Running(home, list(specs)))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def beamtorch() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return the `beamtorch` command, as a shell would call it."""

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "beamtorch_hub", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call
