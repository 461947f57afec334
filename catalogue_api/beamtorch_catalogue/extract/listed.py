"""Reading an HDF5 file by a list of paths: what it tells, and why it does not tell the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import h5py
import numpy as np

from beamtorch_catalogue.extract.fields import quantity_of, text_of, unit_of
from beamtorch_catalogue.extract.found import Unsaid, why_no_energy, with_energy
from beamtorch_catalogue.extract.moments import moment, moment_of_seconds
from beamtorch_catalogue.extract.path_lists import PathList, Places
from beamtorch_catalogue.extract.statistics import statistics_of_series
from beamtorch_catalogue.extract.tree import Tree
from beamtorch_catalogue.wire import FileValue, Statistics
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

_SHOWN, _MOST_NAMED = 60, 3
_SAME = 1e-6
"""Relative width below which a series stands still."""


@dataclass
class Listed:
    """What was found at the listed places."""

    parameters: dict[str, Quantity | str] = field(default_factory=dict)
    metadata: dict[str, FileValue] = field(default_factory=dict)
    unsaid: dict[Unsaid, Words] = field(default_factory=dict)
    sample: str | None = None
    measured_at: datetime | None = None


def read_listed(tree: Tree, paths: PathList, file: h5py.File) -> Listed:
    """Read everything that a list names."""
    found = Listed()
    found.measured_at, late = _start(tree, paths)
    found.sample, nameless = _sample(tree, paths)
    parameters: dict[str, Quantity | str] = {}
    for name, places in paths.quantities.items():
        if (value := _quantity(tree, places)) is not None:
            parameters[name] = value
    for name, places in paths.texts.items():
        if (text := _text(tree, places)) is not None:
            parameters[name] = text
    found.metadata |= _statistics(tree, paths.statistics, parameters)
    if written := text_of(file.attrs.get("file_time")):
        found.metadata["file_written"] = written
    found.parameters = with_energy(parameters | _ends(found.metadata))
    reasons: dict[Unsaid, Words | None] = {
        "start_time": late,
        "sample": nameless,
        "energy": why_no_energy(found.parameters, _names(paths.quantities.get("energy", ()))),
    }
    found.unsaid |= {name: words for name, words in reasons.items() if words is not None}
    return found


def _quantity(tree: Tree, places: Places) -> Quantity | None:
    for place in places:
        for item in tree.all(*place.parts):
            if (value := quantity_of(item, place.unit)) is not None:
                return value
    return None


def _text(tree: Tree, places: Places) -> str | None:
    return next((text for place in places for item in tree.all(*place.parts) if (text := text_of(item))), None)


def _start(tree: Tree, paths: PathList) -> tuple[datetime | None, Words | None]:
    """Return the first moment that is one, else why there is none."""
    why: Words | None = None
    for place in paths.start_time:
        for item in tree.all(*place.parts):
            text = text_of(item)
            when = moment(text, paths.time_zone) if text else _moment_of_number(item)
            if when is not None:
                return when, None
            why = why or _no_moment(place.path, text)
    return None, why or _nowhere("start time", "开始时间", paths.start_time)


def _moment_of_number(item: Any) -> datetime | None:
    seconds = quantity_of(item)
    return moment_of_seconds(seconds.value) if seconds is not None else None


def _sample(tree: Tree, paths: PathList) -> tuple[str | None, Words | None]:
    why: Words | None = None
    for place in paths.sample:
        for item in tree.all(*place.parts):
            text = text_of(item)
            if text and text not in paths.placeholders:
                return text, None
            why = why or _no_name(place.path, text)
    return None, why or _nowhere("name of a sample", "样品名称", paths.sample)


def _statistics(
    tree: Tree, named: Mapping[str, Places], parameters: Mapping[str, Quantity | str]
) -> dict[str, FileValue]:
    """Return the statistics of each series, and the value of what is none."""
    found: dict[str, FileValue] = {}
    for name, places in named.items():
        for place in places:
            value = next((v for item in tree.all(*place.parts) if (v := _file_value(item, place.unit))), None)
            if value is not None:
                found[name] = value
                break
        else:
            if name in parameters:
                found[name] = parameters[name]
    return found


def _file_value(item: Any, default_unit: str) -> Statistics | Quantity | None:
    if not isinstance(item, h5py.Dataset) or not np.issubdtype(item.dtype, np.number):
        return None
    unit = unit_of(item) or default_unit
    return statistics_of_series(item, unit) if item.size and item.size > 1 else quantity_of(item, default_unit)


def _ends(metadata: Mapping[str, FileValue]) -> dict[str, Quantity | str]:
    """Return lowest and highest value of each series that moves, so that a search by range finds it."""
    ends: dict[str, Quantity | str] = {}
    for name, value in metadata.items():
        if not isinstance(value, Statistics):
            continue
        if value.maximum - value.minimum > _SAME * max(abs(value.maximum), abs(value.minimum)):
            ends[f"{name}_min"] = Quantity(value=value.minimum, unit=value.unit)
            ends[f"{name}_max"] = Quantity(value=value.maximum, unit=value.unit)
    return ends


def _names(places: Places) -> str:
    return ", ".join([place.path for place in places[:_MOST_NAMED]] + (["…"] if len(places) > _MOST_NAMED else []))


def _nowhere(en: str, zh: str, places: Places) -> Words:
    names = _names(places)
    return Words(en=f"The file has no {en} ({names}).", zh=f"文件中没有{zh}（{names}）。")


def _no_moment(path: str, text: str | None) -> Words:
    if not text:
        return Words(en=f"“{path}” of the file is empty.", zh=f"文件的“{path}”为空。")
    return Words(
        en=f"“{path}” of the file, “{text[:_SHOWN]}”, is no moment.",
        zh=f"文件的“{path}”为“{text[:_SHOWN]}”，不是时间。",
    )


def _no_name(path: str, text: str | None) -> Words:
    if not text:
        return Words(en=f"“{path}” of the file is empty.", zh=f"文件的“{path}”为空。")
    return Words(
        en=f"“{path}” of the file is “{text[:_SHOWN]}”, which stands for no name.",
        zh=f"文件的“{path}”为“{text[:_SHOWN]}”，只是占位名称。",
    )
