"""Folders that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beamtorch_hub.files import writing_in


@contextmanager
def placing_folder(folder: Path, mode: int = 0o755) -> Iterator[Path]:
    """Give a folder to fill; it gets its final name when the block ends well, and what an interrupt left is dropped."""
    part = folder.with_name(f".{folder.name}.part")
    with writing_in(folder.parent):
        if part.exists():
            shutil.rmtree(part)
        part.mkdir(mode=mode, parents=True)
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                _settle(file)
        part.rename(folder)


def _settle(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
