"""Whether the files of a record lie where those of its beamtime belong."""

import os
import stat
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from beamtorch_catalogue.stores.models import Beamtime
from beamtorch_catalogue.wire import DatasetRecord
from beamtorch_facility.data_layout import Area, DataLayout, OutsideDataError
from beamtorch_facility.words import Words

_Home = tuple[str, str, Area]
Homes = Mapping[_Home | None, str]
_NO_NAMES = frozenset({"", ".", ".."})
_AREA_PARTS = 5
"""Beamline, month, ``Data``, beamtime, area."""


class Placement:
    """Answers for one batch; a folder that many files lie in is looked at once."""

    def __init__(self, layout: DataLayout) -> None:
        self._layout = layout
        self._root = os.path.realpath(layout.root)
        self._homes: dict[str, _Home | None] = {}
        self._reals: dict[str, str] = {"": ""}
        self._absent: set[str] = set()

    def homes(self, record: DatasetRecord) -> Homes:
        """Return the first file of each place that files of a record belong to."""
        found: dict[_Home | None, str] = {}
        for file in record.files:
            found.setdefault(self.home(file.path), file.path)
        return found

    def problem(self, record: DatasetRecord, beamtime: Beamtime) -> Words | None:
        """Say which file does not lie in the folder of the record's beamtime, or None."""
        return misplaced(self.homes(record), beamtime)

    def home(self, path: str) -> _Home | None:
        """Return beamline, beamtime and area that a file belongs to, links resolved; None if to none."""
        folder, _, name = path.rpartition("/")
        if name in _NO_NAMES or not path.startswith("/") or "/../" in path or "\0" in path:
            return None
        if folder not in self._homes:
            self._homes[folder] = self._locate(self._real(folder))
        if folder not in self._absent and os.path.islink(path):  # noqa: PTH114 - of text, for thousands
            return self._locate(os.path.realpath(path))
        return self._homes[folder]

    def _real(self, folder: str) -> str:
        """Return where a folder really is, looking at each folder above it once; one that is not there has no link."""
        known = self._reals.get(folder)
        if known is None:
            above, _, name = folder.rpartition("/")
            known = f"{self._real(above)}/{name}" if name else self._real(above) if above else ""
            if above in self._absent:
                self._absent.add(folder)
            elif name:
                known = self._followed(folder, known)
            self._reals[folder] = known
        return known

    def _followed(self, folder: str, known: str) -> str:
        try:
            is_link = stat.S_ISLNK(os.lstat(known).st_mode)
        except (OSError, ValueError):
            self._absent.add(folder)
            return known
        return os.path.realpath(known) if is_link else known

    def _locate(self, real: str) -> _Home | None:
        if not real.startswith(f"{self._root}/"):
            return None
        parts = tuple(real[len(self._root) + 1 :].split("/", _AREA_PARTS)[:_AREA_PARTS])
        return _home_of(self._layout, parts)


def misplaced(homes: Homes, beamtime: Beamtime) -> Words | None:
    """Say which file does not lie in the folder of a beamtime, or None."""
    for home, path in homes.items():
        if home is None or home[:2] != (beamtime.beamline, beamtime.beamtime):
            return Words(
                en=f"{path} does not lie in the folder of beamtime {beamtime.beamtime} at {beamtime.beamline}. "
                "Move it there, or name the beamtime that it belongs to.",
                zh=f"{path} 不在 {beamtime.beamline} 机时 {beamtime.beamtime} 的目录内。请移入，或改填所属机时。",
            )
    return None


@lru_cache(maxsize=50_000)
def _home_of(layout: DataLayout, parts: tuple[str, ...]) -> _Home | None:
    try:
        found, area = layout.place_of(PurePosixPath(*parts))
    except OutsideDataError:
        return None
    return found.beamline, found.beamtime, area
