"""Reading a CT scan: what is in it, and its rows as line integrals, never the whole stack at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np

from beamtorch_apps.ct.analysis import Normalised, normalise
from beamtorch_apps.ct.angles import checked_angles
from beamtorch_apps.ct.errors import RowsError, TruncatedError
from beamtorch_apps.ct.hdf5 import Missing, missing_links, open_file
from beamtorch_apps.ct.layouts import Frames, find_parts, no_flats
from beamtorch_apps.ct.reconstruction import Float32, Float64
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

SCATTERED = 64
"""Above so many separate runs of frames, the stretch that holds them is read whole and thinned."""


def open_scan(path: Path | str) -> "Scan":
    """Open a CT scan in Data Exchange or NXtomo layout.

    Parameters
    ----------
    path
        The file; ``~`` is the home folder. A folder with one scan in it will do.

    Raises
    ------
    CtError
        If there is no scan that can be read; the text says which file and what to do.
    """
    return Scan(open_file(Path(path).expanduser()))


class Scan:
    """An open CT scan; close it, or use it in ``with``."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        try:
            self._parts = find_parts(file)
            self.path = Path(file.filename)
            self.layout = self._parts.layout
            """``Data Exchange`` or ``NXtomo``."""
            self.angles: Float64 = checked_angles(self._parts.angles, len(self._parts.projections), self.path)
            """Degrees, shape (n,), in the order of measurement."""
            self.rows = int(self._parts.projections.stack.shape[1])
            self.columns = int(self._parts.projections.stack.shape[2])
            self._check_fields()
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def pixel_size(self) -> Quantity | None:
        """Effective size of a detector pixel in µm, if the file says so."""
        return self._parts.pixel_size

    @property
    def energy(self) -> Quantity | None:
        """Photon energy in keV, if the file says so."""
        return self._parts.energy

    @property
    def sample(self) -> str:
        """Name of the sample; empty if the file does not say."""
        return self._parts.sample

    @property
    def projections(self) -> int:
        """Number of projections."""
        return len(self._parts.projections)

    @property
    def flats(self) -> int:
        """Number of flat fields."""
        return len(self._parts.flats)

    @property
    def darks(self) -> int:
        """Number of dark fields; without any, dark is taken as zero."""
        return len(self._parts.darks)

    @property
    def size(self) -> int:
        """Bytes of the projections as numbers."""
        stack = self._parts.projections.stack
        return int(self.projections * self.rows * self.columns * stack.dtype.itemsize)

    def missing_links(self) -> list[Missing]:
        """List linked files that are not there; what is needed is, or the scan would not have opened."""
        return missing_links(self._file)

    def sinogram(self, row: int) -> Float32:
        """Return one row as line integrals, shape (angles, columns)."""
        return self.block(row, row + 1).values[:, 0]

    def block(self, first: int, last: int) -> Normalised:
        """Return rows ``first`` to ``last`` (exclusive) as line integrals, shape (angles, rows, columns).

        Raises
        ------
        RowsError
            If the scan does not have these rows.
        FlatFieldError
            If the flats of these rows cannot be used.
        """
        if not 0 <= first < last <= self.rows:
            raise RowsError(
                Words(
                    en=f"Rows {first} to {last - 1} are not in the scan, which has rows 0 to {self.rows - 1}. "
                    "Choose rows among these.",
                    zh=f"扫描只有第 0 到 {self.rows - 1} 行，没有第 {first} 到 {last - 1} 行。请在此范围内选择。",
                )
            )
        flat, dark = self._fields(first, last)
        return normalise(self._read(self._parts.projections, first, last), flat, dark)

    def projection(self, index: int) -> Float32:
        """Return one projection as line integrals, shape (rows, columns)."""
        chosen = Frames(self._parts.projections.stack, self._parts.projections.indices[index : index + 1])
        flat, dark = self._fields(0, self.rows)
        line_integrals: Float32 = normalise(self._read(chosen, 0, self.rows), flat, dark).values[0]
        return line_integrals

    def _fields(self, first: int, last: int) -> tuple[Float32, Float32]:
        """Return the mean flat and dark of some rows, shape (rows, columns) each."""
        flat = self._read(self._parts.flats, first, last).mean(axis=0, dtype=np.float64).astype(np.float32)
        if not len(self._parts.darks):
            return flat, np.zeros_like(flat)
        return flat, self._read(self._parts.darks, first, last).mean(axis=0, dtype=np.float64).astype(np.float32)

    def _check_fields(self) -> None:
        shape = (self.rows, self.columns)
        for frames in (self._parts.flats, self._parts.darks):
            if len(frames) and frames.stack.shape[1:] != shape:
                raise no_flats(self.path, f"{frames.stack.name}: {frames.stack.shape[1:]} ≠ {shape}")

    def _read(self, frames: Frames, first: int, last: int) -> Float32:
        with self._reading(frames.stack):
            index = frames.indices
            breaks = np.flatnonzero(np.diff(index) != 1) + 1
            if len(breaks) >= SCATTERED:
                stretch = frames.stack[index[0] : index[-1] + 1, first:last, :]
                return np.asarray(stretch[index - index[0]], dtype=np.float32)
            block = np.empty((len(index), last - first, self.columns), dtype=np.float32)
            start = 0
            for run in np.split(index, breaks):
                block[start : start + len(run)] = frames.stack[run[0] : run[-1] + 1, first:last, :]
                start += len(run)
            return block

    @contextmanager
    def _reading(self, stack: h5py.Dataset) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TruncatedError(
                Words(
                    en=f"{stack.file.filename} cannot be read to its end: {error}. "
                    "Copy the file again from where it was measured.",
                    zh=f"无法完整读取 {stack.file.filename}：{error}。请从测量处重新复制该文件。",
                )
            ) from error
