"""Reading single values and frames from HDF5, whatever shape and type a beamline chose for them."""

import math
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.found import Picture
from beamtorch_facility.quantity import Quantity

_LONGEST_TEXT = 500
_MOST_BYTES = 64 * 1024**2
_MOST_POINTS = 200_000
_FEW_ROWS = 16
_IMAGE_DIMENSIONS = 2


def text_of(item: Any) -> str | None:
    """Return a scalar text, from a dataset or an attribute, or None."""
    value = item[()] if isinstance(item, h5py.Dataset) and item.size == 1 else item
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size == 1 else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    cleaned = value.replace("\0", "").strip()
    return cleaned[:_LONGEST_TEXT] or None


def quantity_of(item: Any, default_unit: str = "") -> Quantity | None:
    """Return a number with the unit that the file gives; of several equal or similar ones the first."""
    if not isinstance(item, h5py.Dataset) or not item.size or not np.issubdtype(item.dtype, np.number):
        return None
    if np.issubdtype(item.dtype, np.complexfloating):
        return None
    value = float(item[(0,) * item.ndim])
    if not math.isfinite(value):
        return None
    return Quantity(value=value, unit=unit_of(item) or default_unit)


def unit_of(item: h5py.Dataset) -> str:
    """Return the text of a dataset's unit."""
    return text_of(item.attrs.get("units", item.attrs.get("unit", ""))) or ""


def children(group: h5py.Group, nexus_class: str) -> Iterator[h5py.Group]:
    """Yield the groups of a NeXus class in a group."""
    for name in group:
        child = child_of(group, name)
        if isinstance(child, h5py.Group) and text_of(child.attrs.get("NX_class")) == nexus_class:
            yield child


def child_of(group: h5py.Group, name: str) -> Any:
    """Return a child, or None for one that is absent or whose link leads nowhere."""
    try:
        return group.get(name)
    except (KeyError, OSError, RuntimeError):
        return None


def middle_frame(dataset: h5py.Dataset, keep: NDArray[np.intp] | None = None) -> Picture | None:
    """Return the middle frame of a stack, an image, or a curve.

    Parameters
    ----------
    dataset
        Numbers of any dimension.
    keep
        Which frames of the first axis count; None: all.
    """
    if dataset.size == 0 or not np.issubdtype(dataset.dtype, np.number) or dataset.ndim == 0:
        return None
    if dataset.ndim == 1:
        step = max(1, dataset.size // _MOST_POINTS)
        values = np.asarray(dataset[::step], dtype=np.float64)
        return Picture(values=np.stack([np.arange(values.size, dtype=np.float64), values]), is_curve=True)
    if dataset.ndim == _IMAGE_DIMENSIONS:
        return Picture(values=_reduced(dataset, ()))
    frames, rows = dataset.shape[0], dataset.shape[-2]
    if rows < _FEW_ROWS < frames and dataset.ndim == _IMAGE_DIMENSIONS + 1:
        return Picture(values=np.asarray(dataset[:, rows // 2, :], dtype=np.float64))  # the sinogram shows more
    middle = int(keep[keep.size // 2]) if keep is not None and keep.size else frames // 2
    leading = (middle, *(n // 2 for n in dataset.shape[1:-2]))
    return Picture(values=_reduced(dataset, leading))


def _reduced(dataset: h5py.Dataset, leading: tuple[int, ...]) -> NDArray[np.float64]:
    rows, columns = dataset.shape[-2:]
    step = 1
    while rows * columns * dataset.dtype.itemsize // step**2 > _MOST_BYTES:
        step += 1
    return np.asarray(dataset[(*leading, slice(None, None, step), slice(None, None, step))], dtype=np.float64)
