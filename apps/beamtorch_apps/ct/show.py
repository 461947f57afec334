"""A slice in a notebook cell."""

import base64

import numpy as np

from beamtorch_apps.ct.reconstruction import Float32
from beamtorch_apps.kit.png import grey, png, robust_levels
from beamtorch_facility.quantity import Quantity

WIDEST = 1024


class Picture:
    """A slice as a notebook shows it; its numbers stand below and in the alternative text."""

    def __init__(self, image: Float32, pixel_size: Quantity | None) -> None:
        step = max(1, -(-max(image.shape) // WIDEST))
        self._levels = robust_levels(image)
        self._png = png(grey(image[::step, ::step], self._levels))
        low, high = self._levels
        size = "×".join(str(side) for side in image.shape[::-1])
        self._alt = f"CT slice {size}, mean {image.mean():.4g}, from {low:.3g} to {high:.3g}"
        self._caption = f"{size} · {low:.3g} … {high:.3g} (1–99 %)" + _scale(image.shape[1], pixel_size)

    def _repr_png_(self) -> bytes:
        return self._png

    def _repr_html_(self) -> str:
        data = base64.b64encode(self._png).decode("ascii")
        return (
            f'<figure style="margin:0;max-width:640px"><img alt="{self._alt}" src="data:image/png;base64,{data}" '
            f'style="width:100%;background:#0a0d11"><figcaption>{self._caption}</figcaption></figure>'
        )


def _scale(columns: int, pixel_size: Quantity | None) -> str:
    if pixel_size is None:
        return ""
    wide = columns * pixel_size.value
    return f" · {wide:,.4g} {pixel_size.unit}" if wide < 1000 else f" · {wide / 1000:,.4g} mm"  # noqa: PLR2004 - µm in a mm


def show(image: Float32, *, pixel_size: Quantity | None = None) -> None:
    """Display a slice below the cell, with robust levels.

    Parameters
    ----------
    image
        Shape (rows, columns).
    pixel_size
        If given, the width of the field is told.
    """
    from IPython.display import display  # noqa: PLC0415 - reconstruction works without IPython

    display(Picture(np.asarray(image, dtype=np.float32), pixel_size))
