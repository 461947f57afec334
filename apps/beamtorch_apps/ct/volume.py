"""The full run: rows of a scan in, slices out, in pairs that never depend on what was asked or who works."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from beamtorch_apps.ct.analysis import Axis, Geometry, Shape, find_axis
from beamtorch_apps.ct.data import Scan, open_scan
from beamtorch_apps.ct.errors import AxisError, CancelledError
from beamtorch_apps.ct.provenance import Provenance
from beamtorch_apps.ct.recipe import Recipe
from beamtorch_apps.ct.reconstruction import Float32
from beamtorch_apps.ct.results import TiffFiles, VolumeFile, check_room, check_target
from beamtorch_facility.words import Words

BLOCK_BYTES = 512 * 2**20
"""Line integrals held at once; a file chunked by frames is decoded once per block."""


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    done: int
    rows: int


@dataclass(frozen=True)
class Watcher:
    """Whom a run tells, and who may stop it."""

    axis: Callable[[Axis], None] = lambda _: None
    progress: Callable[[Progress], None] = lambda _: None
    is_cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Outcome:
    """What a run made."""

    output: Path
    tiff: Path | None
    axis: Axis
    provenance: Provenance


def axis_of(scan: Scan, column: float | None, row: int) -> Axis:
    """Return the given axis if it lies on the detector, else find it in a row.

    Raises
    ------
    AxisError
        If it was put off the detector, or the row shows nothing.
    """
    if column is None:
        return find_axis(scan.sinogram(row), scan.angles)
    if not 0 <= column <= scan.columns - 1:
        raise AxisError(
            Words(
                en=f"Column {column:g} is off the detector, which has columns 0 to {scan.columns - 1}. "
                "Choose an axis on it, or let it be found.",
                zh=f"第 {column:g} 列超出探测器范围（0 到 {scan.columns - 1}）。请选择范围内的旋转轴，或自动查找。",
            )
        )
    return Axis(column=column)


def reconstruct_volume(recipe: Recipe, watcher: Watcher) -> Outcome:
    """Reconstruct the rows of a recipe and write them.

    Raises
    ------
    CtError
        With nothing left under the names of the result.
    """
    with open_scan(recipe.scan) as scan:
        rows = recipe.rows_of(scan.rows)
        targets = [recipe.output, *([recipe.tiff] if recipe.tiff else [])]
        for target in targets:
            check_target(target, overwrite=recipe.overwrite)
            check_room(target.parent, len(rows) * scan.columns**2 * 4)
        axis = axis_of(scan, recipe.axis, (rows.start + rows.stop) // 2 if len(rows) > 1 else rows.start)
        watcher.axis(axis)
        provenance = Provenance.of(scan, recipe, axis, rows)
        with VolumeFile(recipe.output, provenance, rows, scan.columns) as volume:
            if recipe.tiff is None:
                _fill([volume], scan, provenance, watcher)
            else:
                with TiffFiles(recipe.tiff, provenance) as tiff:
                    _fill([volume, tiff], scan, provenance, watcher)
                    tiff.finish()
            volume.finish()
    return Outcome(recipe.output, recipe.tiff, axis, provenance)


def _fill(sinks: list[VolumeFile | TiffFiles], scan: Scan, provenance: Provenance, watcher: Watcher) -> None:
    rows, recipe = provenance.rows, provenance.recipe
    watcher.progress(Progress(0, len(rows)))
    made = slices(scan, rows, provenance.axis.column, recipe, watcher.is_cancelled)
    for done, (row, image) in enumerate(made, start=1):
        image *= provenance.factor  # noqa: PLW2901 - in place, it is as large as a photograph
        for sink in sinks:
            sink.put(row, image)
        watcher.progress(Progress(done, len(rows)))


def slices(
    scan: Scan, rows: range, axis: float, recipe: Recipe, is_cancelled: Callable[[], bool]
) -> Iterator[tuple[int, Float32]]:
    """Reconstruct rows in order, each with its number, in 1/pixel.

    Row 2k always goes with row 2k + 1, and each pair through one thread, so that a row comes out the same to the last
    bit whatever is asked for beside it.
    """
    mine = threading.local()
    shape = Shape(columns=scan.columns, size=scan.columns, filter=recipe.filter).about(axis)

    def one(pair: tuple[Float32, Float32 | None]) -> tuple[Float32, Float32]:
        if not hasattr(mine, "geometry"):
            mine.geometry = Geometry(scan.angles, shape)
        both = mine.geometry.pair(*pair, axis)
        return both.real, both.imag

    workers = recipe.workers or len(os.sched_getaffinity(0))
    per_block = max(1, min(BLOCK_BYTES // (scan.projections * scan.columns * 8), 4 * workers)) * 2
    with ThreadPoolExecutor(workers, thread_name_prefix="ct") as pool:
        for start in range(rows.start - rows.start % 2, rows.stop, per_block):
            stop = min(start + per_block, rows.stop + rows.stop % 2, scan.rows)
            block = scan.block(start, stop).values
            pairs = [
                (block[:, at], block[:, at + 1] if start + at + 1 < stop else None) for at in range(0, stop - start, 2)
            ]
            for at, both in enumerate(pool.map(one, pairs)):
                if is_cancelled():
                    pool.shutdown(cancel_futures=True)
                    raise CancelledError(Words(en="Cancelled. Nothing was written.", zh="已取消，未写入任何内容。"))
                for side, image in enumerate(both):
                    row = start + 2 * at + side
                    if row in rows:
                        yield row, image.copy()
