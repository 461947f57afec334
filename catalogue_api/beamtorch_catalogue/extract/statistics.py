"""Statistics of many values, gathered in blocks: a series may be longer than memory."""

import math
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamtorch_catalogue.wire import Statistics

BLOCK = 1 << 18
"""Numbers that are read at once."""
_MOST = 10_000_000
_MOST_DIMENSIONS = 2


@dataclass
class Gathering:
    """What is known of the values so far; blocks are joined as Chan, Golub and LeVeque (1983) do."""

    count: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    mean: float = 0.0
    squares: float = 0.0
    """Sum of the squared distances from the mean."""

    def take(self, block: NDArray[np.float64]) -> None:
        """Add a block; values that are not finite do not count."""
        values = block[np.isfinite(block)]
        if not values.size:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            # Counted from the first value, so that what stands still has no deviation at all.
            mean = float(values[0] + (values - values[0]).mean())
            squares = float(np.square(values - mean).sum())
        together, apart = self.count + values.size, mean - self.mean
        self.squares += squares + apart * apart * self.count * values.size / together
        self.mean += apart * values.size / together
        self.minimum, self.maximum = min(self.minimum, float(values.min())), max(self.maximum, float(values.max()))
        self.count = together

    def statistics(self, unit: str) -> Statistics | None:
        """Return what the values come to; None if there were none, or they are too large for it."""
        numbers = (self.minimum, self.maximum, self.mean, self.squares)
        if not self.count or not all(map(math.isfinite, numbers)):
            return None
        return Statistics(
            count=self.count,
            minimum=self.minimum,
            maximum=self.maximum,
            mean=min(max(self.mean, self.minimum), self.maximum),
            standard_deviation=math.sqrt(self.squares / self.count),
            unit=unit,
        )


def statistics_of(values: ArrayLike, unit: str) -> Statistics | None:
    """Return the statistics of numbers that are in memory."""
    gathering = Gathering()
    gathering.take(np.asarray(values, dtype=np.float64))
    return gathering.statistics(unit)


def statistics_of_series(series: h5py.Dataset, unit: str) -> Statistics | None:
    """Return the statistics of a series in a file, read in blocks; None for what is no series, such as images.

    Parameters
    ----------
    series
        Real numbers with one or two dimensions.
    unit
        Their unit, as the file writes it.
    """
    if not 0 < series.ndim <= _MOST_DIMENSIONS or not 1 < series.size <= _MOST:
        return None
    if not np.issubdtype(series.dtype, np.number) or np.issubdtype(series.dtype, np.complexfloating):
        return None
    if series.is_virtual:
        return None  # where a source is missing HDF5 gives zeros, and nobody could tell
    gathering = Gathering()
    rows = max(1, BLOCK // max(1, series.size // series.shape[0]))
    for start in range(0, series.shape[0], rows):
        gathering.take(np.asarray(series[start : start + rows], dtype=np.float64))
    return gathering.statistics(unit)
