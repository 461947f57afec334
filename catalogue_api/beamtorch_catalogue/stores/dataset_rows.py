"""Writing many datasets at once: rows as plain mappings, one statement for each table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, text, tuple_, update
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.models import Base, DatasetRow, DocumentRow, FileRow, ParameterRow, Parentage, Sample
from beamtorch_catalogue.stores.rows import Values, insert_rows, insert_values

_CHUNK = 500
"""SQLite takes at most 32766 values in one statement."""
_DATASET, _FILE, _PARAMETER = (Base.metadata.tables[name] for name in ("dataset", "file", "parameter"))


def take_numbers(session: Session, count: int) -> Sequence[int]:
    """Return numbers for new datasets; nobody else gets them."""
    if session.get_bind().dialect.name == "postgresql":
        taken = text("SELECT nextval(pg_get_serial_sequence('dataset', 'number')) FROM generate_series(1, :count)")
        return session.scalars(taken, {"count": count}).all()
    first = (session.scalar(select(func.max(DatasetRow.number))) or 0) + 1
    return range(first, first + count)


def insert_datasets(session: Session, rows: Sequence[Values]) -> None:
    """Insert rows of datasets."""
    insert_rows(session, _DATASET, rows)


def update_datasets(session: Session, rows: Sequence[Values]) -> None:
    """Replace all values of rows that are there, by their numbers."""
    if not rows:
        return
    values: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "number"}
    given = [{"at_number": row["number"], **{k: v for k, v in row.items() if k != "number"}} for row in rows]
    statement = update(_DATASET).where(_DATASET.c.number == bindparam("at_number")).values(values)
    session.connection().execute(statement, given)


def insert_files(session: Session, columns: Sequence[str], values: list[Any]) -> None:
    """Insert rows of files, their values one after the other."""
    insert_values(session, _FILE, columns, values)


def insert_parameters(session: Session, columns: Sequence[str], values: list[Any]) -> None:
    """Insert rows of parameters, their values one after the other."""
    insert_values(session, _PARAMETER, columns, values)


def delete_details(session: Session, numbers: Sequence[int]) -> None:
    """Delete files and parameters of datasets."""
    for some in chunks(numbers):
        session.execute(delete(FileRow).where(FileRow.dataset.in_(some)))
        session.execute(delete(ParameterRow).where(ParameterRow.dataset.in_(some)))


def samples(session: Session, wanted: Iterable[tuple[str, str | None]]) -> dict[tuple[str, str | None], Row[Any]]:
    """Return the samples of some proposals by name: number, name, description in both languages and formula."""
    pairs = sorted(wanted, key=str)
    texts = (Sample.description_en, Sample.description_zh, Sample.formula)
    chosen = select(Sample.number, Sample.proposal, Sample.name, *texts)
    found: dict[tuple[str, str | None], Row[Any]] = {}
    for start in range(0, len(pairs), _CHUNK):
        among = tuple_(Sample.proposal, Sample.name).in_(pairs[start : start + _CHUNK])
        found |= {(row.proposal, row.name): row for row in session.execute(chosen.where(among))}
    return found


def set_parents(session: Session, new: Mapping[int, frozenset[int]], known: Iterable[int]) -> None:
    """Set of which datasets others were made.

    Parameters
    ----------
    new
        The parents of each dataset.
    known
        Those of them that may have had parents before.
    """
    old: dict[int, set[int]] = {}
    for some in chunks(sorted(known)):
        for child, parent in session.execute(
            select(Parentage.child, Parentage.parent).where(Parentage.child.in_(some))
        ):
            old.setdefault(child, set()).add(parent)
    rows = []
    for child, parents in new.items():
        before = old.get(child, set())
        for parent in before - parents:
            session.execute(delete(Parentage).where(Parentage.child == child, Parentage.parent == parent))
        rows += [{"child": child, "parent": parent} for parent in sorted(parents - before - {child})]
    if rows:
        session.execute(insert(Parentage), rows)


def set_documents(session: Session, rows: Sequence[Values]) -> None:
    """Write documents, each in the place of the one of its model that there was."""
    for row in rows:
        mine = delete(DocumentRow).where(DocumentRow.dataset == row["dataset"], DocumentRow.model == row["model"])
        session.execute(mine.execution_options(synchronize_session=False))
    if rows:
        session.execute(insert(DocumentRow), rows)


def chunks(items: Sequence[int]) -> Iterable[Sequence[int]]:
    """Yield parts that fit into one statement."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
