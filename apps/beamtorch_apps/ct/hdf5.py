"""HDF5 as a scan needs it: opening with a reason when it fails, and links whose files may be gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from beamtorch_apps.ct.errors import LinkedFileMissingError, NotAScanError, ScanMissingError, TruncatedError
from beamtorch_facility.words import Words

DEEPEST = 8
"""Levels to look through; a scan's data lie higher, and links can make circles."""


def open_file(path: Path) -> h5py.File:
    """Open an HDF5 file to read, without locks that a facility's file system may refuse.

    Raises
    ------
    ScanMissingError
        If there is no file, or it may not be read.
    TruncatedError
        If the file ends before its content does.
    NotAScanError
        If it is not HDF5.
    """
    if not path.exists():
        raise ScanMissingError(
            Words(
                en=f"{path} does not exist. Check the name, or whether the file was moved to the archive.",
                zh=f"{path} 不存在。请检查文件名，或确认文件是否已移入归档。",
            )
        )
    if path.is_dir():
        raise NotAScanError(
            Words(
                en=f"{path} is a folder. Choose the .h5 or .nxs file of the scan in it.",
                zh=f"{path} 是文件夹。请选择其中的 .h5 或 .nxs 扫描文件。",
            )
        )
    try:
        return h5py.File(path, "r", locking=False)
    except PermissionError as error:
        raise ScanMissingError(
            Words(
                en=f"You may not read {path}. Ask the owner of the data.",
                zh=f"您没有读取 {path} 的权限，请联系数据所有者。",
            )
        ) from error
    except OSError as error:
        raise _why(path, str(error)) from error


def _why(path: Path, reason: str) -> NotAScanError | TruncatedError:
    if "truncated" in reason or path.stat().st_size == 0:
        return TruncatedError(
            Words(
                en=f"{path} ends early, after {path.stat().st_size:,} bytes. It was not written or copied to its end; "
                "copy it again from where it was measured.",
                zh=f"{path} 不完整，只有 {path.stat().st_size:,} 字节，写入或复制未完成。请从测量处重新复制。",
            )
        )
    return NotAScanError(
        Words(
            en=f"{path} is not an HDF5 file, so not a scan that can be read here. "
            "Choose a Data Exchange (.h5) or NXtomo (.nxs) file.",
            zh=f"{path} 不是 HDF5 文件，无法作为扫描读取。请选择 Data Exchange（.h5）或 NXtomo（.nxs）文件。",
        )
    )


@dataclass(frozen=True)
class Missing:
    """A file that a link or a virtual dataset of a scan points to, and that is not there."""

    place: str
    """Path of the link inside the scan."""
    file: Path


def missing_error(path: Path, missing: list[Missing]) -> LinkedFileMissingError:
    """Return an error that names each missing file."""
    files = list(dict.fromkeys(str(item.file) for item in missing))
    named = ", ".join(files)
    return LinkedFileMissingError(
        Words(
            en=f"{path.name} links to image data in {named}, which {'is' if len(files) == 1 else 'are'} not there. "
            f"Copy {'it' if len(files) == 1 else 'them'} to that place, beside the scan as it was measured.",
            zh=f"{path.name} 的图像数据链接到 {'、'.join(files)}，但文件不存在。"
            "请将缺少的文件按测量时的目录结构复制到该位置。",
        ),
        missing=files,
    )


def resolve(group: h5py.Group, name: str) -> tuple[Any, Missing | None]:
    """Follow a link, or name the file that it would need; both none where there is no such link."""
    link = group.get(name, getlink=True)
    if link is None:
        return None, None
    if isinstance(link, h5py.ExternalLink):
        target = Path(group.file.filename).parent / link.filename
        if not target.is_file():
            return None, Missing(place=f"{group.name.rstrip('/')}/{name}", file=target)
    try:
        item = group[name]
    except (KeyError, OSError):
        return None, None
    if isinstance(item, h5py.Dataset) and item.is_virtual:
        here = Path(item.file.filename)
        for source in item.virtual_sources():
            file = here if source.file_name == "." else here.parent / source.file_name
            # A virtual dataset without its source reads as zeros, which no one would notice.
            if not file.is_file():
                return None, Missing(place=item.name, file=file)
    return item, None


def walk(group: h5py.Group, depth: int = 0) -> Iterator[h5py.Group]:
    """Give a group and the groups below it that are stored in it, nearest first in each branch."""
    yield group
    if depth >= DEEPEST:
        return
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.HardLink) and group.get(name, getclass=True) is h5py.Group:
            yield from walk(group[name], depth + 1)


def missing_links(file: h5py.File) -> list[Missing]:
    """List all links to files that are not there."""
    found: dict[Path, Missing] = {}
    for group in walk(file):
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                _, missing = resolve(group, name)
                if missing is not None:
                    found.setdefault(missing.file, missing)
    return list(found.values())


def text(item: Any) -> str:
    """Return an attribute or a scalar dataset as text; empty where it is something else."""
    value = item[()] if isinstance(item, h5py.Dataset) else item
    value = value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def scalar(group: h5py.Group, *paths: str) -> tuple[float, str] | None:
    """Return the first of some numbers that is there, with its unit."""
    for path in paths:
        item = group.get(path)
        if isinstance(item, h5py.Dataset) and item.size == 1 and item.dtype.kind in "fiu":
            return float(item[()].item() if item.shape else item[()]), text(item.attrs.get("units", ""))
    return None
