"""HDF5 files: opened once, checked for what is missing, then read as Data Exchange or NeXus."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import h5py

from beamtorch_catalogue.extract import data_exchange, nexus
from beamtorch_catalogue.extract.fields import middle_frame
from beamtorch_catalogue.extract.found import Found, Linked, Permitted, Picture, truncated, unreadable
from beamtorch_catalogue.extract.links import links_of
from beamtorch_catalogue.extract.path_lists import BeamlinePaths
from beamtorch_facility.words import Words

_EOF = re.compile(r"truncated file: eof = (\d+).*?stored_eof = (\d+)")
_MOST_NAMED = 3
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class Hdf5:
    """Data Exchange, NXtomo and NeXus in general."""

    suffixes = frozenset({".nxs", ".h5", ".hdf5", ".hdf", ".nx5"})
    is_series = False

    def read(self, files: list[Path], permitted: Permitted, paths: BeamlinePaths) -> Found:
        """Read the main file and look after everything that it links to."""
        path = files[0]
        try:
            with h5py.File(path, "r") as file:
                return self._read(file, path, permitted, paths)
        except OSError as error:
            return Found(format="HDF5", problem=damage(path, error))
        except (KeyError, ValueError, TypeError, RuntimeError, UnicodeError) as error:
            return Found(format="HDF5", problem=unreadable(path, str(error), "HDF5"))

    @staticmethod
    def _read(file: h5py.File, path: Path, permitted: Permitted, paths: BeamlinePaths) -> Found:
        links = links_of(file, path, permitted)
        linked = tuple(links.linked.values())
        if not links.is_safe:
            # What lies behind such a link is not ours to read, not even a name.
            return Found(format="HDF5", linked=linked, problem=_first_problem(linked) or _too_many(path))
        if "exchange" in file:
            found = data_exchange.read(file, path, paths.data_exchange)
        else:
            found = nexus.read(file, path, paths.nexus)
        return replace(found, linked=linked, problem=_first_problem(linked) or found.problem)

    def picture(self, path: Path, permitted: Permitted) -> Picture | None:
        """Return the middle projection or image, or the curve that the file wants to be seen."""
        with h5py.File(path, "r") as file:
            if not links_of(file, path, permitted).is_safe:
                return None
            dataset, keep = (data_exchange if "exchange" in file else nexus).signal(file)
            return None if dataset is None else middle_frame(dataset, keep)


def damage(path: Path, error: OSError) -> Words:
    """Say why a file cannot be opened as HDF5."""
    ends = _EOF.search(str(error))
    if ends:
        return truncated(path, int(ends[1]), int(ends[2]))
    try:
        with path.open("rb") as file:
            is_hdf5 = file.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError as unopened:
        return unreadable(path, unopened.strerror or str(unopened), "HDF5")
    return unreadable(path, "its structure is damaged" if is_hdf5 else "it is another kind of file", "HDF5")


def _first_problem(linked: Iterable[Linked]) -> Words | None:
    """Say what is wrong with the linked files: the first in full, the others by name."""
    wrong = [(item.path.name, item.problem) for item in linked if item.problem is not None]
    if not wrong:
        return None
    (_, first), *others = wrong
    if not others:
        return first
    names = [name for name, _ in others[:_MOST_NAMED]] + (["…"] if len(others) > _MOST_NAMED else [])
    return Words(
        en=f"{first.en} The same goes for {', '.join(names)}.", zh=f"{first.zh}同样的还有 {'、'.join(names)}。"
    )


def _too_many(path: Path) -> Words:
    return Words(
        en=f"{path.name} has too many objects to check its links. Ask the facility for a reader of its own.",
        zh=f"{path.name} 中对象过多，无法检查链接。请联系设施人员使用专用读取器编目。",
    )
