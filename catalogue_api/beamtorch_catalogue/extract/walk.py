"""Everything small that an HDF5 file holds, beside what path lists name: slow, so done later and only if asked for.

A walk opens every object, path lists open twenty. What it finds has names of its own, ``tree/entry/…``, so that it
never hides what a path list found, and there is a bound to how much of it is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from beamtorch_catalogue.extract.fields import quantity_of, text_of, unit_of
from beamtorch_catalogue.extract.found import Permitted
from beamtorch_catalogue.extract.hdf5 import Hdf5
from beamtorch_catalogue.extract.links import links_of
from beamtorch_catalogue.extract.statistics import statistics_of_series
from beamtorch_catalogue.wire import DatasetRecord, FileValue
from beamtorch_facility.quantity import Quantity

PREFIX = "tree/"
MOST_KEYS = 300
"""Parameters of one dataset, and series of one file, that a walk may add."""
_MOST_FILES = 50
_LONGEST_NAME, _LONGEST_TEXT, _LONGEST_SERIES = 200, 200, 10_000


@dataclass
class Walk:
    """What walking through the files of one dataset found."""

    parameters: dict[str, Quantity | str] = field(default_factory=dict)
    metadata: dict[str, dict[str, FileValue]] = field(default_factory=dict)
    """Series by the path of their file."""

    def added_to(self, record: DatasetRecord) -> DatasetRecord:
        """Return a record with what was found besides."""
        files = tuple(
            file.model_copy(update={"metadata": {**self.metadata.get(file.path, {}), **file.metadata}})
            if file.path in self.metadata
            else file
            for file in record.files
        )
        return record.model_copy(update={"parameters": {**self.parameters, **record.parameters}, "files": files})


def walk(files: Iterable[Path], permitted: Permitted) -> Walk:
    """Read all scalars and short series of HDF5 files; a file that cannot be read adds nothing."""
    found = Walk()
    for path in [file for file in files if file.suffix.lower() in Hdf5.suffixes][:_MOST_FILES]:
        try:
            with h5py.File(path, "r") as file:
                if links_of(file, path, permitted).is_safe:
                    _walk(file, str(path), found)
        except (OSError, KeyError, ValueError, TypeError, RuntimeError, UnicodeError):
            continue  # the record says already what is wrong with it
    return found


def _walk(file: h5py.File, path: str, found: Walk) -> None:
    series = found.metadata.setdefault(path, {})

    # Hard links only, each object once; what links lead to elsewhere is walked where it lies.
    def item(name: str, thing: h5py.Group | h5py.Dataset) -> bool | None:
        if isinstance(thing, h5py.Dataset) and len(name) <= _LONGEST_NAME:
            _take(name, thing, found, series)
        return True if len(found.parameters) >= MOST_KEYS and len(series) >= MOST_KEYS else None

    file.visititems(item)
    if not series:
        del found.metadata[path]


def _take(name: str, thing: h5py.Dataset, found: Walk, series: dict[str, FileValue]) -> None:
    key = f"{PREFIX}{name.lower()}"
    if thing.size == 1 and len(found.parameters) < MOST_KEYS and key not in found.parameters:
        if (value := quantity_of(thing)) is not None:
            found.parameters[key] = value
        elif text := text_of(thing):
            found.parameters[key] = text[:_LONGEST_TEXT]
    elif _is_short_series(thing) and len(series) < MOST_KEYS:
        values = statistics_of_series(thing, unit_of(thing))
        if values is not None:
            series[key] = values


def _is_short_series(thing: h5py.Dataset) -> bool:
    return thing.ndim == 1 and 1 < (thing.size or 0) <= _LONGEST_SERIES and np.issubdtype(thing.dtype, np.number)
