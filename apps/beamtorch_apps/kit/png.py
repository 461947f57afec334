"""Grey values to pictures: robust levels, and a PNG without a plotting library."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

MARK = b"\x89PNG\r\n\x1a\n"


def robust_levels(image: NDArray[np.floating], low: float = 1.0, high: float = 99.0) -> tuple[float, float]:
    """Return the values between which nearly all finite pixels lie; never equal, so that they can be divided by."""
    finite = image[np.isfinite(image)]
    if finite.size == 0:
        return 0.0, 1.0
    bottom, top = (float(value) for value in np.percentile(finite, (low, high)))
    return (bottom, top) if top > bottom else (bottom, bottom + max(abs(bottom), 1.0) * 1e-3)


def grey(image: NDArray[np.floating], levels: tuple[float, float]) -> NDArray[np.uint8]:
    """Return 8-bit grey; what is not a number is black."""
    low, high = levels
    scaled = np.nan_to_num((image.astype(np.float32) - low) * (255.0 / (high - low)), nan=0.0)
    return np.asarray(np.clip(scaled, 0, 255), dtype=np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return an 8-bit grey PNG of an image, shape (height, width)."""
    height, width = pixels.shape
    # Each line starts with the number of its filter: 0, none.
    lines = np.zeros((height, width + 1), dtype=np.uint8)
    lines[:, 1:] = pixels
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return MARK + b"".join(
        _chunk(kind, body)
        for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
