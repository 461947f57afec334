"""What a run over the tree of a beamtime did, or would do."""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from beamtorch_identity.acl.control import Change
from beamtorch_identity.beamtimes.tree import Left

SHOWN = 20
"""Places that are named; everything is counted."""
EVERY = 1024
"""Entries between looks at the clock."""


@dataclass
class SyncReport:
    """Numbers, and the first places of each kind."""

    beamtime: str
    dry_run: bool = False
    released: bool = False
    """Whether the embargo ended with this run."""
    entries: int = 0
    taken: int = 0
    """Entries from which something was taken."""
    given: int = 0
    """Entries to which something was only given."""
    left: Counter[Left] = field(default_factory=Counter)
    changes: list[tuple[str, str]] = field(default_factory=list)
    left_places: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def changed(self) -> int:
        """Entries that were not in line."""
        return self.taken + self.given

    @property
    def left_alone(self) -> int:
        """Entries that somebody has to look at; what vanished is nobody's matter."""
        return sum(count for why, count in self.left.items() if why is not Left.VANISHED)

    def change(self, place: str, change: Change) -> None:
        """Note one entry that was not in line."""
        if change.takes:
            self.taken += 1
        else:
            self.given += 1
        if len(self.changes) < SHOWN:
            self.changes.append((printable(place), change.told()))

    def leave(self, place: str, why: Left) -> None:
        """Note one entry that is left alone."""
        self.left[why] += 1
        if why is not Left.VANISHED and len(self.left_places) < SHOWN:
            self.left_places.append((printable(place), why))

    def start_again(self) -> None:
        """Forget what was counted of everything, not what was changed."""
        self.entries = 0
        self.left.clear()
        self.left_places.clear()

    def document(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        return {
            "beamtime": self.beamtime,
            "dry_run": self.dry_run,
            "released": self.released,
            "entries": self.entries,
            "changed": self.changed,
            "taken": self.taken,
            "given": self.given,
            "left_alone": self.left_alone,
            "vanished": self.left[Left.VANISHED],
            "changes": [{"path": place, "change": told} for place, told in self.changes],
            "left": [{"path": place, "why": why} for place, why in self.left_places],
            "seconds": round(self.seconds, 3),
        }


def printable(place: str) -> str:
    """Return a place that can be printed on one line, whatever bytes its names are of."""
    text = os.fsencode(place).decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


@dataclass
class Pace:
    """Tells once a second how far a run is."""

    tell: Callable[[str], None] | None = None
    began: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)
    _passed: int = 0

    def step(self, report: SyncReport) -> None:
        """Count one more entry that was looked at."""
        self._passed += 1
        if self.tell is None or self._passed % EVERY:
            return
        now = time.monotonic()
        if now - self._told >= 1:
            self._told = now
            rate = self._passed / (now - self.began)
            self.tell(f"{report.beamtime}: {self._passed:,} looked at, {report.changed:,} not in line, {rate:,.0f}/s")
