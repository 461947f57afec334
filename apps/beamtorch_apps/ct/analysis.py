"""CT in arrays: counts to line integrals, line integrals to slices. Nothing here knows a file or a widget."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beamtorch_apps.ct.axis import Axis, find_axis
from beamtorch_apps.ct.errors import AnglesError, FlatFieldError
from beamtorch_apps.ct.reconstruction import FILTERS, Float32, Float64, Geometry, Shape
from beamtorch_facility.words import Words

__all__ = ["FILTERS", "Axis", "Geometry", "Normalised", "Shape", "find_axis", "normalise", "preview", "reconstruct"]

LEAST_TRANSMISSION = 1e-5
"""What counts as opaque: noise around zero light has no logarithm."""
MOST_DEAD = 0.1
"""More dead columns than this part of a row are a broken flat, not dead pixels."""


@dataclass(frozen=True)
class Normalised:
    """Line integrals, and what had to be mended on the way."""

    values: Float32
    """−log of the transmission, same shape as the projections."""
    dead: int
    """Detector pixels without a usable flat, replaced from their neighbours in the row."""
    opaque: int
    """Values at or below zero light, set to the least transmission."""


def normalise(projections: NDArray[np.generic], flat: Float32, dark: Float32) -> Normalised:
    """Turn counts into line integrals: −log((projection − dark) / (flat − dark)).

    Parameters
    ----------
    projections
        Counts, shape (angles, columns) or (angles, rows, columns).
    flat, dark
        Means without and with closed shutter, shape (columns,) or (rows, columns).

    Raises
    ------
    FlatFieldError
        If the flat is not brighter than the dark in too many pixels.
    """
    light = flat.astype(np.float64) - dark
    good = np.isfinite(light) & (light > 0)
    dead = int(good.size - good.sum())
    if dead > MOST_DEAD * good.size:
        raise FlatFieldError(
            Words(
                en=f"{dead:,} of {good.size:,} pixels of the flat field are not brighter than the dark field. "
                "Check that the shutter was open for the flats, or take the flats from another scan.",
                zh=f"平场的 {good.size:,} 个像素中有 {dead:,} 个不比暗场亮。"
                "请确认采集平场时快门已打开，或改用其他扫描的平场。",
            )
        )
    gain = np.where(good, 1.0 / np.where(good, light, 1.0), 1.0).astype(np.float32)
    values = projections.astype(np.float32)
    values -= dark.astype(np.float32)
    values *= gain
    bad = ~np.isfinite(values)
    bad |= ~good
    seen = ~bad
    opaque = int(np.count_nonzero(seen & (values < LEAST_TRANSMISSION)))
    values[bad] = 1.0
    np.maximum(values, np.float32(LEAST_TRANSMISSION), out=values)
    np.log(values, out=values)
    np.negative(values, out=values)
    if bad.any():
        _mend(values, bad)
    return Normalised(values=values, dead=dead, opaque=opaque)


def _mend(values: Float32, bad: NDArray[np.bool_]) -> None:
    """Fill bad values from the nearest good ones in their row; a row without any stays empty."""
    lines, flags = values.reshape(-1, values.shape[-1]), bad.reshape(-1, values.shape[-1])
    at = np.arange(values.shape[-1])
    for line in np.flatnonzero(flags.any(axis=1)):
        wrong = flags[line]
        lines[line, wrong] = np.interp(at[wrong], at[~wrong], lines[line, ~wrong]) if not wrong.all() else 0.0


def _checked(sinogram: Float32, angles: Float64) -> tuple[Float32, Float64]:
    lines = np.ascontiguousarray(sinogram, dtype=np.float32)
    degrees = np.asarray(angles, dtype=np.float64)
    if lines.ndim != 2 or degrees.shape != lines.shape[:1]:  # noqa: PLR2004 - a sinogram has two dimensions
        raise AnglesError(
            Words(
                en=f"A sinogram of shape {lines.shape} does not go with {degrees.size:,} angles. "
                "Give one angle in degrees for each of its lines.",
                zh=f"形状为 {lines.shape} 的正弦图与 {degrees.size:,} 个角度不匹配。请为每一行提供一个角度（度）。",
            )
        )
    return lines, degrees


def reconstruct(sinogram: Float32, angles: Float64, axis_column: float, *, filter_name: str = "ramp") -> Float32:
    """Reconstruct one slice.

    Parameters
    ----------
    sinogram
        Line integrals, shape (angles, columns).
    angles
        Degrees, shape (angles,); any order, a half or a full turn.
    axis_column
        Where the axis of rotation lies, the centre of the first pixel being 0.
    filter_name
        ``ramp``, or smoother: ``shepp-logan``, ``hann``.

    Returns
    -------
    array
        Attenuation per pixel, shape (columns, columns), the axis of rotation in the middle.
    """
    return preview(sinogram, angles, axis_column, size=np.shape(sinogram)[-1], filter_name=filter_name)


def preview(sinogram: Float32, angles: Float64, axis_column: float, *, size: int, filter_name: str = "ramp") -> Float32:
    """Reconstruct one slice on a coarser grid, shape (size, size), of the same field and in the same unit."""
    lines, degrees = _checked(sinogram, angles)
    columns = lines.shape[1]
    shape = Shape(columns=columns, size=min(size, columns), filter=filter_name).about(axis_column)
    geometry = Geometry(degrees, shape)
    return np.ascontiguousarray(geometry.pair(lines, None, axis_column).real)
