"""Which beamtimes have folders with a record below a data root."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from beamtorch_facility.data_layout import BeamtimeFolder, DataLayout
from beamtorch_facility.proposal import BeamlineId, BeamtimeId
from beamtorch_identity.acl.attributes import translated
from beamtorch_identity.acl.errors import VanishedError
from beamtorch_identity.beamtimes.errors import NoSuchBeamtimeError
from beamtorch_identity.beamtimes.record import NAME, BeamtimeRecord, read_record

_MONTH = re.compile(r"\d{6}")


def recorded(layout: DataLayout) -> Iterator[BeamtimeFolder]:
    """Give the folders of all beamtimes that have a record, by name.

    Raises
    ------
    NotPermittedError, VanishedError
        If the root cannot be read.
    """
    for beamline in _folders(layout.root):
        if not BeamlineId.fits(beamline.name):
            continue
        for month in _folders(beamline):
            data = month / "Data"
            if not _MONTH.fullmatch(month.name) or not data.is_dir() or data.is_symlink():
                continue
            for folder in _folders(data):
                if BeamtimeId.fits(folder.name) and os.path.lexists(folder / NAME):
                    yield BeamtimeFolder(BeamlineId(beamline.name), BeamtimeId(folder.name), folder)


def _folders(place: Path) -> list[Path]:
    with translated(place), os.scandir(place) as found:
        return sorted(place / entry.name for entry in found if entry.is_dir(follow_symlinks=False))


def find(layout: DataLayout, name: str) -> BeamtimeFolder:
    """Return the folder of a beamtime by its number, or by its beamline and number (``BL-B7/BT-26-0417``).

    Raises
    ------
    NoSuchBeamtimeError
        If there is none, or several beamlines have one of that number.
    """
    beamline, _, beamtime = name.rpartition("/")
    found = [
        folder
        for folder in recorded(layout)
        if folder.beamtime == beamtime and (not beamline or folder.beamline == beamline)
    ]
    if len(found) != 1:
        raise NoSuchBeamtimeError.of(name, layout.root, len(found))
    return found[0]


def record_at(path: Path) -> BeamtimeRecord | None:
    """Return the record in a folder, None if there is none; errors as of `read_record`."""
    try:
        with translated(path):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except VanishedError:
        return None
    try:
        return read_record(descriptor, path)
    finally:
        os.close(descriptor)
