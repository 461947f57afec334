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
from beamtorch_catalogue.wire import DatasetState, FileRecord
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

Row = dict[str, Any]
_REMEMBERED = (
    *("name", "kind", "technique", "sample", "measured_at", "size", "file_count", "software", "state", "recipe"),
    *("problem_en", "folder"),
)
"""What the history of a dataset keeps of its old values."""


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


def file_row(number: int, position: int, file: FileRecord) -> Row:
    """Return the row of a file."""
    problem = file.problem
    details = {key: v if isinstance(v, str) else v.model_dump() for key, v in file.metadata.items()}
    return {
        "dataset": number,
        "position": position,
        "path": file.path,
        "size": file.size,
        "format": file.format,
        "xxh3": file.xxh3,
        "state": file.state.value,
        "problem_en": problem.en if problem else None,
        "problem_zh": problem.zh if problem else None,
        "hashes": json.dumps(file.hashes) if file.hashes else None,
        "details": json.dumps(details, ensure_ascii=False) if details else None,
    }


def parameter_rows(number: int, parameters: Mapping[str, Quantity | str]) -> list[Row]:
    """Return the rows of parameters; of two names that are the same to a search the last one counts."""
    named = {normal_name(name): value for name, value in parameters.items()}
    return [_parameter_row(number, name, value) for name, value in sorted(named.items()) if name]


def _parameter_row(number: int, name: str, value: Quantity | str) -> Row:
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
    return {
        "dataset": number,
        "name": name,
        "text": text,
        "value": given,
        "unit": unit,
        "dimension": dimension,
        "si": si,
    }


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
