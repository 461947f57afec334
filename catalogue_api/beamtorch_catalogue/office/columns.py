"""From flat rows, whatever they were read from, to records; every fault is told with its place."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from beamtorch_catalogue.office.protocol import OfficeError
from beamtorch_catalogue.wire import (
    BeamtimeRecord,
    FacilityRecords,
    InstrumentRecord,
    PersonRecord,
    ProposalRecord,
    RoleRecord,
    SampleRecord,
    StationRecord,
    Wire,
)
from beamtorch_facility.proposal import BeamlineId, ProposalId
from beamtorch_facility.words import Words

_MOST_SAID = 20
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}.*")


class _Station(StationRecord):
    beamline: BeamlineId


class _Role(RoleRecord):
    proposal: ProposalId


@dataclass(frozen=True)
class Table:
    """A kind of rows: its columns, which of them may not be empty, and what makes a row one of a kind."""

    model: type[Wire]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """Columns in two languages (``name``: ``name_en``, ``name_zh``); one of both is enough."""
    optional_texts: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    within: tuple[str, str] | None = None
    """The table whose rows these belong to, and by which column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All names of columns."""
        both = (f"{text}_{language}" for text in (*self.texts, *self.optional_texts) for language in ("en", "zh"))
        return (*self.required, *both, *self.optional)


TABLES: Mapping[str, Table] = {
    "instruments": Table(InstrumentRecord, ("beamline",), ("technique",), ("name",), key=("beamline",)),
    "stations": Table(
        _Station,
        ("beamline", "station"),
        (),
        ("name",),
        key=("beamline", "station"),
        within=("instruments", "beamline"),
    ),
    "people": Table(PersonRecord, ("username",), ("orcid",), ("name",), ("affiliation",), key=("username",)),
    "proposals": Table(
        ProposalRecord,
        ("proposal", "principal_investigator"),
        ("embargo_months", "released_to"),
        ("title",),
        key=("proposal",),
    ),
    "roles": Table(
        _Role,
        ("proposal", "username", "role"),
        key=("proposal", "username", "role"),
        within=("proposals", "proposal"),
    ),
    "beamtimes": Table(
        BeamtimeRecord, ("beamtime", "proposal", "beamline", "start", "end"), ("station",), key=("beamtime",)
    ),
    "samples": Table(SampleRecord, ("sample", "proposal"), ("formula",), ("description",), key=("proposal", "sample")),
}
"""What a user office may give, in the order in which one refers to the other."""


@dataclass(frozen=True)
class Line:
    """One row: where it was found, and its cells by column; an empty one says nothing."""

    place: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """Something that cannot be taken in: where, in which column, and what to do."""

    place: str
    column: str | None
    said: Words


def assemble(lines: Mapping[str, Iterable[Line]], *, name: Words | None = None) -> FacilityRecords:
    """Return the records of all rows.

    Raises
    ------
    OfficeError
        With all faults of all rows.
    """
    faults: list[Fault] = []
    parsed = {kind: _parse(kind, lines.get(kind, ()), faults) for kind in TABLES}
    faults += _outside(parsed)
    if faults:
        raise refusal(faults)
    stations = _grouped(parsed["stations"], "beamline", StationRecord)
    roles = _grouped(parsed["roles"], "proposal", RoleRecord)
    return FacilityRecords(
        name=name,
        instruments=tuple(
            one.model_copy(update={"stations": tuple(stations[one.beamline])})
            for one in _records(parsed["instruments"])
        ),
        people=tuple(_records(parsed["people"])),
        proposals=tuple(
            one.model_copy(update={"people": tuple(roles[one.proposal])}) for one in _records(parsed["proposals"])
        ),
        beamtimes=tuple(_records(parsed["beamtimes"])),
        samples=tuple(_records(parsed["samples"])),
    )


def refusal(faults: Sequence[Fault]) -> OfficeError:
    """Return the error that tells of faults."""
    more = len(faults) - _MOST_SAID
    said = [(f"{f.place}, column {f.column}" if f.column else f.place, f) for f in faults[:_MOST_SAID]]
    said_zh = [(f"{f.place}，列 {f.column}" if f.column else f.place, f) for f in faults[:_MOST_SAID]]
    return OfficeError(
        Words(
            en="\n".join(f"{where}: {fault.said.en}" for where, fault in said)
            + (f"\nand {more} more" if more > 0 else "")
            + "\nNothing was sent. Mend this, then import again.",
            zh="\n".join(f"{where}：{fault.said.zh}" for where, fault in said_zh)
            + (f"\n另有 {more} 处" if more > 0 else "")
            + "\n未发送任何内容。请修正后重新导入。",
        ),
        faults=[{"place": f.place, "column": f.column, "said": f.said.model_dump()} for f in faults[:_MOST_SAID]],
    )


_Parsed = list[tuple[Line, Any]]


def _parse(kind: str, lines: Iterable[Line], faults: list[Fault]) -> _Parsed:
    table, parsed, places = TABLES[kind], _Parsed(), dict[tuple[str, ...], str]()
    for line in lines:
        empty = [Fault(line.place, column, _EMPTY) for column in _missing(table, line.cells)]
        if empty:
            faults += empty
            continue
        key = tuple(line.cells[column] for column in table.key)
        first = places.setdefault(key, line.place)
        if first != line.place:
            faults.append(Fault(line.place, None, _twice("/".join(key), first)))
            continue
        try:
            parsed.append((line, table.model.model_validate(_document(table, line.cells))))
        except ValidationError as error:
            faults += (Fault(line.place, _column(table, one["loc"]), _wrong(one)) for one in error.errors())
    return parsed


def _missing(table: Table, cells: Mapping[str, str]) -> Iterable[str]:
    yield from (column for column in table.required if not cells.get(column))
    for text in table.texts:
        if not (cells.get(f"{text}_en") or cells.get(f"{text}_zh")):
            yield f"{text}_en"


def _document(table: Table, cells: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        column: cells[column] for column in (*table.required, *table.optional) if cells.get(column)
    }
    if "technique" in table.optional:
        document.setdefault("technique", "")
    for day in {"start", "end"} & document.keys():
        document[day] = _MOMENT.sub(r"\1", document[day])
    for text in (*table.texts, *table.optional_texts):
        en, zh = cells.get(f"{text}_en"), cells.get(f"{text}_zh")
        if en or zh:
            document[text] = {"en": en or zh, "zh": zh or en}
    return document


def _outside(parsed: Mapping[str, _Parsed]) -> Iterable[Fault]:
    """Find stations without their beamline, and roles without their proposal."""
    for kind, table in TABLES.items():
        if table.within is None:
            continue
        other, column = table.within
        known = {getattr(record, column) for _, record in parsed[other]}
        for line, record in parsed[kind]:
            if getattr(record, column) not in known:
                yield Fault(line.place, column, _nowhere(str(getattr(record, column)), other))


def _records(parsed: _Parsed) -> Iterable[Any]:
    return (record for _, record in parsed)


def _grouped(parsed: _Parsed, column: str, plain: type[Wire]) -> Mapping[str, list[Wire]]:
    grouped = defaultdict[str, list[Wire]](list)
    for _, record in parsed:
        grouped[getattr(record, column)].append(plain.model_validate(record.model_dump(exclude={column})))
    return grouped


def _column(table: Table, place: Sequence[int | str]) -> str | None:
    name = str(place[0]) if place else None
    return f"{name}_{place[1]}" if name in (*table.texts, *table.optional_texts) and len(place) > 1 else name


_EMPTY = Words(en="is empty, and may not be. Fill it in", zh="不能为空，请填写")


def _wrong(error: Any) -> Words:
    given = str(error.get("input", ""))
    shown = given if len(given) <= 60 else given[:57] + "…"  # noqa: PLR2004 - fits one line
    message = str(error["msg"]).removeprefix("Value error, ")
    return Words(en=f"“{shown}”: {message}", zh=f"“{shown}”无效：{message}")


def _twice(name: str, first: str) -> Words:
    return Words(
        en=f"{name} is there twice, first at {first}. Keep one of both",
        zh=f"{name} 重复，首次出现于 {first}。请保留其一",
    )


def _nowhere(name: str, other: str) -> Words:
    return Words(
        en=f"{name} is not among the {other}. Add it there, or leave this row out",
        zh=f"{name} 不在 {other} 中。请在其中添加，或删除本行",
    )
