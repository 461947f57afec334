"""Limits in the database."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from beamtorch_spawner.stores.tables import Base, QuotaRow

_TABLE = Base.metadata.tables[QuotaRow.__tablename__]
_ORDER = (_TABLE.c.scope, _TABLE.c.subject, _TABLE.c.resource)
_ALL = select(*_ORDER, _TABLE.c.most).order_by(*_ORDER)


class Quotas:
    """The limits, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield scope, subject, resource and amount of every limit, in a lasting order."""
        self._session.flush()
        yield from self._session.connection().execute(_ALL)

    def find(self, scope: str, subject: str, resource: str) -> QuotaRow | None:
        """Return one limit."""
        return self._session.get(QuotaRow, (scope, subject, resource))

    def put(self, row: QuotaRow) -> QuotaRow:
        """Set a limit."""
        kept = self._session.merge(row)
        self._session.flush()
        return kept

    def remove(self, row: QuotaRow) -> None:
        """Lift a limit."""
        self._session.delete(row)
        self._session.flush()
