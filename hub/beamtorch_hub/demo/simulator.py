"""Runs `beamtorch ct simulate` for one scan after another in one process of its own.

The packages of CT take longer to load than a small scan takes to simulate, and the platform need not have them loaded.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class Simulator:
    """The process; it is started by the first scan and ends with the ``with`` block, or with whoever started it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.communicate()

    def simulate(self, words: Sequence[str]) -> str | None:
        """Make one scan; return None, or why it could not be made.

        Parameters
        ----------
        words
            The arguments of ``beamtorch ct simulate``.
        """
        process = self._running()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("the process was started with pipes")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(["ct", "simulate", *words]) + "\n")
            process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            return f"the simulation ended with status {process.wait()}."
        problem: str | None = json.loads(answer)
        return problem

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "beamtorch_hub.demo.simulator_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                process_group=0,  # Ctrl-C is ours to handle
            )
        return self._process
