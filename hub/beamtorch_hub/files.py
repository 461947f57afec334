"""Small files, read and written so that nobody meets a half-written one, and that a full disk is a sentence."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from beamtorch_facility.words import Words
from beamtorch_hub.errors import DiskFullError, HomeNotUsableError, SettingsUnreadableError

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextlib.contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(folder) from error
        raise HomeNotUsableError(
            Words(
                en=f"{folder} cannot be written ({error.strerror or error}). Choose another folder with --home, or "
                f"make this one yours.",
                zh=f"无法写入 {folder}（{error.strerror or error}）。请用 --home 另选文件夹，或取得该文件夹的权限。",
            )
        ) from error


def disk_full(folder: Path) -> DiskFullError:
    """Return the error that tells of a full disk."""
    return DiskFullError(
        Words(
            en=f"No space is left for {folder}. Free some, or choose a folder on another disk with --home.",
            zh=f"{folder} 所在磁盘已满。请清理空间，或用 --home 选择其他磁盘上的文件夹。",
        )
    )


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file whole or not at all."""
    with writing_in(path.parent):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    write_text(path, text, mode=0o600)


def read_text(path: Path) -> str:
    """Read a file of the platform."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "not a text file"
        raise SettingsUnreadableError(
            Words(
                en=f"{path} cannot be read ({said}). The owner of the platform's folder can; --home names another.",
                zh=f"无法读取 {path}（{said}）。只有平台文件夹的所有者可以读取；可用 --home 指定其他文件夹。",
            )
        ) from error
