"""What is to be done with a scan, complete enough to do it again: the recipe of a reconstruction."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from beamtorch_apps.ct.errors import RowsError
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words


class Recipe(BaseModel):
    """One reconstruction. Saved as JSON, it can be run again by `python -m beamtorch_apps.ct.job FILE`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scan: Path = Field(description="the file of the scan")
    output: Path = Field(description="the HDF5 file to write (NXtomoproc)")
    tiff: Path | None = Field(
        default=None, description="TIFF as well: a folder for a series, a .tif file for one stack"
    )
    first_row: int = Field(default=0, ge=0)
    last_row: int | None = Field(default=None, ge=1, description="exclusive; none: to the end")
    axis: float | None = Field(default=None, description="column of the axis of rotation; none: find it")
    filter: Literal["ramp", "shepp-logan", "hann"] = "ramp"
    workers: Annotated[int, Field(ge=1)] | None = Field(default=None, description="threads; none: one for each core")
    overwrite: bool = False
    dataset: DatasetId | None = Field(default=None, description="the scan's dataset in the catalogue")
    register_result: bool = Field(default=False, description="enter the result in the catalogue")
    command: str = Field(default="", description="the command line that asked for it, if one did")

    def rows_of(self, rows: int) -> range:
        """Return the rows of a scan that the recipe asks for.

        Raises
        ------
        RowsError
            If the scan does not have them.
        """
        last = rows if self.last_row is None else self.last_row
        if not 0 <= self.first_row < last <= rows:
            raise RowsError(
                Words(
                    en=f"Rows {self.first_row}:{last} are not in the scan, which has rows 0:{rows}. "
                    "Choose rows among these.",
                    zh=f"扫描的行范围是 0:{rows}，不含 {self.first_row}:{last}。请在此范围内选择。",
                )
            )
        return range(self.first_row, last)
