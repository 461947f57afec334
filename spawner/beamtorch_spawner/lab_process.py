"""The processes of one lab: is it alive, who belongs to it, and their end.

Kernels and terminals run in sessions of their own and may outlive the lab, so a lab's processes are found by descent
and by the mark that all inherit.
"""

import contextlib
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import psutil

from beamtorch_spawner.launch import LEASE_MARK

CREATED_WITHIN = 1.0
"""Seconds by which two readings of a creation time may differ: it is reckoned from the clock, which is set at times."""


class Liveness(Enum):
    """What can be said of a process."""

    ALIVE = "alive"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LabProcess:
    """The first process of a lab, told apart from a later one that got the same number."""

    pid: int
    create_time: float
    lease: str

    @classmethod
    def of(cls, pid: int, lease: str) -> "LabProcess":
        """Return the process that was just started; it cannot have been collected yet."""
        return cls(pid, psutil.Process(pid).create_time(), lease)

    def liveness(self) -> Liveness:
        """Tell whether the process runs; a zombie does not, for in a container nobody may ever collect it."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return Liveness.GONE
            same = abs(process.create_time() - self.create_time) < CREATED_WITHIN
            return Liveness.ALIVE if same or _mark(process) == self.lease else Liveness.GONE
        except psutil.NoSuchProcess:
            return Liveness.GONE
        except (psutil.Error, OSError):
            return Liveness.UNKNOWN

    def variable(self, name: str) -> str | None:
        """Return a variable that the process was started with, if it can be read."""
        with contextlib.suppress(psutil.Error, OSError):
            return psutil.Process(self.pid).environ().get(name)
        return None

    def interrupt(self) -> None:
        """Ask the lab to end its kernels and itself."""
        if self.liveness() is Liveness.ALIVE:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def members(self) -> set[psutil.Process]:
        """Return all living processes of the lab, whether or not their first one still runs."""
        found: set[psutil.Process] = set()
        if self.liveness() is Liveness.ALIVE:
            with contextlib.suppress(psutil.Error):
                first = psutil.Process(self.pid)
                found = {first, *first.children(recursive=True)}
        marked = (process for process in psutil.process_iter() if self._owns(process))
        return {process for process in found.union(marked) if is_running(process)}

    def _owns(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error, OSError):
            return _mark(process) == self.lease
        return False


def is_running(process: psutil.Process) -> bool:
    """Tell whether a process runs and is no zombie."""
    with contextlib.suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def kill(processes: Iterable[psutil.Process]) -> None:
    """End processes at once; psutil sees to it that a number taken over by another process is spared."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _mark(process: psutil.Process) -> str | None:
    return process.environ().get(LEASE_MARK)
