"""A job in a process of its own, followed by its JSON lines and stopped with SIGTERM."""

import contextlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PATIENCE = 10.0
"""Seconds that a job may take to tidy up before it is killed."""
MOST_LINES = 500


class Job:
    """A running ``python -m MODULE ARGUMENTS``.

    Parameters
    ----------
    module, arguments
        What to run.
    follow
        Called with each event, from a thread of the job's own; the last has ``event`` = done, error, cancelled, or
        died if the process said nothing at its end.
    leftovers
        Files and folders that a killed process cannot remove itself.
    """

    LAST = frozenset({"done", "error", "cancelled"})

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        follow: Callable[[dict[str, Any]], None],
        leftovers: Sequence[Path] = (),
    ) -> None:
        self.log: list[str] = []
        self._follow = follow
        self._leftovers = leftovers
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._thread = threading.Thread(target=self._read, name=f"{module} follower", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the job goes on."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Ask the job to stop; it is killed if it takes too long."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        timer = threading.Timer(PATIENCE, self._process.kill)
        timer.daemon = True
        timer.start()

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the end and its event."""
        self._thread.join(timeout)

    def _read(self) -> None:
        ended = False
        for line in self._process.stdout or ():
            event = _event(line)
            if event is None:
                self.log.append(line.rstrip())
                del self.log[:-MOST_LINES]
                continue
            if event["event"] != "progress":
                self.log.append(line.rstrip())
            ended = ended or event["event"] in self.LAST
            self._follow(event)
        code = self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if not ended:
            for path in self._leftovers:
                _remove(path)
            self._follow({"event": "died", "code": code})


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
