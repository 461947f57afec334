"""What was told on the event stream, in the database: those who come back find what they missed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from beamtorch_facility.words import Words
from beamtorch_spawner.stores.tables import EventRow
from beamtorch_spawner.wire import EventKind


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
        self._session.add(
            EventRow(
                at=at, kind=kind.value, username=username, lease=lease, en=message.en, zh=message.zh, data=data or {}
            )
        )

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
