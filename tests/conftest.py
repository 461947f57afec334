"""What tests of several packages stand on: patience, and a whole platform on loopback."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """In CI nothing is left out but what needs a GPU: a skip there hides a test."""
    report: pytest.TestReport = yield
    if report.skipped and os.environ.get("CI") and "gpu" not in item.keywords:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


def _eventually(what: Callable[[], object], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Return a function that waits for a condition; the clock only ends what will never come true."""
    return _eventually


@dataclass(frozen=True)
class Platform:
    """A running platform with the demo facility."""

    url: str
    home: Path
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def passwords(self) -> dict[str, str]:
        """Password by user name."""
        return json.loads((self.home / "secrets" / "passwords.json").read_text(encoding="utf-8"))

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call a `beamtorch` command for this platform."""
        return _beamtorch(command, "--home", str(self.home), *arguments)

    def token(self, user: str) -> str:
        """Return an API token of somebody."""
        if user not in self.tokens:
            done = self.run("token", "--user", user)
            assert done.returncode == 0, done.stderr
            self.tokens[user] = done.stdout.strip()
        return self.tokens[user]


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for the whole run; who kills parts of it waits until they are back."""
    home = tmp_path_factory.mktemp("platform") / "home"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = _beamtorch("up", "--detach", "--home", str(home), "--port", str(port))
    assert done.returncode == 0, done.stdout + done.stderr
    yield Platform(f"http://127.0.0.1:{port}/", home)
    _beamtorch("down", "--home", str(home))


def _beamtorch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beamtorch_hub", *arguments],
        env={name: value for name, value in os.environ.items() if name != "BEAMTORCH_HOME"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
