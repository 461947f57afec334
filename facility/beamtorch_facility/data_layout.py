"""Where data lie. The only code that knows; everything else asks a `DataLayout`.

``<root>/<beamline>/<YYYYMM>/Data/<beamtime id>/{raw,processed,scratch,share}``
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path, PurePath

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.proposal import BeamlineId, BeamtimeId
from beamtorch_facility.words import Words

_MONTH = re.compile(r"\d{6}")


class OutsideDataError(BeamtorchError):
    """A path that is not inside a beamtime folder."""

    code = "outside-data"
    status = 422
    title = Words(en="This path is not in a beamtime folder", zh="路径不在实验机时目录内")


class Area(StrEnum):
    """The four parts of a beamtime folder."""

    RAW = "raw"
    PROCESSED = "processed"
    SCRATCH = "scratch"
    SHARE = "share"


_AREAS = frozenset(area.value for area in Area)


@dataclass(frozen=True)
class BeamtimeFolder:
    """The folder of one beamtime."""

    beamline: BeamlineId
    beamtime: BeamtimeId
    path: Path

    def area(self, area: Area) -> Path:
        """Return the folder of one area; it need not exist."""
        return self.path / area.value


@dataclass(frozen=True)
class DataLayout:
    """The tree of beamtime folders below one root, mounted at the same path everywhere."""

    root: Path

    def folder(self, beamline: BeamlineId, beamtime: BeamtimeId, start: date) -> BeamtimeFolder:
        """Return the folder of a beamtime that starts on a day."""
        return BeamtimeFolder(beamline, beamtime, self.root / beamline / f"{start:%Y%m}" / "Data" / beamtime)

    def locate(self, path: Path) -> tuple[BeamtimeFolder, Area]:
        """Tell to which beamtime and area a path belongs, links resolved first so that none leads out.

        Raises
        ------
        OutsideDataError
            If the path lies in no area of a beamtime folder.
        """
        real = path.resolve()
        root = self.root.resolve()
        return self.place_of(real.relative_to(root) if real.is_relative_to(root) else PurePath(path))

    def place_of(self, below: PurePath) -> tuple[BeamtimeFolder, Area]:
        """Tell to which beamtime and area a path below the root belongs whose links are resolved.

        Raises
        ------
        OutsideDataError
            If the path lies in no area of a beamtime folder.
        """
        match below.parts:
            case (beamline, month, "Data", beamtime, area, *_) if _MONTH.fullmatch(month) and area in _AREAS:
                folder = self.root.resolve() / beamline / month / "Data" / beamtime
                return BeamtimeFolder(BeamlineId(beamline), BeamtimeId(beamtime), folder), Area(area)
        raise OutsideDataError(
            Words(
                en=f"{below} is not in raw, processed, scratch or share of a beamtime below {self.root}. "
                "Choose a file in a beamtime folder.",
                zh=f"{below} 不在 {self.root} 下任何机时的 raw、processed、scratch 或 share 目录中。"
                "请选择机时目录内的文件。",
            )
        )
