"""Who did what to whom, in the database; rows are only ever added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from beamtorch_facility.words import Words
from beamtorch_spawner.stores.tables import AuditRow, Base, LeaseRow

NOTHING = Words(en="", zh="")
_INSERT = insert(Base.metadata.tables[AuditRow.__tablename__]).inline()
"""Past the session, which does more than this needs, and would ask for a number that nobody reads."""


@dataclass(frozen=True)
class AuditSought:
    """Which rows somebody wants to see; all conditions hold."""

    username: str | None = None
    terminal: str | None = None
    lease: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 100


class Audit:
    """The audit, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_lease(self, row: LeaseRow, action: str, *, actor: str, at: datetime, detail: Words = NOTHING) -> None:
        """Add what was done to a lease."""
        # Its row names the lease's, which may still be waiting to be written.
        self._session.flush()
        self._add(
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

    def of_facility(self, action: str, *, actor: str, at: datetime, detail: Words, terminal: str | None = None) -> None:
        """Add what was done to a quota, a terminal or a pod without a lease."""
        self._add(at=at, actor=actor, action=action, terminal=terminal, detail=detail.en, detail_zh=detail.zh)

    def sought(self, wanted: AuditSought) -> Sequence[AuditRow]:
        """Return rows, newest first."""
        rows = select(AuditRow).order_by(AuditRow.id.desc()).limit(wanted.limit)
        same = {
            "username": wanted.username,
            "terminal": wanted.terminal,
            "lease": wanted.lease,
            "action": wanted.action,
        }
        rows = rows.filter_by(**{name: value for name, value in same.items() if value is not None})
        if wanted.since is not None:
            rows = rows.where(AuditRow.at >= wanted.since)
        if wanted.until is not None:
            rows = rows.where(AuditRow.at < wanted.until)
        if wanted.before is not None:
            rows = rows.where(AuditRow.id < wanted.before)
        return self._session.scalars(rows).all()

    def _add(self, **values: Any) -> None:
        self._session.connection().execute(_INSERT, values)
