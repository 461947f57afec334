"""Where the axis of rotation falls on the detector.

A first guess comes from views half a turn apart, which mirror each other about the axis, and from the path of the
centre of mass. Trial reconstructions around it are then judged by the entropy of their grey values: a wrong axis
smears every edge and fills the gaps between grey values (Donath, Beckmann & Schreyer, J. Opt. Soc. Am. A 23 (2006)
1048).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beamtorch_apps.ct.errors import AxisError
from beamtorch_apps.ct.reconstruction import Complex64, Float32, Float64, Geometry, Shape
from beamtorch_facility.words import Words

SIZE = 512
"""Width of the trial images."""
COARSE_SIZE = 256
COARSE_PROJECTIONS = 500
FIT = 2
"""Neighbours on each side that the parabola goes through."""
BINS = 256
MIRROR_TOLERANCE = 3.0
"""Degrees by which two views may miss the half turn to count as opposite."""
MOST_MIRRORS = 24
WIDENINGS = 3
"""Times that a sweep moves on when its best lies at its end."""
FULL_TURN = 300.0
"""Degrees above which a scan holds two half turns, near enough."""
OFF_MIDDLE = 0.15
"""Part of the width by which the axis may lie off the middle for a half turn to cover the body."""


@dataclass(frozen=True)
class Sweep:
    """Trial axes and how sharp their slices were."""

    columns: Float64
    entropy: Float64
    """Lower is sharper."""

    @property
    def best(self) -> float:
        """The column of the lowest point, between the trials by a parabola through its neighbours."""
        lowest = int(np.argmin(self.entropy))
        near = slice(max(0, lowest - FIT), lowest + FIT + 1)
        if self.at_edge or len(self.columns[near]) <= 3:  # noqa: PLR2004 - unknowns of a parabola
            return float(self.columns[lowest])
        away = self.columns[near] - self.columns[lowest]
        bend, tilt, _ = np.polyfit(away, self.entropy[near], 2)
        shift = -tilt / (2 * bend) if bend > 0 else 0.0
        return float(self.columns[lowest] + np.clip(shift, away[0], away[-1]))

    @property
    def at_edge(self) -> bool:
        """Whether the lowest point lies at an end, so that the true one may lie outside."""
        return int(np.argmin(self.entropy)) in {0, len(self.columns) - 1}


@dataclass(frozen=True)
class Axis:
    """The axis of rotation and how it was found."""

    column: float
    """Column of the detector, the centre of the first pixel being 0."""
    error: float | None = None
    """Half the difference between even and odd projections, if it was found from the data."""
    guess: float | None = None
    method: str = "given"
    sweep: Sweep | None = None

    def how(self) -> Words:
        """Say in a line how it was found."""
        if self.guess is None:
            return Words(en="given", zh="手动输入")
        first = Words(en="phase correlation", zh="相位相关")
        if self.method != "phase-correlation":
            first = Words(en="centre of mass", zh="质心")
        return Words(
            en=f"{first.en} {self.guess:.1f}, refined by sweep to {self.column:.2f}",
            zh=f"{first.zh} {self.guess:.1f}，扫描细化 {self.column:.2f}",
        )


def mirror_pairs(angles: Float64) -> NDArray[np.intp]:
    """Return pairs of projections that are half a turn apart, best spread over the scan, shape (k, 2)."""
    turned = np.mod(angles, 360.0)
    order = np.argsort(turned)
    ring = turned[order]
    pairs = []
    for first in range(len(angles)):
        wanted = np.mod(turned[first] + 180.0, 360.0)
        place = np.searchsorted(ring, wanted)
        near = [order[(place + step) % len(ring)] for step in (-1, 0)]
        misses = [abs((turned[other] - wanted + 180.0) % 360.0 - 180.0) for other in near]
        miss = min(misses)
        other = near[misses.index(miss)]
        if miss <= MIRROR_TOLERANCE and first < other:
            pairs.append((miss, first, other))
    pairs.sort()
    chosen = pairs[: max(1, len(pairs))]
    if len(chosen) > MOST_MIRRORS:
        best = [pair for pair in chosen if pair[0] <= 2 * chosen[MOST_MIRRORS][0] + 1e-9]
        best.sort(key=lambda pair: pair[1])
        chosen = [best[i] for i in np.linspace(0, len(best) - 1, MOST_MIRRORS).astype(int)]
    return np.array([(first, other) for _, first, other in chosen], dtype=np.intp).reshape(-1, 2)


def mirror_axis(sinogram: Float32, angles: Float64) -> float | None:
    """Guess the axis from the shift between opposite views and each other's mirror image; none without such views."""
    pairs = mirror_pairs(angles)
    if len(pairs) == 0:
        return None
    columns = sinogram.shape[1]
    length = 2 * columns
    ahead = np.fft.rfft(_eased(sinogram[pairs[:, 0]]), length, axis=1)
    back = np.fft.rfft(_eased(sinogram[pairs[:, 1], ::-1]), length, axis=1)
    cross = (ahead * np.conj(back)).sum(axis=0)
    # Half way between correlation (robust) and pure phase correlation (sharp).
    cross /= np.sqrt(np.maximum(np.abs(cross), 1e-12 * np.abs(cross).max()))
    match = np.fft.irfft(cross, length)
    peak = int(np.argmax(match))
    before, here, after = match[peak - 1], match[peak], match[(peak + 1) % length]
    curvature = before - 2 * here + after
    shift = peak + (0.5 * (before - after) / curvature if curvature < 0 else 0.0)
    shift -= length if shift > columns else 0
    return float((columns - 1 + shift) / 2)


def _eased(lines: Float32) -> Float64:
    """Take away the level at both ends, so that an object wider than the field does not match its own edges."""
    ends = 0.5 * (lines[:, :1] + lines[:, -1:])
    return np.asarray(lines - ends, dtype=np.float64)


def mass_axis(sinogram: Float32, angles: Float64) -> float | None:
    """Guess the axis as the middle of the circle that the centre of mass runs on; none if the views hold no mass."""
    at = np.arange(sinogram.shape[1])
    mass = sinogram.sum(axis=1, dtype=np.float64)
    held = mass > 0.05 * np.abs(mass).max()
    if held.sum() < 3:  # noqa: PLR2004 - three unknowns
        return None
    centre = (sinogram[held] @ at) / mass[held]
    radians = np.deg2rad(angles[held])
    model = np.column_stack((np.ones(len(radians)), np.cos(radians), np.sin(radians)))
    axis = float(np.linalg.lstsq(model, centre, rcond=None)[0][0])
    return axis if 0 <= axis <= sinogram.shape[1] - 1 else None


class Trials:
    """Trial reconstructions of one sinogram, two axes per transform."""

    def __init__(self, sinogram: Float32, angles: Float64, size: int = SIZE) -> None:
        columns = sinogram.shape[1]
        self._lines, self._angles = np.ascontiguousarray(sinogram, dtype=np.float32), angles
        self._shape = Shape(columns=columns, size=min(size, columns))
        self._prepared: tuple[Geometry, Complex64] | None = None
        width = self._shape.size
        at = np.arange(width) - (width - 1) / 2
        self._inside = np.hypot(at[:, None], at[None, :]) < 0.45 * width
        self._range: tuple[float, float] | None = None

    def images(self, columns: Float64) -> list[Float32]:
        """Return one image for each trial axis."""
        images: list[Float32] = []
        geometry, spectrum = self._ready(columns)
        for first in range(0, len(columns), 2):
            second = columns[min(first + 1, len(columns) - 1)]
            both = geometry.about(spectrum, float(columns[first]), float(second))
            images += [both.real, both.imag]
        return images[: len(columns)]

    def _ready(self, columns: Float64) -> tuple[Geometry, Complex64]:
        """Plan for these trials, again only if they go beyond the earlier ones."""
        shape = self._shape.about(*columns.tolist())
        if self._prepared is None or shape.farthest > self._prepared[0].shape.farthest:
            geometry = Geometry(self._angles, shape)
            self._prepared = geometry, geometry.spectrum(self._lines, None)
        return self._prepared

    def sweep(self, columns: Float64) -> Sweep:
        """Judge each trial axis by the entropy of its image's grey values."""
        self._ready(columns)
        entropy = np.empty(len(columns))
        # The middle trial sets the bins for all, or a wide range would count as sharpness.
        if self._range is None:
            middle = self.images(columns[[len(columns) // 2]])[0][self._inside]
            low, high = np.percentile(middle, (0.05, 99.95))
            margin = 0.25 * max(float(high - low), 1e-12)
            self._range = (float(low) - margin, float(high) + margin)
        for first in range(0, len(columns), 2):
            for step, image in enumerate(self.images(columns[first : first + 2])):
                entropy[first + step] = self._entropy(image)
        return Sweep(columns=columns, entropy=entropy)

    def _entropy(self, image: Float32) -> float:
        low, high = self._range or (0.0, 1.0)
        scaled = (np.clip(image[self._inside], low, high) - low) * ((BINS - 1e-3) / (high - low))
        share = np.bincount(scaled.astype(np.intp), minlength=BINS) / scaled.size
        share = share[share > 0]
        return float(-(share * np.log(share)).sum())


def find_axis(sinogram: Float32, angles: Float64, *, width: float | None = None, step: float = 0.25) -> Axis:
    """Find the axis of rotation from one sinogram.

    Parameters
    ----------
    sinogram
        Line integrals, shape (angles, columns).
    angles
        Degrees, shape (angles,).
    width
        Pixels to search on either side of the first guess; default 10, more for wide detectors.
    step
        Pixels between the last trials; more for wide detectors.

    Raises
    ------
    AxisError
        If the sinogram is empty.
    """
    sinogram = np.ascontiguousarray(sinogram, dtype=np.float32)
    degrees = np.asarray(angles, dtype=np.float64)
    if not np.isfinite(sinogram).all() or np.ptp(sinogram) == 0:
        raise AxisError(
            Words(
                en="This row shows nothing that turns, so the axis cannot be found in it. "
                "Choose a row that crosses the sample, or type the axis.",
                zh="该行没有随旋转变化的内容，无法据此确定旋转轴。请选择经过样品的行，或手动输入旋转轴。",
            )
        )
    mirrored = mirror_axis(sinogram, degrees)
    guess = mirrored if mirrored is not None else mass_axis(sinogram, degrees)
    if guess is None or not 0 <= guess <= sinogram.shape[1] - 1:
        guess = (sinogram.shape[1] - 1) / 2
    method = "phase-correlation" if mirrored is not None else "centre-of-mass"
    reach = width if width is not None else min(max(10.0, sinogram.shape[1] / 100), sinogram.shape[1] / 8)
    thin = slice(None, None, max(1, len(degrees) // COARSE_PROJECTIONS))
    trials = Trials(sinogram[thin], degrees[thin], COARSE_SIZE)
    pace = max(1.0, sinogram.shape[1] / 1024)
    coarse = trials.sweep(np.arange(guess - reach, guess + reach + 0.5 * pace, pace))
    for _ in range(WIDENINGS):
        if not coarse.at_edge or abs(coarse.best - guess) > sinogram.shape[1] / 8:
            break
        coarse = trials.sweep(np.arange(coarse.best - reach, coarse.best + reach + 0.5 * pace, pace))
    close = coarse.best + np.arange(-6, 7) * step * pace
    parts, are_turns = _halves(degrees, coarse.best, sinogram.shape[1])
    halves = [Trials(sinogram[part], degrees[part]).sweep(close) for part in parts]
    if are_turns:
        fine = Sweep(columns=close, entropy=0.5 * (halves[0].entropy + halves[1].entropy))
    else:
        fine = Trials(sinogram, degrees).sweep(close)
    return Axis(
        column=fine.best,
        error=0.5 * abs(halves[0].best - halves[1].best),
        guess=guess,
        method=method,
        sweep=coarse,
    )


def _halves(angles: Float64, axis: float, columns: int) -> tuple[list[NDArray[np.bool_]], bool]:
    """Part the projections in two independent scans, and tell whether these are half turns.

    The half turns of a full turn must be judged one by one: together they show both sides of every edge, and a wrong
    axis then only blurs, which takes noise away and looks like sharpness. An axis near the edge of the field needs
    the full turn.
    """
    turns = bool(np.ptp(angles) > FULL_TURN) and abs(axis - (columns - 1) / 2) < OFF_MIDDLE * columns
    first = np.mod(angles - angles.min(), 360.0) < 180.0 if turns else np.arange(len(angles)) % 2 == 0  # noqa: PLR2004
    return [first, ~first], turns
