"""What a fixed piece of Python takes here and now: figures in milliseconds mean nothing without the machine's speed."""

import statistics
import time

_ROUNDS = 5
_STEPS = 200_000


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
