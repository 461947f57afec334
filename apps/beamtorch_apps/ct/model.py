"""The state of one person's work on one scan, without widgets: what is open, what was chosen, what can be seen.

Everything here answers at once or within a preview; the full run is a `Job` of its own.
"""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from beamtorch_apps.ct.analysis import Axis, Geometry, Shape, find_axis
from beamtorch_apps.ct.axis import Trials
from beamtorch_apps.ct.data import Scan, open_scan
from beamtorch_apps.ct.errors import AxisError, NotAScanError
from beamtorch_apps.ct.recipe import Recipe
from beamtorch_apps.ct.reconstruction import Float32, Float64
from beamtorch_apps.ct.units import per_centimetre
from beamtorch_apps.ct.volume import axis_of
from beamtorch_facility.data_layout import Area, DataLayout, OutsideDataError
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words

WIDEST = 1024
"""Pixels of a picture on the screen; the volume has all."""
CANDIDATES = 7
CANDIDATE_SIZE = 128
SUFFIXES = (".nxs", ".h5", ".hdf5", ".hdf", ".nx5")


@dataclass(frozen=True)
class Choices:
    """What a person decides; the recipe is made from it."""

    first_row: int = 0
    last_row: int = 0
    filter: str = "ramp"
    tiff: bool = False
    name: str = ""


@dataclass(frozen=True)
class View:
    """A picture with what its numbers mean."""

    image: Float32
    kind: str
    index: int
    unit: str
    pixel: float
    """Width of a pixel of the picture in µm; 0 where it is not known or has no length."""
    axis: float | None = None


@dataclass
class Work:
    """An open scan and the decisions about it. Not for two threads at once."""

    scan: Scan
    dataset: DatasetId | None = None
    axis: Axis | None = None
    choices: Choices = field(default_factory=Choices)
    _geometry: Geometry | None = None
    _lines: tuple[int, Float32] | None = None

    @classmethod
    def on(cls, path: Path, dataset: DatasetId | None = None) -> "Work":
        """Open a scan.

        Raises
        ------
        CtError
        """
        scan = open_scan(path)
        name = free_name(output_folder(scan.path), f"{scan.path.stem}_recon")
        return cls(scan=scan, dataset=dataset, choices=Choices(last_row=scan.rows, name=name))

    def close(self) -> None:
        """Close the scan."""
        self.scan.close()

    @property
    def middle(self) -> int:
        """The row to look at first."""
        return self.scan.rows // 2

    def lines(self, row: int) -> Float32:
        """Return a row's line integrals; the last row asked for is kept."""
        if self._lines is None or self._lines[0] != row:
            self._lines = (row, self.scan.sinogram(row))
        return self._lines[1]

    def find_axis(self, row: int) -> Axis:
        """Find the axis of rotation in a row and use it."""
        self.axis = find_axis(self.lines(row), self.scan.angles)
        return self.axis

    def use_axis(self, column: float) -> Axis:
        """Use an axis that was typed or chosen."""
        self.axis = axis_of(self.scan, column, 0)
        return self.axis

    def candidates(self, row: int) -> tuple[Float64, list[Float32]]:
        """Return axes around the present one, each with its small slice; a label is the value used."""
        middle = self._axis().column
        columns = middle + np.linspace(-1, 1, CANDIDATES) * max(1.5, self.scan.columns / 200)
        columns = np.clip(np.round(columns, 2), 0, self.scan.columns - 1)
        columns[CANDIDATES // 2] = middle
        return columns, Trials(self.lines(row), self.scan.angles, CANDIDATE_SIZE).images(columns)

    def _axis(self) -> Axis:
        if self.axis is None:
            raise AxisError(
                Words(
                    en="The axis of rotation is not known yet. Find it or type it.",
                    zh="尚未确定旋转轴。请自动查找或手动输入。",
                )
            )
        return self.axis

    def slice_view(self, row: int) -> View:
        """Reconstruct one row for the screen."""
        size = min(self.scan.columns, WIDEST)
        shape = Shape(columns=self.scan.columns, size=size, filter=self.choices.filter)
        axis = self._axis().column
        if shape.off_middle(axis) > shape.farthest:
            shape = shape.about(axis)
        if self._geometry is None or self._geometry.shape != shape:
            self._geometry = Geometry(self.scan.angles, shape)
        image = np.ascontiguousarray(self._geometry.pair(self.lines(row), None, axis).real)
        image *= per_centimetre(self.scan.pixel_size) or 1.0
        unit = "cm⁻¹" if self.scan.pixel_size else "px⁻¹"
        return View(image, "slice", row, unit, self._pixel(self.scan.columns / size), axis)

    def sinogram_view(self, row: int) -> View:
        """Show one row's line integrals, angles downwards."""
        lines = self.lines(row)
        return View(
            np.ascontiguousarray(lines[:: _step(len(lines)), :: _step(lines.shape[1])]), "sinogram", row, "", 0.0
        )

    def projection_view(self, index: int) -> View:
        """Show one projection's line integrals."""
        image = self.scan.projection(index)
        step = _step(max(image.shape))
        return View(np.ascontiguousarray(image[::step, ::step]), "projection", index, "", self._pixel(step))

    def _pixel(self, factor: float) -> float:
        return self.scan.pixel_size.value * factor if self.scan.pixel_size else 0.0

    def choose(self, **decided: object) -> None:
        """Decide something; rows are kept inside the scan."""
        chosen = replace(self.choices, **decided)  # type: ignore[arg-type]
        first = min(max(int(chosen.first_row), 0), self.scan.rows - 1)
        last = min(max(int(chosen.last_row), first + 1), self.scan.rows)
        self.choices = replace(chosen, first_row=first, last_row=last)

    @property
    def folder(self) -> Path:
        """Where the result will be."""
        return output_folder(self.scan.path) / self.choices.name

    @property
    def result_bytes(self) -> int:
        """Size of the result, TIFF included."""
        rows = self.choices.last_row - self.choices.first_row
        return rows * self.scan.columns**2 * 4 * (2 if self.choices.tiff else 1)

    def recipe(self) -> Recipe:
        """Return what the full run is to do; its name is free now."""
        chosen = self.choices
        self.choices = replace(chosen, name=free_name(output_folder(self.scan.path), chosen.name))
        folder = self.folder
        return Recipe(
            scan=self.scan.path.resolve(),
            output=folder / f"{folder.name}.h5",
            tiff=folder / "tiff" if chosen.tiff else None,
            first_row=chosen.first_row,
            last_row=chosen.last_row,
            axis=self._axis().column,
            filter=chosen.filter,
            dataset=self.dataset,
            register_result=self.dataset is not None,
        )


def _step(length: int) -> int:
    return max(1, -(-length // WIDEST))


def output_folder(scan: Path) -> Path:
    """Return where results of a scan belong: the processed data of its beamtime, else a folder in the home."""
    root = os.environ.get("BEAMTORCH_DATA_ROOT")
    if root:
        try:
            folder, _ = DataLayout(Path(root)).locate(scan)
        except OutsideDataError:
            pass
        else:
            return folder.area(Area.PROCESSED)
    return Path.home() / "reconstructions"


def free_name(folder: Path, name: str) -> str:
    """Return the name, or with the first number behind it that is not taken."""
    stem, _, number = name.rpartition("-")
    base = stem if stem and number.isdigit() else name
    tried, count = base, 1
    while (folder / tried).exists():
        count += 1
        tried = f"{base}-{count}"
    return tried


def scan_in(folder: Path) -> Path:
    """Return the file of a dataset's folder that opens as a scan, master files first.

    Raises
    ------
    CtError
        What is wrong with the likeliest file, or that there is none.
    """
    files = sorted((path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES), key=_likeliest)
    first: NotAScanError | None = None
    for path in files:
        try:
            open_scan(path).close()
        except NotAScanError as error:
            first = first or error
        else:
            return path
    raise first or NotAScanError(
        Words(
            en=f"There is no HDF5 or NeXus file in {folder}. Choose another dataset.",
            zh=f"{folder} 中没有 HDF5 或 NeXus 文件。请选择其他数据集。",
        )
    )


def _likeliest(path: Path) -> tuple[int, str]:
    return SUFFIXES.index(path.suffix.lower()), path.name
