"""Changing when datasets open, with the counts that go by it; and the mark up to which ends have been told."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, extract, func, or_, select, text, update
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.census import Census, Kin
from beamtorch_catalogue.stores.dataset_rows import chunks
from beamtorch_catalogue.stores.models import DatasetRow, ReleaseMark


def set_release(
    session: Session,
    where: ColumnElement[bool],
    *,
    released_at: datetime,
    released_to: str,
    at: datetime,
    is_own: bool | None = None,
) -> int:
    """Change when datasets open; what is as it should be stays, with its version. Return how many changed.

    Parameters
    ----------
    where
        Which datasets, a condition on `DatasetRow`.
    is_own
        Whether this is a decision for these datasets alone; None: as it was.
    """
    differs = [DatasetRow.released_at != released_at, DatasetRow.released_to != released_to]
    values: dict[str, Any] = {"released_at": released_at, "released_to": released_to}
    if is_own is not None:
        differs.append(DatasetRow.release_is_own != is_own)
        values["release_is_own"] = is_own
    row = DatasetRow
    # Locked first: an ingest at the same time would else change a size between our counting and our writing.
    found = session.execute(
        select(
            *(row.number, row.size, row.beamtime, row.kind, row.technique),
            *(row.state, _year(session), row.released_at, row.released_to),
        )
        .where(where, or_(*differs))
        .order_by(row.number)
        .with_for_update()
    ).all()
    counts: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for _, size, *alike in found:
        count = counts[tuple(alike)]
        count[0] += 1
        count[1] += size
    census = Census()
    for (beamtime, kind, technique, *rest), (datasets, size) in counts.items():
        old = Kin(beamtime, kind, technique[:200], *rest)
        new = old._replace(released_at=released_at, released_to=released_to)
        census.move(old, new, datasets=datasets, size=size)
    for some in chunks([one.number for one in found]):
        _update(session, row.number.in_(some), values | {"changed_at": at, "version": row.version + 1})
    census.write(session)
    return len(found)


def _year(session: Session) -> ColumnElement[int]:
    """Return the year of a dataset in UTC, whatever the zone of the database."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return extract("year", DatasetRow.listed_at if is_sqlite else func.timezone("UTC", DatasetRow.listed_at))


def _update(session: Session, where: ColumnElement[bool], values: Mapping[str, Any]) -> None:
    session.execute(update(DatasetRow).where(where).values(values).execution_options(synchronize_session=False))


def lock_mark(session: Session, now: datetime) -> ReleaseMark:
    """Return the mark, held until the transaction ends; the first one to ask puts it to now."""
    mark = _mark(session)
    if mark is None:
        first = text("INSERT INTO release_mark (number, until) VALUES (1, :until) ON CONFLICT (number) DO NOTHING")
        session.execute(first.bindparams(bindparam("until", now, type_=ReleaseMark.until.type)))
        mark = _mark(session)
    assert mark is not None  # noqa: S101 - nobody deletes it
    return mark


def _mark(session: Session) -> ReleaseMark | None:
    return session.scalar(
        select(ReleaseMark).where(ReleaseMark.number == 1).with_for_update().execution_options(populate_existing=True)
    )
