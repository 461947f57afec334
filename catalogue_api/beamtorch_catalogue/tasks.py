"""What is done with files in the name of the person who asks: named to the reader on its command line, and run there.

Each task runs in a process of its own that is the person to the kernel; what they may not read, it cannot read.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beamtorch_catalogue.extract import picture_of
from beamtorch_catalogue.extract.picture import draw
from beamtorch_facility.data_layout import DataLayout, OutsideDataError
from beamtorch_identity.reader.beneath import PathBelow
from beamtorch_identity.reader.child import Place
from beamtorch_identity.reader.errors import FileRefusedError, ReaderError

THUMBNAIL, READABLE = "thumbnail", "readable"
OPTIONS = tuple(f"--task={name}={__name__}:{name}" for name in (THUMBNAIL, READABLE))
"""The reader's options that make these tasks known to it."""


def thumbnail(place: Place, given: Mapping[str, Any]) -> bytes:
    """Return a PNG of the first file that has a picture, or nothing.

    Parameters
    ----------
    place
        The data.
    given
        ``files``: absolute paths; ``beamline`` and ``beamtime``: what no link in a file may leave.

    Raises
    ------
    FileRefusedError
        If there is no picture, and a file of them may not be read: with other rights there may be one.
    """
    layout = DataLayout(place.root)
    is_refused = False

    def is_inside(path: Path) -> bool:
        # Looked at again, since a link may have been put in its place.
        try:
            folder, _ = layout.locate(path)
        except (OutsideDataError, OSError, ValueError, RuntimeError):
            return False
        return (folder.beamline, folder.beamtime) == (given["beamline"], given["beamtime"])

    for path in filter(is_inside, map(Path, given["files"])):
        try:
            picture = picture_of(path, is_inside)
            if picture is not None:
                return draw(picture)
        except PermissionError:
            is_refused = True
        except Exception as error:  # noqa: BLE001 - a picture is never worth a fault; readers raise anything
            print(f"no thumbnail from {path}: {error}"[:500], file=sys.stderr)  # noqa: T201 - the reader's log
    if is_refused:
        raise FileRefusedError
    return b""


def readable(place: Place, given: Mapping[str, Any]) -> bytes:
    """Return a JSON list with an item for each of ``paths``: null if it can be read, else the code of the error."""
    return json.dumps([_trouble(place, path) for path in given["paths"]]).encode()


def _trouble(place: Place, path: str) -> str | None:
    try:
        os.close(place.open(PathBelow.parse(path)))
    except ReaderError as error:
        return error.code
    return None
