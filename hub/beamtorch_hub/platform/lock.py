"""One supervisor per home: whoever holds the lock runs the platform, however the last one ended."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from typing import IO

from beamtorch_facility.words import Words
from beamtorch_hub.errors import AlreadyRunningError
from beamtorch_hub.files import writing_in
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.record import read_record

TRIES, TRY_SECONDS = 4, 0.05


@contextlib.contextmanager
def locked(home: PlatformHome) -> Iterator[None]:
    """Hold the home as long as the block runs; the system lets go of it even if we are killed."""
    with writing_in(home.run):
        file = home.lock.open("a")
    with file:
        if not _take(file):
            raise _already(home)
        with writing_in(home.run):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield


def _take(file: IO[str]) -> bool:
    for _ in range(TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        # Another command may only be looking whether somebody holds it.
        time.sleep(TRY_SECONDS)
    return False


def is_locked(home: PlatformHome) -> bool:
    """Say whether a supervisor runs from a home."""
    try:
        with home.lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def holder(home: PlatformHome) -> int | None:
    """Return the number of the supervisor that runs from a home."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(home.lock.read_text(encoding="utf-8"))
        return pid if is_locked(home) else None
    return None


def demand_unlocked(home: PlatformHome) -> None:
    """Refuse to go on where a platform runs."""
    if is_locked(home):
        raise _already(home)


def _already(home: PlatformHome) -> AlreadyRunningError:
    record = read_record(home)
    at_en, at_zh = (f" at {record.url}", f"：{record.url}") if record else ("", "")
    return AlreadyRunningError(
        Words(
            en=f"The platform of {home.root} runs already{at_en}. “beamtorch status” tells more, “beamtorch down” "
            f"ends it.",
            zh=f"{home.root} 的平台已在运行{at_zh}。可用 beamtorch status 查看，beamtorch down 停止。",
        ),
        url=record.url if record else None,
    )
