"""Taking records in: compared first, then written in one transaction with a note of each change."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from beamtorch_catalogue.formula import elements
from beamtorch_catalogue.services.office.comparing import Difference, Differences
from beamtorch_catalogue.services.office.kinds import BEAMTIMES, FOLDED, KINDS, SAMPLES, Kind, Row
from beamtorch_catalogue.stores.history import Noted
from beamtorch_catalogue.stores.models import Sample, SampleElement

_TURN = 815066
"""The advisory lock of PostgreSQL that lets one import compare and write at a time."""
_CHUNK = 500


def take_turn(session: Session) -> None:
    """Wait until no other import is under way; SQLite has one writer at a time anyhow."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def write(session: Session, differences: Differences) -> None:
    """Write what is new or other, in the order of references."""
    for kind in KINDS:
        found = differences[kind.name]
        put(session, kind, [*found.created, *(update.row for update in found.updated), *found.refolded])
    samples = differences[SAMPLES.name]
    _put_elements(session, [*samples.created, *(update.row for update in samples.changed("formula"))])


def notes(differences: Differences) -> Iterator[Noted]:
    """Return what the history says of an import."""
    for kind in KINDS:
        found = differences[kind.name]
        for row in found.created:
            values = {name: value for name, value in row.items() if name != FOLDED}
            yield _noted(found, row, "created", None, values)
        for update in found.updated:
            yield _noted(found, update.row, "updated", update.before, update.after)


def put(session: Session, kind: Kind, rows: Sequence[Row]) -> None:
    """Insert rows or replace their values.

    An ingest may make a sample between our look and our writing; then its values are replaced, too.
    """
    if not rows:
        return
    own = insert_postgresql if session.get_bind().dialect.name == "postgresql" else insert_sqlite
    statement = own(kind.table)
    values = {name: statement.excluded[name] for name in rows[0] if name not in kind.key}
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        if values:
            session.execute(statement.on_conflict_do_update(index_elements=kind.key, set_=values), some)
        else:
            session.execute(statement.on_conflict_do_nothing(index_elements=kind.key), some)


def _put_elements(session: Session, samples: Iterable[Row]) -> None:
    """Set the elements of samples whose formula is new."""
    formulas = {(row["proposal"], row["name"]): row["formula"] for row in samples}
    proposals = sorted({proposal for proposal, _ in formulas})
    for start in range(0, len(proposals), _CHUNK):
        of_some = Sample.proposal.in_(proposals[start : start + _CHUNK])
        rows = session.execute(select(Sample.number, Sample.proposal, Sample.name).where(of_some)).all()
        found = {row.number: formulas[row.proposal, row.name] for row in rows if (row.proposal, row.name) in formulas}
        _replace_elements(session, found)


def _replace_elements(session: Session, formulas: dict[int, str | None]) -> None:
    numbers = sorted(formulas)
    for start in range(0, len(numbers), _CHUNK):
        session.execute(delete(SampleElement).where(SampleElement.sample.in_(numbers[start : start + _CHUNK])))
    rows = [
        {"sample": number, "element": element}
        for number in numbers
        for element in sorted(elements(formulas[number] or ""))
    ]
    if rows:
        session.execute(insert(SampleElement), rows)


def _noted(found: Difference, row: Row, action: str, before: Row | None, after: Row | None) -> Noted:
    kind = found.kind
    return Noted(
        subject=kind.subject,
        subject_id=kind.subject_id(row),
        action=action,
        before=before,
        after=after,
        beamtime=row["beamtime"] if kind is BEAMTIMES else None,
    )
