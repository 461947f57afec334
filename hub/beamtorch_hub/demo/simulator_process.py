"""The other end of `Simulator`: runs a `beamtorch` command for each line of JSON that it is told."""

import contextlib
import io
import json
import os
import queue
import sys
import threading

from beamtorch_hub.command import main as beamtorch


def serve() -> None:
    """Answer each command with ``null``, or with the last line of what it complained about."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    while True:
        told = io.StringIO()
        words = json.loads(lines.get())
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
            try:
                code = beamtorch(words)
            except SystemExit as ended:  # argparse
                code = ended.code if isinstance(ended.code, int) else 1
        said = told.getvalue().strip().splitlines() or [f"exit code {code}."]
        print(json.dumps(said[-1] if code else None), flush=True)  # noqa: T201 - the answer


def _read(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    # Whoever asked is gone; a scan that nobody waits for must not appear in a folder that is made anew.
    os._exit(0)


if __name__ == "__main__":
    serve()
