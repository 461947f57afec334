"""Idempotency keys in the database."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from beamtorch_spawner.stores.tables import RequestKeyRow


class RequestKeys:
    """The keys, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, owner: str, key: str) -> RequestKeyRow | None:
        """Return what a key of somebody was used for."""
        return self._session.get(RequestKeyRow, (owner, key))

    def add(self, *, owner: str, key: str, fingerprint: str, lease: str, at: datetime) -> None:
        """Remember a key."""
        self._session.add(RequestKeyRow(owner=owner, key=key, fingerprint=fingerprint, lease=lease, at=at))
        self._session.flush()

    def forget_before(self, at: datetime) -> None:
        """Forget keys that nobody will repeat any more."""
        self._session.execute(delete(RequestKeyRow).where(RequestKeyRow.at < at))
