"""End the platform: its processes and, unless they are to be kept, all labs."""

import contextlib
import os
import signal
import time
from collections.abc import Sequence

from beamtorch_facility.words import Words
from beamtorch_hub.commands.options import home_of, parser
from beamtorch_hub.errors import NotRunningError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform import labs, requests
from beamtorch_hub.platform.lock import holder, is_locked
from beamtorch_hub.platform.requests import Request
from beamtorch_hub.platform.sweep import end_leftovers

END_SECONDS = 30.0
POD_SECONDS = 120.0
"""Pods get time to save what they have, and the cluster takes its own to see that they are gone."""
POLL_SECONDS = 0.1


def main(argv: Sequence[str]) -> int:
    """End a platform, also one whose supervisor was killed."""
    options = parser("down", __doc__)
    options.add_argument("--keep-labs", action="store_true", help="let running labs live on")
    chosen = options.parse_args(argv)
    home = home_of(chosen.home)
    if is_locked(home):
        _end_running(home, keep_labs=chosen.keep_labs)
        return 0
    return _end_remains(home, keep_labs=chosen.keep_labs)


def _end_running(home: PlatformHome, *, keep_labs: bool) -> None:
    kept = labs.count(home, _say) if keep_labs else 0
    requests.send(home, Request(action="stop", keep_labs=keep_labs))
    # The signal reaches it wherever it is, in the middle of its first start, too.
    _signal(home, signal.SIGTERM)
    if _is_gone(home):
        print(f"beamtorch: everything has ended{f', {kept} lab(s) kept' if kept else ''}")
        return
    _signal(home, signal.SIGKILL)
    _is_gone(home)
    _end_remains(home, keep_labs=keep_labs)
    print("beamtorch: the platform did not end by itself and was killed")


def _say(line: str) -> None:
    print(f"beamtorch: {line}", flush=True)


def _signal(home: PlatformHome, number: signal.Signals) -> None:
    pid = holder(home)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_gone(home: PlatformHome) -> bool:
    until = time.monotonic() + (POD_SECONDS if home.cluster.exists() else END_SECONDS)
    while is_locked(home):
        if time.monotonic() > until:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _end_remains(home: PlatformHome, *, keep_labs: bool) -> int:
    number = 0 if keep_labs else labs.end(home, _say)
    left = end_leftovers(home, keep_labs=keep_labs)
    home.record.unlink(missing_ok=True)
    if not number and not left:
        raise NotRunningError(
            Words(en=f"No platform runs from {home.root}.", zh=f"没有平台从 {home.root} 运行。"),
        )
    what = [f"{number} lab(s)"] if number else []
    print(f"beamtorch: ended what was left of a platform: {', '.join([*what, *left])}")
    return 0
