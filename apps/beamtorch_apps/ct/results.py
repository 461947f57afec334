"""Writing a volume: HDF5 (NXtomoproc) and TIFF with their provenance inside, complete or not at all."""

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import tifffile

from beamtorch_apps.ct.errors import NoRoomError, ResultExistsError, ResultUnwritableError
from beamtorch_apps.ct.provenance import Provenance
from beamtorch_apps.ct.reconstruction import Float32
from beamtorch_facility.words import Words

MARGIN = 16 * 2**20
"""Bytes that stay free on the disk of the result."""
METADATA = 2**20
"""Bytes that are enough for all but the slices."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def part_of(target: Path) -> Path:
    """Return where a result grows until it is whole."""
    return target.with_name(target.name + ".part")


def check_target(target: Path, *, overwrite: bool) -> None:
    """Say no before the work, rather than after it.

    Raises
    ------
    ResultExistsError
        If something is there and may not be replaced.
    ResultUnwritableError
        If the folder cannot be made or written to.
    """
    if target.exists() and not overwrite:
        raise ResultExistsError(
            Words(
                en=f"{target} exists. Choose another name, or replace it with --force.",
                zh=f"{target} 已存在。请换一个名称，或使用 --force 覆盖。",
            )
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        writable = os.access(target.parent, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise ResultUnwritableError(
            Words(
                en=f"You may not write to {target.parent}. Choose a folder of yours or of your beamtime.",
                zh=f"您没有写入 {target.parent} 的权限。请选择您自己或您机时的文件夹。",
            )
        )


def check_room(folder: Path, needed: int) -> None:
    """Compare the size of a result with the free space.

    Raises
    ------
    NoRoomError
        If it would not fit.
    """
    free = shutil.disk_usage(folder).free
    if needed + MARGIN > free:
        raise NoRoomError(_room_words(folder, f"{needed / 1e6:,.1f} MB", f"{max(free, 0) / 1e6:,.1f} MB"))


def _room_words(folder: Path, needed: str, free: str) -> Words:
    return Words(
        en=f"The result needs {needed}, and {folder} has {free} left. Free some space there, choose fewer rows, "
        "or write to another folder.",
        zh=f"结果需要 {needed}，而 {folder} 只剩 {free}。请清理空间、减少行数或写入其他文件夹。",
    )


@contextmanager
def telling_full(folder: Path) -> Iterator[None]:
    """Turn a disk that fills up while writing into a sentence.

    Raises
    ------
    NoRoomError, ResultUnwritableError
    """
    try:
        yield
    except OSError as error:
        # HDF5 hides the number in its text: "… errno = 28, error message = 'No space left on device' …"
        told = re.search(r"errno = (\d+)", str(error))
        number = error.errno or (int(told.group(1)) if told else 0)
        if number in _FULL:
            free = shutil.disk_usage(folder).free
            raise NoRoomError(
                Words(
                    en=f"No space left in {folder} ({free / 1e6:,.1f} MB free, or your quota is used up). "
                    "Nothing was kept. Free some space there, choose fewer rows, or write to another folder.",
                    zh=f"{folder} 空间不足（剩余 {free / 1e6:,.1f} MB，或配额已用完），未保留任何内容。"
                    "请清理空间、减少行数或写入其他文件夹。",
                )
            ) from error
        raise ResultUnwritableError(
            Words(
                en=f"Writing to {folder} failed: {error.strerror or error}. Nothing was kept. "
                "Try again or choose another folder.",
                zh=f"写入 {folder} 失败：{error.strerror or error}。未保留任何内容，请重试或选择其他文件夹。",
            )
        ) from error


class VolumeFile:
    """An NXtomoproc file while it grows: slices go in by number; leaving without an error makes it real."""

    def __init__(self, target: Path, provenance: Provenance, rows: range, size: int) -> None:
        self.target = target
        self._part = part_of(target)
        self._rows = rows
        with telling_full(target.parent):
            self._part.unlink(missing_ok=True)
            # Once HDF5 holds the file a full disk cannot be left cleanly, so the room is tried for without it.
            _try_room(self._part, len(rows) * size * size * 4 + METADATA)
            self._file = h5py.File(self._part, "w", locking=False)
            try:
                self._data = self._layout(provenance, size)
                self._reserve(len(rows) * size * size * 4)
            except BaseException:
                self.discard()
                raise

    def _layout(self, provenance: Provenance, size: int) -> h5py.Dataset:
        entry = self._file.create_group("entry")
        self._file.attrs["default"] = "entry"
        provenance.write(entry)
        data = entry.create_group("data")
        entry.attrs["default"] = "data"
        data.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": ["y", "z", "x"]})
        # All of it now and in one piece: what does not fit is known at once, and a cut along any side reads well.
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.CONTIGUOUS)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((len(self._rows), size, size))
        volume = h5py.Dataset(h5py.h5d.create(data.id, b"data", h5py.h5t.IEEE_F32LE, space, layout))
        volume.attrs.update(
            {
                "units": provenance.unit,
                "long_name": f"attenuation ({provenance.unit})",
                "transform": "none",
                "offset": 0.0,
                "scaling": 1.0,
            }
        )
        scale, unit = provenance.length
        middle = (np.arange(size) - (size - 1) / 2) * scale
        for name, values in (("x", middle), ("z", middle), ("y", np.array(self._rows) * scale)):
            data[name] = values
            data[name].attrs["units"] = unit
        return volume

    def _reserve(self, size: int) -> None:
        self._file.flush()
        start = self._data.id.get_offset() or 0
        with self._part.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, start + size + METADATA)

    def put(self, row: int, image: Float32) -> None:
        """Write one slice."""
        with telling_full(self.target.parent):
            self._data[row - self._rows.start] = image

    def discard(self) -> None:
        """Leave nothing."""
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            _let_go(self._file)
            self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()

    def finish(self) -> None:
        """Bring everything to the disk, then give it its name."""
        try:
            with telling_full(self.target.parent):
                self._file.close()
                _sync(self._part)
                self._part.replace(self.target)
                _sync(self.target.parent)
        except BaseException:
            self.discard()
            raise


def _try_room(path: Path, size: int) -> None:
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    finally:
        path.unlink(missing_ok=True)


def _let_go(file: h5py.File) -> None:
    """Turn HDF5's last writes of an unwanted file to memory: they must not fail, or it never closes."""
    if not file.id.valid:
        return
    spare = os.memfd_create("discarded")
    os.dup2(spare, file.id.get_vfd_handle())
    os.close(spare)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class TiffFiles:
    """The same slices as TIFF: a folder with one file each, or one file with a page each."""

    def __init__(self, target: Path, provenance: Provenance) -> None:
        self.target = target
        self._part = part_of(target)
        self._is_stack = target.suffix.lower() in {".tif", ".tiff"}
        self._description = json.dumps(provenance.facts(), ensure_ascii=True)
        self._resolution = provenance.pixels_per_centimetre
        self._stack: tifffile.TiffWriter | None = None
        with telling_full(target.parent):
            self._clear(self._part)
            if self._is_stack:
                self._stack = tifffile.TiffWriter(self._part, bigtiff=True)
            else:
                self._part.mkdir(parents=True)

    def put(self, row: int, image: Float32) -> None:
        """Write one slice; the row stands in the file's name."""
        tags: dict[str, Any] = {
            "photometric": "minisblack",
            "description": self._description,
            "metadata": None,
            "software": "beamtorch",
        }
        if self._resolution is not None:
            tags |= {"resolution": (self._resolution, self._resolution), "resolutionunit": "CENTIMETER"}
        with telling_full(self.target.parent):
            if self._stack is not None:
                self._stack.write(image, contiguous=False, **tags)
            else:
                tifffile.imwrite(self._part / f"slice_{row:05d}.tif", image, **tags)

    def discard(self) -> None:
        """Leave nothing."""
        if self._stack is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stack.close()
        self._clear(self._part)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()

    def finish(self) -> None:
        """Bring everything to the disk, then give it its name; what was there before goes."""
        with telling_full(self.target.parent):
            if self._stack is not None:
                self._stack.close()
                _sync(self._part)
            else:
                for file in self._part.iterdir():
                    _sync(file)
            old = self.target.with_name(self.target.name + ".old")
            self._clear(old)
            if self.target.exists():
                self.target.rename(old)
            self._part.rename(self.target)
            self._clear(old)
            _sync(self.target.parent)

    @staticmethod
    def _clear(path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
