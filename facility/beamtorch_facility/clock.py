"""Time, injected: what the wall says, and how much really passed. Tests bring their own."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Tells the time in two ways, because a wall clock can be set."""

    def now(self) -> datetime:
        """Return what the wall clock says, in UTC."""
        ...

    def elapsed(self) -> float:
        """Return seconds since this machine started, suspended time included; setting the clock does not change it."""
        ...

    def boot(self) -> str:
        """Return the name of this start of the machine; `elapsed` compares only within one."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return what the wall clock says, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Return the seconds of CLOCK_BOOTTIME."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot(self) -> str:
        """Return the kernel's own name of this start."""
        return _BOOT_ID.read_text(encoding="ascii").strip()
