"""Who of several replicas may act on something, in the database."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from beamtorch_spawner.stores.tables import LockRow


class Locks:
    """The locks, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, name: str, *, holder: str, now: datetime, seconds: float) -> bool:
        """Take a lock, or keep it; False while somebody else's time is not over."""
        row = self._session.scalars(select(LockRow).where(LockRow.name == name).with_for_update()).one_or_none()
        if row is None:
            # Two that begin together meet at the primary key, and the slower one tries again at its next tick.
            row = LockRow(name=name, holder=holder)
            self._session.add(row)
        is_free = row.until is None or row.until <= now
        # A wall clock that went back must not lock everybody out for hours.
        is_absurd = row.until is not None and row.until > now + timedelta(seconds=10 * seconds)
        if row.holder != holder and not (is_free or is_absurd):
            return False
        row.holder, row.until = holder, now + timedelta(seconds=seconds)
        self._session.flush()
        return True

    def release(self, name: str, *, holder: str) -> None:
        """Give a lock back, if it is ours."""
        row = self._session.get(LockRow, name)
        if row is not None and row.holder == holder:
            row.until = None
            self._session.flush()
