"""A catalogue as a process of its own, that a test may kill and start again."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from beamtorch_catalogue.testing.fake_hub import CatalogueHub
from beamtorch_catalogue.testing.running import PREFIX
from beamtorch_catalogue.testing.world import write_people

_START_SECONDS = 60.0
_STARTER = """
import os, sys
from beamtorch_catalogue.__main__ import main
for _ in sys.stdin:
    child = os.fork()
    if not child:
        os.setsid()
        sys.exit(main())
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""
"""Begins a catalogue for each line that it reads, without importing everything again each time: that takes seconds."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class CatalogueProcess:
    """One catalogue on one port; everything that it keeps lies below a folder, or in the database."""

    folder: Path
    hub: CatalogueHub
    database: str
    port: int = field(default_factory=_free_port)
    _starter: subprocess.Popen[str] | None = None
    _pid: int | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    @property
    def pid(self) -> int:
        """The process that answers.

        Raises
        ------
        RuntimeError
            If there is none.
        """
        if self._pid is None:
            raise RuntimeError("no catalogue runs")
        return self._pid

    @property
    def data_root(self) -> Path:
        """The root of its beamtime folders."""
        return self.folder / "data"

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises
        ------
        RuntimeError
            If it does not come up; the error ends with its log.
        """
        if self._starter is None:
            self._starter = self._new_starter()
        self._pid = int(self._say("start"))
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and Path(f"/proc/{self._pid}").exists():
            try:
                if httpx.get(f"{self.url}health", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise RuntimeError(self.log[-2000:])

    def kill(self) -> None:
        """End it as a power cut would, at once and without a word."""
        if self._pid is not None and self._starter is not None and self._starter.stdout is not None:
            os.kill(self._pid, signal.SIGKILL)
            self._starter.stdout.readline()
            self._pid = None

    @property
    def log(self) -> str:
        """What it has written in all its lives."""
        return (self.folder / "catalogue.log").read_text(encoding="utf-8")

    def _new_starter(self) -> subprocess.Popen[str]:
        write_people(self.folder / "directory.yaml")
        self.data_root.mkdir(exist_ok=True)
        with (self.folder / "catalogue.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-c", _STARTER],
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def _say(self, word: str) -> str:
        if self._starter is None or self._starter.stdin is None or self._starter.stdout is None:
            raise RuntimeError("there is nobody to start it")
        self._starter.stdin.write(f"{word}\n")
        self._starter.stdin.flush()
        answer = self._starter.stdout.readline()
        if not answer:
            raise RuntimeError(self.log[-2000:])
        return answer

    def __enter__(self) -> Self:
        try:
            self.start()
        except RuntimeError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self._starter is not None:
            self._starter.terminate()
            self._starter.communicate()
            self._starter = None

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(self.folder),
            "JUPYTERHUB_SERVICE_NAME": "catalogue",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}",
            "JUPYTERHUB_API_URL": self.hub.api_url,
            "JUPYTERHUB_API_TOKEN": "own-token",
            "JUPYTERHUB_BASE_URL": "/",
            "BEAMTORCH_CATALOGUE_DATABASE": self.database,
            "BEAMTORCH_DIRECTORY": str(self.folder / "directory.yaml"),
            "BEAMTORCH_DATA_ROOT": str(self.data_root),
            "BEAMTORCH_PUBLIC_URL": "http://127.0.0.1:1/",
        }
