"""A reader as a process of its own, for as long as a block lasts."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 30.0


@contextmanager
def running_reader(
    *, socket: Path, root: Path, directory: Path, options: Sequence[str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a reader; when left, it has ended."""
    command = [sys.executable, "-m", "beamtorch_identity.reader", "--socket", str(socket), "--root", str(root)]
    with log.open("wb") as out:
        # One thread, or the library of linear algebra reserves memory for many.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--directory", str(directory), *options], stdout=out, stderr=out, env=environment
        )
    try:
        until = time.monotonic() + _START_SECONDS
        while " may ask" not in log.read_text():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the reader did not start: {log.read_text()}")
            time.sleep(0.01)
        yield process
    finally:
        process.terminate()
        process.wait(20)
