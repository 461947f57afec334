"""What was told on the event stream, in the database: those who come back find what they missed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from beamtorch_facility.words import Words
from beamtorch_spawner.stores.tables import Base, EventRow
from beamtorch_spawner.wire import EventKind

_INSERT = insert(Base.metadata.tables[EventRow.__tablename__]).inline()
"""Past the session, as the audit's."""


class Events:
    """The events, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        *,
        kind: EventKind,
        username: str,
        lease: str | None,
        message: Words,
        at: datetime,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Tell something to a person."""
        values = {"at": at, "kind": kind.value, "username": username, "lease": lease, "data": data or {}}
        self._session.connection().execute(_INSERT, {**values, "en": message.en, "zh": message.zh})

    def after(self, number: int, *, limit: int = 500) -> Sequence[EventRow]:
        """Return what was told after an event, oldest first."""
        return self._session.scalars(
            select(EventRow).where(EventRow.id > number).order_by(EventRow.id).limit(limit)
        ).all()

    def of_person(self, username: str, after: int, *, limit: int = 500) -> Sequence[EventRow]:
        """Return what was told to one person after an event, oldest first."""
        wanted = select(EventRow).where(EventRow.username == username, EventRow.id > after)
        return self._session.scalars(wanted.order_by(EventRow.id).limit(limit)).all()

    def last(self) -> int:
        """Return the number of the newest event, 0 for none."""
        return self._session.scalar(select(func.max(EventRow.id))) or 0

    def forget_before(self, at: datetime) -> None:
        """Forget old events."""
        self._session.execute(delete(EventRow).where(EventRow.at < at))
