"""Registered addresses in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from beamtorch_spawner.stores.tables import LeaseRow, TerminalRow
from beamtorch_spawner.wire import LeaseState


class Terminals:
    """The terminals, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> Sequence[TerminalRow]:
        """Return every terminal."""
        return self._session.scalars(select(TerminalRow).order_by(TerminalRow.beamline, TerminalRow.ip)).all()

    def find(self, ip: str) -> TerminalRow | None:
        """Return one terminal."""
        return self._session.get(TerminalRow, ip)

    def put(self, row: TerminalRow) -> TerminalRow:
        """Register or change a terminal."""
        kept = self._session.merge(row)
        self._session.flush()
        return kept

    def remove(self, row: TerminalRow) -> None:
        """Remove a terminal."""
        self._session.delete(row)
        self._session.flush()

    def starts_since(self, ip: str, at: datetime) -> int:
        """Return how many starts were admitted at a terminal since a moment."""
        return (
            self._session.scalar(
                select(func.count())
                .select_from(LeaseRow)
                .where(
                    LeaseRow.terminal == ip,
                    LeaseRow.requested_at > at,
                    LeaseRow.state != LeaseState.REFUSED.value,
                )
            )
            or 0
        )

    def people_since(self, ip: str, at: datetime) -> frozenset[str]:
        """Return who tried to start something from an address since a moment; those who were refused count, too."""
        wanted = select(LeaseRow.username).where(LeaseRow.source_ip == ip, LeaseRow.requested_at > at)
        return frozenset(self._session.scalars(wanted))
