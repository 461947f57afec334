"""Who did what to whom, in the database; rows are only ever added."""

from datetime import datetime

from sqlalchemy.orm import Session

from beamtorch_facility.words import Words
from beamtorch_spawner.stores.tables import AuditRow, LeaseRow

NOTHING = Words(en="", zh="")


class Audit:
    """The audit, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_lease(self, row: LeaseRow, action: str, *, actor: str, at: datetime, detail: Words = NOTHING) -> None:
        """Add what was done to a lease."""
        self._add(
            AuditRow(
                at=at,
                actor=actor,
                action=action,
                lease=row.id,
                username=row.username,
                server=row.server,
                terminal=row.terminal,
                detail=detail.en,
                detail_zh=detail.zh,
            )
        )

    def of_facility(self, action: str, *, actor: str, at: datetime, detail: Words, terminal: str | None = None) -> None:
        """Add what was done to a quota, a terminal or a pod without a lease."""
        self._add(AuditRow(at=at, actor=actor, action=action, terminal=terminal, detail=detail.en, detail_zh=detail.zh))

    def _add(self, row: AuditRow) -> None:
        self._session.add(row)
        self._session.flush()
