"""What an import would change: its records beside those that the catalogue has. Reads, and writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.office.errors import RecordsRefusedError
from beamtorch_catalogue.services.office.kinds import (
    BEAMTIMES,
    FOLDED,
    INSTRUMENTS,
    KINDS,
    PEOPLE,
    PROPOSALS,
    ROLES,
    SAMPLES,
    STATIONS,
    Kind,
    Row,
)
from beamtorch_catalogue.wire import FacilityRecords, FacilityReport, KindReport, Renewed
from beamtorch_facility.words import Words

_MOST_NAMES = 100
Key = tuple[str, ...]


@dataclass(frozen=True)
class Update:
    """One record with other values than the catalogue's."""

    row: Row
    before: Row
    """The values that are replaced, without those that follow from others."""
    after: Row


@dataclass(frozen=True)
class Difference:
    """What becomes of the records of one kind."""

    kind: Kind
    created: list[Row]
    updated: list[Update]
    refolded: list[Row]
    """Alike in all but what follows from others; written, but no change to anybody."""
    unchanged: int
    absent: list[str]
    """Those that only the catalogue has."""

    def changed(self, *fields: str) -> Iterator[Update]:
        """Return the updates of some fields."""
        return (update for update in self.updated if not update.after.keys().isdisjoint(fields))

    def report(self) -> KindReport:
        """Return it as callers see it."""
        kind = self.kind
        return KindReport(
            created=len(self.created),
            updated=len(self.updated),
            unchanged=self.unchanged,
            absent=len(self.absent),
            created_names=tuple(_name(kind, row) for row in self.created[:_MOST_NAMES]),
            updated_names=tuple(
                Renewed(name=_name(kind, update.row), fields=tuple(sorted(update.after)))
                for update in self.updated[:_MOST_NAMES]
            ),
            absent_names=tuple(sorted(self.absent)[:_MOST_NAMES]),
        )


Differences = Mapping[str, Difference]


def compare(session: Session, records: FacilityRecords) -> Differences:
    """Return what would change, by kind.

    Raises
    ------
    RecordsRefusedError
        If records contradict each other, or refer to something that is in neither place; it names them.
    """
    problems: list[Words] = []
    given = {kind.name: _by_key(kind, records, problems) for kind in KINDS}
    known = {kind.name: _known(session, kind) for kind in KINDS}
    problems += _unknown(given, known)
    problems += _backwards(given[BEAMTIMES.name])
    if problems:
        raise RecordsRefusedError(problems)
    return {kind.name: _difference(kind, given[kind.name], known[kind.name]) for kind in KINDS}


def report(differences: Differences, *, is_rehearsal: bool) -> FacilityReport:
    """Return what was or would be done, as callers see it."""
    kinds = {name: difference.report() for name, difference in differences.items()}
    return FacilityReport(is_rehearsal=is_rehearsal, **kinds)


def _by_key(kind: Kind, records: FacilityRecords, problems: list[Words]) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for row in kind.rows(records):
        if found.setdefault(kind.key_of(row), row) != row:
            name = _name(kind, row)
            problems.append(
                Words(
                    en=f"{kind.said.en} {name} is there twice, with different values",
                    zh=f"{kind.said.zh} {name} 出现两次且内容不同",
                )
            )
    return found


def _known(session: Session, kind: Kind) -> dict[Key, Row]:
    columns = [column for column in inspect(kind.table).columns if column.name != "number" or "number" in kind.key]
    rows = map(dict, session.execute(select(*columns)).mappings())
    return {kind.key_of(row): row for row in rows}


_REFERENCES = (
    (STATIONS, ("beamline",), INSTRUMENTS),
    (ROLES, ("proposal",), PROPOSALS),
    (ROLES, ("username",), PEOPLE),
    (BEAMTIMES, ("proposal",), PROPOSALS),
    (BEAMTIMES, ("beamline",), INSTRUMENTS),
    (BEAMTIMES, ("beamline", "station"), STATIONS),
    (SAMPLES, ("proposal",), PROPOSALS),
)


def _unknown(given: Mapping[str, dict[Key, Row]], known: Mapping[str, dict[Key, Row]]) -> Iterator[Words]:
    for kind, fields, other in _REFERENCES:
        for row in given[kind.name].values():
            wanted = tuple(row[field] for field in fields)
            if None in wanted or wanted in given[other.name] or wanted in known[other.name]:
                continue
            name, missing = _name(kind, row), "/".join(wanted)
            yield Words(
                en=f"{kind.said.en} {name} refers to {other.said.en} {missing}, which is neither in these records nor "
                "in the catalogue",
                zh=f"{kind.said.zh} {name} 引用的{other.said.zh} {missing} 既不在导入信息中，也不在数据目录中",
            )


def _backwards(beamtimes: Mapping[Key, Row]) -> Iterator[Words]:
    for row in beamtimes.values():
        if row["end"] < row["start"]:
            yield Words(
                en=f"beamtime {row['beamtime']} ends on {row['end']}, before it starts on {row['start']}",
                zh=f"机时 {row['beamtime']} 的结束日期 {row['end']} 早于开始日期 {row['start']}",
            )


def _difference(kind: Kind, given: Mapping[Key, Row], known: Mapping[Key, Row]) -> Difference:
    created, updated, refolded, unchanged = list[Row](), list[Update](), list[Row](), 0
    for key, said in sorted(given.items()):
        old = known.get(key)
        if old is None:
            created.append(said)
            continue
        row = said | {name: old[name] for name in kind.kept if said[name] is None}
        after = {name: value for name, value in row.items() if value != old[name] and name != FOLDED}
        if after:
            updated.append(Update(row, {name: old[name] for name in after}, after))
            continue
        unchanged += 1
        if row != old:
            refolded.append(row)
    absent = [_name(kind, row) for key, row in known.items() if key not in given and not _is_of_files(kind, row)]
    # A name of the facility that is not given is left as it is, not missed.
    return Difference(kind, created, updated, refolded, unchanged, [] if kind.name == "facility" else absent)


def _is_of_files(kind: Kind, row: Row) -> bool:
    """Tell whether only a file ever named it, so that no user office can miss it."""
    return kind is SAMPLES and row["description_en"] is None


def _name(kind: Kind, row: Row) -> str:
    return "/".join(map(str, kind.key_of(row)))
