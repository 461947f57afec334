"""Reading what files tell about themselves. One extractor per family of formats; a facility adds its own.

A facility's package names its class in the entry-point group ``beamtorch.extractors``; it then comes before ours.
"""

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from beamtorch_catalogue.extract.cbf import Cbf
from beamtorch_catalogue.extract.curve import Curve
from beamtorch_catalogue.extract.found import Extractor, Found, Permitted, Picture
from beamtorch_catalogue.extract.hdf5 import Hdf5
from beamtorch_catalogue.extract.tiff import Tiff

__all__ = ["Extractor", "Found", "Permitted", "Picture", "extractor_of", "extractors", "picture_of"]

GROUP = "beamtorch.extractors"


@cache
def extractors() -> tuple[Extractor, ...]:
    """Return all extractors, in the order in which a folder is searched for its main file."""
    theirs = tuple(point.load()() for point in sorted(entry_points(group=GROUP), key=lambda point: point.name))
    return (*theirs, Hdf5(), Cbf(), Tiff(), Curve())


def extractor_of(path: Path) -> Extractor | None:
    """Return the extractor of a file, by its name."""
    suffix = path.suffix.lower()
    return next((extractor for extractor in extractors() if suffix in extractor.suffixes), None)


def picture_of(path: Path, permitted: Permitted) -> Picture | None:
    """Return what a thumbnail of a file shows, or None for a file without one."""
    extractor = extractor_of(path)
    return None if extractor is None else extractor.picture(path, permitted)
