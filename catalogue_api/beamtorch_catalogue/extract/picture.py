"""Drawing thumbnails: small, grey, and readable on a light and on a dark page."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from beamtorch_catalogue.extract.found import Picture

LONGEST_SIDE = 256
"""Pixels of the longer side of an image."""
_CURVE = (256, 144)
_MARGIN = 8
_LINE = (128, 255)
_LOW, _HIGH, _SPARSE_HIGH = 0.5, 99.5, 99.97
_LINE_WIDTH = 2


def draw(picture: Picture) -> bytes:
    """Return a picture as PNG."""
    drawn = _curve(picture.values) if picture.is_curve else _image(picture)
    out = io.BytesIO()
    drawn.save(out, format="PNG", optimize=True)
    return out.getvalue()


def _image(picture: Picture) -> Image.Image:
    values = _blocks(picture.values, use_maximum=picture.is_sparse)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Image.new("L", (LONGEST_SIDE, LONGEST_SIDE), 128)
    low, high = np.percentile(finite, [_LOW, _SPARSE_HIGH if picture.is_sparse else _HIGH])
    scaled = np.clip((np.nan_to_num(values, nan=low) - low) / ((high - low) or 1.0), 0.0, 1.0)
    if picture.is_sparse:
        scaled = 1.0 - scaled  # dark reflections on white, as on film
    small = Image.fromarray((scaled * 255).astype(np.uint8))
    longest = max(small.size)
    size = tuple(max(24, round(side * LONGEST_SIDE / longest)) for side in small.size)
    return small.resize((size[0], size[1]), Image.Resampling.BILINEAR)


def _blocks(values: NDArray[np.floating], *, use_maximum: bool) -> NDArray[np.floating]:
    """Reduce an image by whole blocks to about the size of the thumbnail."""
    step = max(1, max(values.shape) // LONGEST_SIDE)
    rows, columns = (max(1, side // step) for side in values.shape)
    across, down = min(step, values.shape[1]), min(step, values.shape[0])
    cut = values[: rows * down, : columns * across].reshape(rows, down, columns, across)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.fmax.reduce(cut, axis=(1, 3)) if use_maximum else cut.mean(axis=(1, 3)))


def _curve(points: NDArray[np.floating]) -> Image.Image:
    width, height = _CURVE
    drawn = Image.new("LA", _CURVE, (0, 0))
    points = points[:, np.isfinite(points).all(axis=0)]
    if points.shape[1] > 1:
        low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
        unit = (points - low) / np.where(high > low, high - low, 1.0)
        across = _MARGIN + unit[0] * (width - 2 * _MARGIN)
        down = height - _MARGIN - unit[1] * (height - 2 * _MARGIN)
        line = list(zip(across.tolist(), down.tolist(), strict=True))
        ImageDraw.Draw(drawn).line(line, fill=_LINE, width=_LINE_WIDTH, joint="curve")
    return drawn
