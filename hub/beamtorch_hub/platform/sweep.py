"""Ending what a platform has started: labs first and gently, then whatever is left of it.

Every process of a platform carries the platform's folder in ``BEAMTORCH_STARTED_FROM``. Only the supervisor sets that
variable, and only for what it starts, so that a shell in which somebody has exported ``BEAMTORCH_HOME`` is never taken
for a part of the platform.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable

import psutil

from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.record import LabRecord, read_labs
from beamtorch_spawner.launch import LEASE_MARK

MARK = "BEAMTORCH_STARTED_FROM"
LAB_SECONDS = 5.0
"""How long labs get to end their kernels."""
LEFTOVER_SECONDS = 3.0
POLL_SECONDS = 0.05


def end_labs(home: PlatformHome) -> list[LabRecord]:
    """End all labs, each with its kernels; return those that ran."""
    labs = read_labs(home)
    processes = [process for lab in labs.values() if (process := _process(lab.pid))]
    _end(processes, LAB_SECONDS)
    for path in home.labs.glob("*.json"):
        path.unlink(missing_ok=True)
    return list(labs.values())


def end_leftovers(home: PlatformHome, *, keep_labs: bool) -> list[str]:
    """End every process that still carries the platform's mark, and return what they were."""
    found = list(marked(home, keep_labs=keep_labs))
    told = [f"{_name(process)} (process {process.pid})" for process in found]
    _end(found, LEFTOVER_SECONDS)
    return told


def marked(home: PlatformHome, *, keep_labs: bool) -> Iterable[psutil.Process]:
    """Find the processes of a platform, other than this one and those above it."""
    mark = str(home.root)
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    labs = {lab.pid for lab in read_labs(home).values()} if keep_labs else set()
    for process in psutil.process_iter():
        if process.pid in spared:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            if environment.get(MARK) != mark:
                continue
            if keep_labs and (process.pid in labs or LEASE_MARK in environment):
                continue
            yield process


def _end(processes: list[psutil.Process], seconds: float) -> None:
    for process in processes:
        _ask(process)
    for process in _left_after(processes, seconds):
        with contextlib.suppress(psutil.Error):
            process.kill()
    _left_after(processes, LEFTOVER_SECONDS)


def _ask(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.terminate()


def _left_after(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait for ends; a zombie counts as ended, for in a container nobody may ever collect it."""
    until = time.monotonic() + seconds
    left = processes
    while left := [process for process in left if _runs(process)]:
        if time.monotonic() >= until:
            break
        time.sleep(POLL_SECONDS)
    return left


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _process(pid: int) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid)
    return None


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.name()
    return "a process"
