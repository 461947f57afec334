"""Browser sessions that a release ended, in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from beamtorch_spawner.stores.tables import EndedSessionRow


class EndedSessions:
    """The ended sessions, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, *, session: str, username: str, at: datetime) -> None:
        """Note the end of a session, once."""
        if self._session.get(EndedSessionRow, session) is None:
            number = (self._session.scalar(select(func.max(EndedSessionRow.number))) or 0) + 1
            self._session.add(EndedSessionRow(session=session, number=number, username=username, at=at))
            self._session.flush()

    def after(self, number: int, *, limit: int = 1000) -> Sequence[EndedSessionRow]:
        """Return the sessions that ended after one, oldest first."""
        wanted = select(EndedSessionRow).where(EndedSessionRow.number > number).order_by(EndedSessionRow.number)
        return self._session.scalars(wanted.limit(limit)).all()

    def forget_before(self, at: datetime) -> None:
        """Forget sessions whose cookies have long expired."""
        self._session.execute(delete(EndedSessionRow).where(EndedSessionRow.at < at))
