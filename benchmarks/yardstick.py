"""What a fixed piece of Python takes here and now: figures in milliseconds mean nothing without the machine's speed."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

IDLE_SHARE = 0.05
"""On a machine from which its host takes more of the processor than this, others are at work: it is not idle."""
_ATTEMPTS = 5
_ROUNDS = 5
_STEPS = 200_000
_Answer = TypeVar("_Answer")


def yardstick() -> float:
    """Return the median milliseconds of 200,000 steps of plain arithmetic."""
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        total = 0
        for step in range(_STEPS):
            total += step * step
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken)


def spread(measured: list[float]) -> dict[str, float]:
    """Return the least, the median and the most of several looks, for the results."""
    return {
        "least_ms": round(min(measured), 1),
        "median_ms": round(statistics.median(measured), 1),
        "most_ms": round(max(measured), 1),
    }


def told(measured: list[float]) -> str:
    """Return a line for whoever reads the figures."""
    one = spread(measured)
    return f"200,000 steps of Python took {one['least_ms']} / {one['median_ms']} / {one['most_ms']} ms meanwhile"


class Processor(NamedTuple):
    """Processor time since the machine's start, in clock ticks: what was used, and what its host gave to others."""

    used: int
    taken: int

    @classmethod
    def now(cls) -> "Processor":
        """Read it; zeros where there is no Linux to ask (proc(5), the line ``cpu`` of /proc/stat)."""
        stat = Path("/proc/stat")
        if not stat.exists():
            return cls(0, 0)
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, stat.read_text().split()[1:9])
        return cls(user + nice + system + irq + softirq, steal)

    def share_taken_since(self, before: "Processor") -> float:
        """Return which share of the time that this machine wanted since a moment went to others."""
        used, taken = self.used - before.used, self.taken - before.taken
        return taken / (used + taken) if used + taken else 0.0


class Taken(NamedTuple):
    """Seconds of one question: as it came, and while the host gave nothing of the processor to others."""

    came: float
    idle: float

    @classmethod
    def by(cls, ask: Callable[[], _Answer]) -> tuple["Taken", _Answer]:
        """Ask once, and again as long as others had the processor meanwhile; return the times and the last answer.

        Every question gets both figures, so that neither leaves the slow ones out. After some attempts the quickest
        stands for the idle machine.
        """
        taken: list[float] = []
        while True:
            before, began = Processor.now(), time.perf_counter()
            answer = ask()
            taken.append(time.perf_counter() - began)
            if Processor.now().taken == before.taken:
                return cls(taken[0], taken[-1]), answer
            if len(taken) == _ATTEMPTS:
                return cls(taken[0], min(taken)), answer
