"""Who changed what and when: of one dataset for those who may read it, of everything for those who look after it."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.datasets import find_number
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores import outbox
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Beamtime, Change, DatasetRow, Person
from beamtorch_catalogue.wire import ChangePage, ChangeRecord
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words

MOST_EXAMINED = 50_000
"""Changes that one page goes through; a page may be short, and `next` goes on."""
_DATASET = re.compile(r"ds-[A-Za-z0-9_-]{3,61}")
_MOST_NAMED = 500


class NoAuditError(CatalogueError):
    """Somebody who looks after nothing asks what others did."""

    code = "no-audit"
    status = 403
    exit_code = 6
    title = Words(en="Not for you", zh="无权查看")


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which changes somebody asks for."""

    subject: str | None = None
    subject_id: str | None = None
    by: str | None = None
    action: str | None = None
    since: datetime | None = None
    after: int | None = None
    limit: int = 100
    newest_first: bool = False


class History:
    """Answers from the table of changes."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def of_dataset(self, reader: Reader, dataset: DatasetId, *, after: int | None, limit: int) -> ChangePage:
        """Return what happened to a dataset, newest first; raise `NoSuchDatasetError` if the reader may not read it."""
        sought = Sought(subject="dataset", subject_id=dataset, after=after, limit=limit, newest_first=True)
        with self._database.reading() as session:
            find_number(session, reader, dataset)
            return _page(session, reader, sought, true())

    def changes(self, reader: Reader, sought: Sought) -> ChangePage:
        """Return what happened: everything to those who run the facility, of their beamlines to beamline staff.

        Raises
        ------
        NoAuditError
            For everybody else.
        """
        person = reader.person
        if not (person.is_admin or person.staffed_beamlines):
            raise NoAuditError(
                Words(
                    en="What others changed is told to beamline staff and to those who run the facility. "
                    "The history of a dataset that you can read is at datasets/…/history.",
                    zh="变更记录仅供线站人员和设施管理人员查看。您可读数据集的历史见 datasets/…/history。",
                )
            )
        mine = select(Beamtime.beamtime).where(Beamtime.beamline.in_(sorted(person.staffed_beamlines)))
        with self._database.reading() as session:
            return _page(session, reader, sought, true() if person.is_admin else Change.beamtime.in_(mine))


def _page(session: Session, reader: Reader, sought: Sought, allowed: ColumnElement[bool]) -> ChangePage:
    # The index leads to a subject's own changes; anything else is looked through, in pieces of a bounded size.
    is_bounded = not (sought.subject and sought.subject_id)
    found = select(Change).where(allowed, *_conditions(sought)).limit(sought.limit)
    if sought.newest_first:
        before = sought.after if sought.after is not None else outbox.newest(session) + 1
        end = outbox.depth(session, before, MOST_EXAMINED) if is_bounded else 0
        found = found.where(Change.number < before, Change.number >= end).order_by(Change.number.desc())
        is_last = end == 0
    else:
        end = outbox.horizon(session, sought.after or 0, MOST_EXAMINED) if is_bounded else outbox.newest(session)
        found = found.where(Change.number > (sought.after or 0), Change.number <= end).order_by(Change.number)
        is_last = end == outbox.newest(session)
    rows = session.scalars(found).all()
    following = rows[-1].number if len(rows) == sought.limit else None if is_last else end
    return ChangePage(changes=tuple(_records(session, reader, rows)), next=following)


def _conditions(sought: Sought) -> Iterator[ColumnElement[bool]]:
    for column, value in (
        (Change.subject, sought.subject),
        (Change.subject_id, sought.subject_id),
        (Change.by, sought.by),
        (Change.action, sought.action),
    ):
        if value is not None:
            yield column == value
    if sought.since is not None:
        yield Change.at >= sought.since


def _records(session: Session, reader: Reader, rows: Iterable[Change]) -> Iterator[ChangeRecord]:
    read = [(row, _values(row.before), _values(row.after)) for row in rows]
    names = {
        person.username: Words(en=person.name_en, zh=person.name_zh)
        for person in session.scalars(select(Person).where(Person.username.in_({row.by for row, _, _ in read})))
    }
    named = {name for _, before, after in read for values in (before, after) for name in _datasets(values)}
    unreadable = named - _readable(session, reader, named)
    for row, before, after in read:
        yield ChangeRecord(
            id=row.number,
            at=row.at,
            by=row.by,
            by_name=names.get(row.by),
            subject=row.subject,
            subject_id=row.subject_id,
            action=row.action,
            version=row.version,
            beamtime=row.beamtime,
            before=_without(before, unreadable),
            after=_without(after, unreadable),
        )


def _values(document: str | None) -> dict[str, Any] | None:
    return None if document is None else json.loads(document)


def _datasets(value: Any) -> Iterator[str]:
    """Give the datasets that old or new values name, such as parents."""
    if isinstance(value, str):
        if _DATASET.fullmatch(value):
            yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _datasets(part)


def _readable(session: Session, reader: Reader, names: set[str]) -> set[str]:
    ordered, found = sorted(names), set()
    for start in range(0, len(ordered), _MOST_NAMED):
        part = ordered[start : start + _MOST_NAMED]
        found |= set(session.scalars(select(DatasetRow.id).where(DatasetRow.id.in_(part), readable(reader))))
    return found


def _without(value: Any, unreadable: set[str]) -> Any:
    """Return values without the datasets that the reader may not know of."""
    if isinstance(value, dict):
        return {name: _without(part, unreadable) for name, part in value.items()}
    if isinstance(value, list):
        return [_without(part, unreadable) for part in value if not (isinstance(part, str) and part in unreadable)]
    return None if isinstance(value, str) and value in unreadable else value
