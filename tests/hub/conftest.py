"""Stand-ins for the processes of a platform: small real servers, started and killed like the real ones."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from beamtorch_hub.errors import PlatformError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.children import ChildSpec, ChildState
from beamtorch_hub.platform.record import PlatformRecord, PlatformState, read_record
from beamtorch_hub.platform.supervisor import Supervisor
from beamtorch_hub.platform.sweep import MARK
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS

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


@pytest.fixture(scope="module")
def make_platform(open_folder: Path) -> Iterator[Callable[..., tuple[str, Path]]]:
    """Return a function that starts a platform with people and settings of its own, and no data; gives URL and home."""
    homes: list[Path] = []

    def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "beamtorch_hub", *words, "--home", str(home)],
            env={name: value for name, value in os.environ.items() if name != "BEAMTORCH_HOME"},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def make(name: str, directory: dict[str, Any], settings: dict[str, Any] | None = None) -> tuple[str, Path]:
        home, port = open_folder / name, free_port()
        (home / "config").mkdir(parents=True)
        (home / "config" / "directory.yaml").write_text(yaml.safe_dump(directory), encoding="utf-8")
        shutil.copyfile(DEFAULT_ENVIRONMENTS, home / "config" / "environments.yaml")
        if settings is not None:
            (home / "config" / "platform.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        homes.append(home)
        done = run(home, "up", "--detach", "--port", str(port))
        assert done.returncode == 0, done.stdout + done.stderr
        return f"http://127.0.0.1:{port}", home

    yield make
    for home in homes:
        run(home, "down")


class Browser:
    """Somebody's browser, as far as forms and cookies go."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, trust_env=False, timeout=60)
        self.http.get("/hub/login")

    def close(self) -> None:
        self.http.close()

    def submit(self, path: str, **form: str) -> httpx.Response:
        return self.http.post(path, data={**form, "_xsrf": self.http.cookies.get("_xsrf", path="/hub/") or ""})

    def sign_in(self, name: str, password: str) -> httpx.Response:
        return self.submit("/hub/login", username=name, password=password)


@pytest.fixture
def browser_of(facility: tuple[str, Path]) -> Iterator[Callable[[], Browser]]:
    """Return a function that opens a browser of somebody's own at the module's facility."""
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(contextlib.closing(Browser(facility[0])))


@pytest.fixture(scope="module")
def provider_process() -> Iterator[subprocess.Popen[bytes]]:
    """A real OpenID provider of two people; its own warnings are its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    people = {"7": "okafor", "8": "stranger", "9": "left"}
    told = [["--user-claims", json.dumps({"sub": sub, "preferred_username": name})] for sub, name in people.items()]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--host", "localhost"]
    process = subprocess.Popen(
        [*command, *(word for pair in told for word in pair)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    process.port = port  # type: ignore[attr-defined]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def provider(provider_process, eventually) -> str:
    issuer = f"http://localhost:{provider_process.port}"

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False).is_success
        return False

    eventually(answers)
    return issuer
