"""A body of ellipses with known answer: its slices, its projections, and a scan of it as a detector would see it.

Projections are exact integrals along the ray, averaged over the width of each detector bin; the truth is averaged
over the area of each pixel. Nothing here shares code with the reconstruction, so that one can judge the other.
"""

from dataclasses import dataclass

import numpy as np

from beamtorch_apps.ct.reconstruction import Float32, Float64

# Value, x, y, half axes, tilt in degrees; the modified contrast of Toft (1996) in the frame of Shepp & Logan (1974).
SHEPP_LOGAN = (
    (1.00, 0.00, 0.0000, 0.6900, 0.9200, 0.0),
    (-0.80, 0.00, -0.0184, 0.6624, 0.8740, 0.0),
    (-0.20, 0.22, 0.0000, 0.1100, 0.3100, -18.0),
    (-0.20, -0.22, 0.0000, 0.1600, 0.4100, 18.0),
    (0.10, 0.00, 0.3500, 0.2100, 0.2500, 0.0),
    (0.10, 0.00, 0.1000, 0.0460, 0.0460, 0.0),
    (0.10, 0.00, -0.1000, 0.0460, 0.0460, 0.0),
    (0.10, -0.08, -0.6050, 0.0460, 0.0230, 0.0),
    (0.10, 0.00, -0.6060, 0.0230, 0.0230, 0.0),
    (0.10, 0.06, -0.6050, 0.0230, 0.0460, 0.0),
)
SUBSAMPLES = 4
CHUNK = 128
"""Lines that are worked on at once."""
RADIUS = 0.95
"""The unit disc of the ellipses in half widths of the detector."""


@dataclass(frozen=True)
class Body:
    """Ellipses of one slice: value, x, y, half axes (units of the disc) and tilt (radians), shape (k, 6)."""

    ellipses: Float64

    def truth(self, size: int) -> Float32:
        """Return the slice, shape (size, size), averaged over each pixel's area."""
        scale = 2.0 / (size * RADIUS)
        image = np.zeros((size, size), dtype=np.float32)
        for value, x, y, a, b, tilt in self.ellipses:
            reach = max(a, b)
            columns = _window((x - reach, x + reach), scale, size)
            rows = _window((y - reach, y + reach), scale, size)
            dx, dy = _fine(columns, scale, size)[None, :] - x, _fine(rows, scale, size)[:, None] - y
            cos, sin = np.cos(tilt), np.sin(tilt)
            inside = ((dx * cos + dy * sin) / a) ** 2 + ((dy * cos - dx * sin) / b) ** 2 <= 1.0
            share = inside.reshape(inside.shape[0] // SUBSAMPLES, SUBSAMPLES, -1, SUBSAMPLES).mean(axis=(1, 3))
            image[rows[0] : rows[1], columns[0] : columns[1]] += value * share
        return image

    def sinogram(self, size: int, angles: Float64, axis: float) -> Float32:
        """Return line integrals in value × pixel, shape (angles, size), about an axis at a column."""
        scale = 2.0 / (size * RADIUS)
        result = np.zeros((len(angles), size), dtype=np.float32)
        radians = np.deg2rad(angles)
        for value, x, y, a, b, tilt in self.ellipses:
            middle = (x * np.cos(radians) + y * np.sin(radians)) / scale + axis
            half = np.hypot(a * np.cos(radians - tilt), b * np.sin(radians - tilt)) / scale
            chord = 2.0 * value * (a * b / scale**2) / half
            _add_shadow(result, middle, half, chord)
        return result


def _add_shadow(lines: Float32, middle: Float64, half: Float64, chord: Float64) -> None:
    """Add the shadow of an ellipse, half an ellipse itself, to each line; all shadows get the widest one's window."""
    width = int(2 * np.ceil(half.max())) + 3
    within = (np.arange(width * SUBSAMPLES) + 0.5) / SUBSAMPLES - 0.5
    for start in range(0, len(lines), CHUNK):
        part = slice(start, start + CHUNK)
        first = np.floor(middle[part] - width / 2).astype(np.intp)
        away = (first[:, None] + within - middle[part, None]) / half[part, None]
        depth = chord[part, None] * np.sqrt(np.maximum(1.0 - away * away, 0.0))
        mean = depth.reshape(len(first), width, SUBSAMPLES).mean(axis=2)
        columns = first[:, None] + np.arange(width)
        seen = (columns >= 0) & (columns < lines.shape[1])
        rows = np.broadcast_to(np.arange(len(first))[:, None], columns.shape)
        lines[part][rows[seen], columns[seen]] += mean[seen]


def _window(reach: tuple[float, float], scale: float, size: int) -> tuple[int, int]:
    """Return the first and last-but-one pixel that a stretch of the disc can touch."""
    first = int(np.floor(reach[0] / scale + size / 2)) - 1
    last = int(np.ceil(reach[1] / scale + size / 2)) + 1
    return max(first, 0), min(last, size)


def _fine(window: tuple[int, int], scale: float, size: int) -> Float64:
    """Return the places of the sub-samples of some pixels, in units of the disc."""
    pixels = np.arange(window[0] * SUBSAMPLES, window[1] * SUBSAMPLES)
    return np.asarray(((pixels + 0.5) / SUBSAMPLES - size / 2) * scale)


@dataclass(frozen=True)
class Solid:
    """A body that changes from row to row: the head of Shepp & Logan with small ellipsoids in it."""

    seed: int
    grains: int = 60

    def slice_at(self, height: float) -> Body:
        """Return the section at a height between −1 and 1."""
        rng = np.random.default_rng(self.seed)
        count = self.grains
        radius = 0.6 * np.sqrt(rng.random(count))
        turn = 2 * np.pi * rng.random(count)
        half = rng.uniform(0.008, 0.05, (count, 2))
        value = rng.uniform(0.1, 0.4, count)
        tilt = np.pi * rng.random(count)
        middle = rng.uniform(-1.0, 1.0, count)
        tall = rng.uniform(0.3, 1.5, count)
        left = 1.0 - ((height - middle) / tall) ** 2
        shrink = np.sqrt(np.maximum(left, 0.0))
        grains = np.column_stack(
            (
                value,
                0.9 * radius * np.cos(turn),
                1.2 * radius * np.sin(turn),
                half[:, 0] * shrink,
                half[:, 1] * shrink,
                tilt,
            )
        )
        head = np.array(SHEPP_LOGAN)
        head[:, 5] = np.deg2rad(head[:, 5])
        return Body(np.concatenate((head, grains[left > 0.01])))  # noqa: PLR2004 - thinner ones are less than a pixel


@dataclass(frozen=True)
class Exposure:
    """What a detector does to a beam."""

    counts: float = 20_000.0
    """Photons per pixel without a sample."""
    dark: float = 100.0
    ripple: float = 0.1
    """Unevenness of the beam over the field."""


def beam(columns: int, rows: int, exposure: Exposure) -> Float64:
    """Return the mean of a flat field without its dark counts, shape (rows, columns)."""
    across = 1.0 + exposure.ripple * np.sin(np.arange(columns) * 7.0 / columns)
    down = 1.0 - exposure.ripple * np.linspace(-1.0, 1.0, max(rows, 2))[:rows] ** 2
    return np.asarray(exposure.counts * np.outer(down, across))
