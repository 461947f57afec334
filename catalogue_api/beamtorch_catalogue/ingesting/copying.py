"""Copying data from anywhere into the ``raw`` folder of a beamtime, which says who may read them.

Each measurement gets a folder of its own: a file, a series of images, a file with the ones that it links to, or a
folder that has a ``dataset.yaml``. Nothing that is there is ever replaced, and a copy has its name once it is whole.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import xxhash

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.extract import extractor_of
from beamtorch_catalogue.extract.folder import NothingThereError, data_files, groups, series_name
from beamtorch_catalogue.extract.hdf5 import Hdf5
from beamtorch_catalogue.extract.links import links_of
from beamtorch_catalogue.extract.sidecar import NAME
from beamtorch_catalogue.ingesting.report import IngestReport, Told
from beamtorch_facility.data_layout import Area, BeamtimeFolder, DataLayout
from beamtorch_facility.words import Words

_PIECE = 1 << 20
_PART = ".part"


class NoBeamtimeFolderError(CatalogueError):
    """A beamtime that the catalogue does not know, or that has no folder yet."""

    code = "no-beamtime-folder"
    exit_code = 2
    title = Words(en="There is no folder of this beamtime", zh="没有该机时的目录")


@dataclass(frozen=True)
class _Measurement:
    """Files that belong together, and the folder from which their places are counted."""

    name: str
    base: Path
    files: tuple[Path, ...]


def beamtime_folder(client: CatalogueClient, layout: DataLayout, beamtime: str) -> BeamtimeFolder:
    """Return the folder of a beamtime that exists, since whoever made it has set who may read there.

    Raises
    ------
    NoBeamtimeFolderError
        If there is none; the error says how it is made.
    """
    known = next((one for one in client.beamtimes() if one.beamtime == beamtime), None)
    if known is None:
        raise NoBeamtimeFolderError(
            Words(
                en=f"The catalogue knows no beamtime {beamtime}. Import it first: beamtorch catalogue import --help",
                zh=f"数据目录中没有机时 {beamtime}。请先导入：beamtorch catalogue import --help",
            )
        )
    folder = layout.folder(known.beamline, known.beamtime, known.start)
    if not folder.path.is_dir():
        make = f"{known.beamline} {known.beamtime} --proposal {known.proposal} --start {known.start}"
        raise NoBeamtimeFolderError(
            Words(
                en=f"The folder {folder.path} does not exist. Make it, with its access lists: "
                f"beamtorch beamtime create {make}",
                zh=f"目录 {folder.path} 不存在。请创建并设置访问权限：beamtorch beamtime create {make}",
            )
        )
    return folder


def copy_in(paths: Iterable[Path], folder: BeamtimeFolder, report: IngestReport) -> list[Path]:
    """Copy measurements into the ``raw`` folder of a beamtime and return their new places.

    The same again copies nothing. A file whose name is taken by other data is told in the report and left alone.

    Raises
    ------
    NothingThereError
        If a path does not exist.
    """
    raw = folder.area(Area.RAW)
    raw.mkdir(exist_ok=True)
    places: dict[Path, None] = {}
    taken: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise NothingThereError(
                Words(en=f"{path} does not exist. Check the path.", zh=f"{path} 不存在。请检查路径。")
            )
        for measurement in _measurements(path.resolve(), report):
            name = measurement.name
            if taken.setdefault(name, measurement.base) != measurement.base:
                name = f"{measurement.base.name}_{name}"  # the same name in two folders
            if _copy(measurement, raw / name, report):
                places[raw / name] = None
    return list(places)


def _measurements(path: Path, report: IngestReport) -> Iterator[_Measurement]:
    """Find what belongs together at a path."""
    claimed: set[Path] = set()
    if path.is_file():
        yield from _loose([path], path.parent, claimed, report)
        return
    for place, folders, names in os.walk(path):
        here = Path(place)
        if NAME in names:
            folders.clear()
            yield _Measurement(here.name, here, (*data_files(here), here / NAME))
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from _loose(sorted(here / name for name in names), here, claimed, report)


def _loose(files: list[Path], here: Path, claimed: set[Path], report: IngestReport) -> Iterator[_Measurement]:
    """Find what belongs together in one folder; what a file links to is claimed by it."""
    known = [path for path in files if extractor_of(path) is not None and path.stat().st_size]
    report.left += [str(path) for path in files if path not in known and not path.name.startswith(".")]
    needed = {path: _linked(path, here) for path in known if path.suffix.lower() in Hdf5.suffixes}
    claimed.update(linked for own in needed.values() for linked in own)
    for group in groups([path for path in known if path not in claimed]):
        name = group[0].stem if len(group) == 1 else series_name(group[0])
        yield _Measurement(name, here, (*group, *needed.get(group[0], ())))


def _linked(path: Path, here: Path) -> tuple[Path, ...]:
    """Return the files below a folder that a file links to, all the way."""
    try:
        with h5py.File(path, "r") as file:
            links = links_of(file, path, lambda place: place.resolve().is_relative_to(here))
    except (OSError, RuntimeError, KeyError, ValueError):
        return ()  # it is catalogued as broken
    return tuple(sorted(p for p in links.linked if p.is_file() and p.is_relative_to(here)))


def _copy(measurement: _Measurement, target: Path, report: IngestReport) -> bool:
    """Copy the files of a measurement; tell whether it is there in the end."""
    for file in measurement.files:
        place = target / file.relative_to(measurement.base)
        try:
            problem = _copy_file(file, place, report)
        except OSError as error:
            reason = error.strerror or str(error)
            problem = Words(
                en=f"It could not be copied to {place}: {reason}. What is not whole has the ending {_PART}.",
                zh=f"无法复制到 {place}：{reason}。不完整的文件以 {_PART} 结尾。",
            )
        if problem is not None:
            report.unreadable.append(Told(name=str(file), problem=problem))
            return False
    return True


def _copy_file(source: Path, target: Path, report: IngestReport) -> Words | None:
    """Copy one file under a name that nobody has; say why not if that is impossible."""
    if target.exists():
        if _same(source, target):
            report.there += 1
            return None
        return _taken(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + _PART)
    before = source.stat()
    with source.open("rb") as read, part.open("wb") as written:
        shutil.copyfileobj(read, written, _PIECE)
        written.flush()
        os.fsync(written.fileno())
    after = source.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        part.unlink()
        return Words(
            en="It changed while it was copied. Ingest again when it is complete.",
            zh="复制时文件发生了变化。请待其完整后重新采集。",
        )
    os.utime(part, ns=(after.st_atime_ns, after.st_mtime_ns))
    try:
        # A rename would replace what somebody else has put there in the meantime.
        os.link(part, target)
    except FileExistsError:
        return None if _same(source, target) else _taken(target)
    finally:
        part.unlink()
    report.copied += 1
    return None


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and _digest(one) == _digest(other)


def _digest(path: Path) -> bytes:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return bytes(digest.digest())


def _taken(target: Path) -> Words:
    return Words(
        en=f"{target} is there already, with other content. Rename one of them, then ingest again.",
        zh=f"{target} 已存在且内容不同。请重命名其中之一，然后重新采集。",
    )
