"""A clock for tests."""

from datetime import UTC, datetime, timedelta


class SetClock:
    """A clock that goes only when a test says so; its wall can be set like a real one."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
        self.ran = 1000.0
        self.name = "boot-1"

    def now(self) -> datetime:
        """Return what the wall clock says."""
        return self.wall

    def elapsed(self) -> float:
        """Return the seconds that really passed."""
        return self.ran

    def boot(self) -> str:
        """Return the name of this start of the machine."""
        return self.name

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += timedelta(seconds=seconds)
        self.ran += seconds

    def set(self, seconds: float) -> None:
        """Set the wall clock by some seconds; no time passes."""
        self.wall += timedelta(seconds=seconds)
