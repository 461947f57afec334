"""The further files that an HDF5 file needs: external links, virtual datasets and external storage, all the way."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
from h5py import h5d, h5l, h5o

from beamtorch_catalogue.extract.found import Linked, Permitted
from beamtorch_facility.words import Words

_MOST_OBJECTS = 20_000
_MOST_FILES = 200


@dataclass
class Links:
    """What was found; `is_safe` is False if something leads to files that may not be opened."""

    linked: dict[Path, Linked] = field(default_factory=dict)
    is_safe: bool = True
    objects: int = 0


def links_of(file: h5py.File, path: Path, permitted: Permitted) -> Links:
    """Follow everything that leads out of a file, without reading any data."""
    links = Links()
    _visit(file, path, path, permitted, links)
    return links


def _visit(file: h5py.File, path: Path, main: Path, permitted: Permitted, links: Links) -> None:
    for target, inside in _targets(file, links):
        place = _place(target, path)
        if place in {path, main}:
            continue
        if not permitted(place):
            links.is_safe = False
            links.linked.setdefault(place, Linked(path=place, problem=_outside(path, place)))
        elif place not in links.linked and len(links.linked) < _MOST_FILES:
            _follow(place, inside, path, main=main, permitted=permitted, links=links)


def _follow(place: Path, inside: str | None, path: Path, *, main: Path, permitted: Permitted, links: Links) -> None:
    if not place.is_file():
        links.linked[place] = Linked(path=place, problem=_missing(path, place))
        return
    links.linked[place] = Linked(path=place)
    if inside is None:  # raw bytes beside an HDF5 file
        return
    try:
        with h5py.File(place, "r") as target:
            _visit(target, place, main, permitted, links)
    except OSError as error:
        links.linked[place] = Linked(path=place, problem=_damaged(path, place, str(error)))


def _targets(file: h5py.File, links: Links) -> Iterator[tuple[str, str | None]]:
    """Yield name and inner path of each file that something in this one refers to."""
    outwards: list[bytes] = []
    datasets: list[bytes] = []

    # HDF5 itself walks, which is several times faster than Python can; a value other than None stops it.
    def link(name: bytes, info: h5l.LinkInfo) -> bool | None:
        links.objects += 1
        if info.type == h5l.TYPE_EXTERNAL:
            outwards.append(name)
        return True if links.objects > _MOST_OBJECTS else None

    def item(name: bytes, info: h5o.ObjInfo) -> None:
        if info.type == h5o.TYPE_DATASET:
            datasets.append(name)

    if file.id.links.visit(link, info=True):
        links.is_safe = False
        return
    h5o.visit(file.id, item, info=True)
    for name in outwards:
        target, inside = file.id.links.get_val(name)
        yield os.fsdecode(target), os.fsdecode(inside)
    for name in datasets:
        yield from _sources(h5d.open(file.id, name))


def _sources(dataset: h5d.DatasetID) -> Iterator[tuple[str, str | None]]:
    how = dataset.get_create_plist()
    if how.get_layout() == h5d.VIRTUAL:
        for index in range(how.get_virtual_count()):
            if (name := how.get_virtual_filename(index)) != ".":
                yield name, how.get_virtual_dsetname(index)
    for index in range(how.get_external_count()):
        yield os.fsdecode(how.get_external(index)[0]), None


def _place(target: str, path: Path) -> Path:
    """Return where HDF5 finds it: an absolute name as it is, or without its folders, else beside the file."""
    named = Path(target)
    if not named.is_absolute():
        return path.parent / named
    beside = path.parent / named.name
    return beside if not named.exists() and beside.exists() else named


def _missing(path: Path, place: Path) -> Words:
    return Words(
        en=f"{path.name} links to {place.name}, which is not there ({place}). Copy that file beside it.",
        zh=f"{path.name} 链接的文件 {place.name} 不存在（{place}）。请将该文件复制到相应位置。",
    )


def _damaged(path: Path, place: Path, reason: str) -> Words:
    return Words(
        en=f"{path.name} links to {place.name}, which cannot be read ({reason}). Copy that file again.",
        zh=f"{path.name} 链接的文件 {place.name} 无法读取（{reason}）。请重新复制该文件。",
    )


def _outside(path: Path, place: Path) -> Words:
    return Words(
        en=f"{path.name} links to {place}, outside of its beamtime. Copy that file into the beamtime's folder.",
        zh=f"{path.name} 链接到机时目录以外的 {place}。请将该文件复制到机时目录内。",
    )
