"""The ramp filter as a circular convolution in a window hardly wider than the detector, with its tail put right.

The ramp's kernel h(d) = −1/(π d)² for odd d has a tail that reaches across the whole detector. In a circular
convolution of period M, what lies farther apart than M/2 meets h(M − |d|) instead, which bends the grey values, and
zeros up to M = 2 × columns are the usual cure: twice the points to transform. But the difference h(d) − h(M − |d|) is
smooth, because it only matters where neither distance is small. So the window is five hundredths wider than what is
looked at, and the difference is convolved on a coarse grid, from the lowest frequencies of the projections into the
lowest frequencies of the result, for a fiftieth of the price.
"""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Complex64 = NDArray[np.complex64]

MARGIN = 0.05
"""Part of the detector that the window is wider than what is looked at, where the tail is bent back into a ring."""
STEPS = 5
"""Points of the coarse grid in the margin, about."""
NARROW = 256
"""Detectors of fewer columns are padded with zeros: their margin would be too few pixels."""


def window(columns: int, offset: float) -> int:
    """Return the even period of the convolution that keeps both sides of the detector apart.

    Parameters
    ----------
    columns
        Width of the detector.
    offset
        Pixels by which the axis may lie off the middle; the picture looks so far beyond the detector's end.
    """
    needed = 2 * (columns + offset) if columns < NARROW else (1 + MARGIN) * columns + 2 * offset
    return 2 * int(scipy.fft.next_fast_len(int(np.ceil(needed / 2))))


def ramp(length: int, name: str = "ramp") -> Float64:
    """Return the spectrum of the band-limited ramp, apodised by name, for an FFT of this even length.

    The highest frequency is left out: it has no partner of opposite sign, and would leak one slice of a pair into
    the other.
    """
    offset = np.fft.fftfreq(length, 1 / length)
    kernel = np.zeros(length)
    odd = np.mod(offset, 2) == 1
    kernel[odd] = -1.0 / (np.pi * offset[odd]) ** 2
    kernel[0] = 0.25
    spectrum = np.fft.fft(kernel).real
    frequency = np.fft.fftfreq(length)
    if name == "shepp-logan":
        spectrum *= np.sinc(frequency)
    elif name == "hann":
        spectrum *= 0.5 + 0.5 * np.cos(2 * np.pi * frequency)
    spectrum[length // 2] = 0.0
    return spectrum


class Tail:
    """What a circular convolution with the ramp misses, as an addition to the spectra before the ramp.

    Parameters
    ----------
    columns
        Width of the detector.
    offset
        Pixels by which the axis may lie off the middle.
    period
        Length of the window, in which the detector stands first.
    """

    def __init__(self, columns: int, offset: float, period: int) -> None:
        self._bins = int(scipy.fft.next_fast_len(int(np.ceil(STEPS * period / (MARGIN * columns)))))
        self._highest = (self._bins - 1) // 2
        pace, before = period / self._bins, 0.5 * (period - (columns - 1))
        wave = np.fft.fftfreq(self._bins, 1 / self._bins)
        turn = np.exp(2j * np.pi * wave * before / period)
        # The coarse grid begins in the middle of the margin, so that on it far is far.
        self._enter = np.asarray(np.conj(turn) * (self._bins / period), dtype=np.complex64)
        lowest = ramp(period)[np.mod(wave.astype(np.intp), period)]
        self._leave = np.asarray(turn * pace**2 / lowest, dtype=np.complex64)
        self._kernel = self._missing(pace, columns - 1 + offset, period)
        place = np.arange(self._bins) * pace - before
        seen = np.flatnonzero((place >= -offset) & (place <= columns - 1 + offset))
        self._first, self._last = int(seen[0]), int(seen[-1])

    def _missing(self, pace: float, farthest: float, period: int) -> Complex64:
        """Transform the smooth half of h(d) − h(period − |d|); the other half alternates in sign and meets nothing."""
        apart = np.minimum(np.abs(np.fft.fftfreq(2 * self._bins, 1 / (2 * self._bins))) * pace, farthest)
        apart = np.maximum(apart, 0.5 * period)
        missing = -(1 / apart**2 - 1 / (period - apart) ** 2) / (2 * np.pi**2)
        return np.fft.fft(missing).astype(np.complex64)

    def add(self, spectrum: Complex64) -> None:
        """Put the tail right in the spectra of projections, shape (angles, period)."""
        top, bins = self._highest, self._bins
        low, high = slice(0, top + 1), slice(-top, None)
        coarse = np.zeros((len(spectrum), bins), dtype=np.complex64)
        for part in (low, high):
            np.multiply(spectrum[:, part], self._enter[part], out=coarse[:, part])
        coarse = scipy.fft.ifft(coarse, axis=1, overwrite_x=True, workers=1)
        wide = scipy.fft.fft(coarse, 2 * bins, axis=1, workers=1)
        wide *= self._kernel
        tail = scipy.fft.ifft(wide, axis=1, overwrite_x=True, workers=1)[:, :bins]
        self._close(tail)
        tail = scipy.fft.fft(tail, axis=1, workers=1)
        tail *= self._leave
        for part in (low, high):
            spectrum[:, part] += tail[:, part]

    def _close(self, tail: Complex64) -> None:
        """Lead from one end to the other through the margin, or the jump would ring far into the field."""
        first, last, bins = self._first, self._last, self._bins
        steps = first + bins - last
        for step in range(1, steps):
            share = np.float32(step / steps)
            tail[:, (last + step) % bins] = (1 - share) * tail[:, last] + share * tail[:, first]
