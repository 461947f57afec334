"""The further files that an HDF5 file needs: external links, virtual datasets and external storage, all the way."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py

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
    seen: set[int] = set()
    waiting: list[h5py.Group] = [file]
    while waiting:
        group = waiting.pop()
        for name in group:
            links.objects += 1
            if links.objects > _MOST_OBJECTS:
                links.is_safe = False
                return
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                yield link.filename, link.path
            elif isinstance(link, h5py.HardLink):
                item = group[name]
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    continue
                seen.add(address)
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                elif isinstance(item, h5py.Dataset):
                    yield from _sources(item)


def _sources(dataset: h5py.Dataset) -> Iterator[tuple[str, str | None]]:
    if dataset.is_virtual:
        for source in dataset.virtual_sources():
            if source.file_name != ".":
                yield source.file_name, source.dset_name
    for name, *_ in dataset.external or ():
        yield name, None


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
