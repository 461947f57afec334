"""From a record to the rows of its tables: pure, so that a thousand of them cost little."""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from beamtorch_catalogue.query import normal_name
from beamtorch_catalogue.stores.census import Kin
from beamtorch_catalogue.stores.history import Noted
from beamtorch_catalogue.stores.models import FileRow
from beamtorch_catalogue.units import unit_of_parameter
from beamtorch_catalogue.wire import DatasetState, FileRecord, FileValue
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

Row = dict[str, Any]
Values = list[Any]
"""Rows by the order of their columns, one after the other; the number of their dataset comes later (`numbered`)."""
FILE_COLUMNS = (
    *("dataset", "path", "position", "size", "format", "xxh3"),
    *("state", "problem_en", "problem_zh", "hashes", "details"),
)
PARAMETER_COLUMNS = ("dataset", "name", "text", "value", "unit", "dimension", "si")
_NO_NUMBER = 0
_REMEMBERED = (
    *("name", "kind", "technique", "sample", "measured_at", "size", "file_count", "software", "state", "recipe"),
    *("problem_en", "folder"),
)
"""What the history of a dataset keeps of its old values."""
_STATES = {state: state.value for state in DatasetState}
"""Looked up sooner than an enumeration tells its value; every file is asked for it."""


def files_lost(kind: DatasetKind, now: Iterable[str], old: Sequence[FileRow]) -> list[FileRecord]:
    """Return the raw files that a dataset had before and that are gone; processed ones may come and go."""
    if kind is not DatasetKind.RAW or not old:
        return []
    there = set(now)
    return [
        FileRecord(path=row.path, size=row.size, format=row.format, xxh3=row.xxh3, state=DatasetState.MISSING)
        for row in old
        if row.path not in there and not (row.state == DatasetState.MISSING.value and row.size == 0)
    ]


def state_of(said: DatasetState, problem: Words | None, missing: Sequence[str]) -> tuple[DatasetState, Words | None]:
    """Return whether the files of a dataset can be used, and why not."""
    if said is DatasetState.COMPLETE and missing:
        return DatasetState.MISSING, files_gone(missing)
    return said, problem


def files_gone(paths: Sequence[str]) -> Words:
    """Say which files are gone."""
    more_en, more_zh = (f" and {len(paths) - 1} more", f"等 {len(paths)} 个文件") if len(paths) > 1 else ("", "")
    return Words(
        en=f"{paths[0]}{more_en} cannot be found any more. Ask the beamline staff whether it was moved or archived.",
        zh=f"找不到 {paths[0]}{more_zh}。请询问线站人员是否已移动或归档。",
    )


def common_folder(paths: Iterable[str]) -> str:
    """Return the deepest folder that holds all files."""
    folders = {path.rpartition("/")[0] for path in paths}
    return os.path.commonpath(folders) if len(folders) > 1 else folders.pop() or "/"


def numbered(dataset: int, values: Values, width: int) -> Values:
    """Give rows of so many columns the number of their dataset, in their place."""
    values[::width] = [dataset] * (len(values) // width)
    return values


def file_values(files: Iterable[FileRecord], first: int = 0) -> Values:
    """Return the rows of files, the first of them at some position."""
    found: Values = []
    for position, file in enumerate(files, first):
        problem, hashes, metadata = file.problem, file.hashes, file.metadata
        found += (
            _NO_NUMBER,
            file.path,
            position,
            file.size,
            file.format,
            file.xxh3,
            _STATES[file.state],
            problem.en if problem else None,
            problem.zh if problem else None,
            json.dumps(hashes) if hashes else None,
            json.dumps(_plain(metadata), ensure_ascii=False) if metadata else None,
        )
    return found


def _plain(metadata: Mapping[str, FileValue]) -> dict[str, Any]:
    return {key: value if isinstance(value, str) else value.model_dump() for key, value in metadata.items()}


def parameter_values(parameters: Mapping[str, Quantity | str]) -> Values:
    """Return the rows of parameters; of two names that are the same to a search the last one counts."""
    named = {normal_name(name): value for name, value in parameters.items()}
    found: Values = []
    for name, value in sorted(named.items()):
        if name:
            found += _parameter(name, value)
    return found


def parameter_rows(number: int, values: Values) -> list[Row]:
    """Return rows of parameters by the names of their columns."""
    width = len(PARAMETER_COLUMNS)
    given = numbered(number, values, width)
    return [dict(zip(PARAMETER_COLUMNS, given[at : at + width], strict=True)) for at in range(0, len(given), width)]


def _parameter(name: str, value: Quantity | str) -> tuple[Any, ...]:
    text: str | None = None
    given: float | None = None
    unit: str | None = None
    dimension: str | None = None
    si: float | None = None
    if isinstance(value, str):
        text = value
    elif not math.isfinite(value.value):
        text = str(value)
    else:
        given, unit = value.value, value.unit
        meaning = unit_of_parameter(name, unit)
        if meaning is not None and math.isfinite(in_si := meaning.to_si(given)):
            dimension, si = meaning.dimension, in_si
    return _NO_NUMBER, name, text, given, unit, dimension, si


def census_kin(row: Mapping[str, Any]) -> Kin:
    """Return with whom a dataset is counted."""
    return Kin(
        row["beamtime"],
        row["kind"],
        row["technique"][:200],
        row["state"],
        row["listed_at"].year,
        row["released_at"],
        row["released_to"],
    )


def history_of(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> Noted:
    """Return what is to be remembered of a change: the old values of what differs."""
    if before is None:
        return Noted(subject="dataset", subject_id=row["id"], action="created", beamtime=row["beamtime"])
    differing = [name for name in _REMEMBERED if before[name] != row[name]]
    return Noted(
        subject="dataset",
        subject_id=row["id"],
        action="updated",
        version=row["version"],
        before={name: before[name] for name in differing},
        after={name: row[name] for name in differing},
        beamtime=row["beamtime"],
    )
