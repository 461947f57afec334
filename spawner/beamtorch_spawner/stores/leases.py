"""Leases in the database: adding, finding, changing, each change with its audit row. It decides nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from beamtorch_facility.words import Words
from beamtorch_spawner.stores.audit import NOTHING, Audit
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import LeaseState

_OVER = tuple(state.value for state in LeaseState if not state.is_active)


class Leases:
    """The leases, within one transaction."""

    def __init__(self, session: Session, audit: Audit) -> None:
        self._session = session
        self._audit = audit

    def add(
        self,
        *,
        username: str,
        server: str,
        user_options: dict[str, Any],
        source_ip: str | None,
        state: LeaseState,
        at: datetime,
    ) -> LeaseRow:
        """Add a lease; it is written at the end of the transaction, or when the next question is asked."""
        row = LeaseRow(
            id=uuid4().hex,
            username=username,
            server=server,
            user_options=user_options,
            state=state.value,
            cores=0.0,
            memory=0,
            extended={},
            source_ip=source_ip,
            requested_at=at,
            changed_at=at,
        )
        self._session.add(row)
        return row

    def find(self, lease: str) -> LeaseRow | None:
        """Return one lease."""
        return self._session.get(LeaseRow, lease)

    def holder(self, username: str, server: str) -> LeaseRow | None:
        """Return the lease that holds a server."""
        wanted = select(LeaseRow).where(
            LeaseRow.username == username, LeaseRow.server == server, LeaseRow.state.not_in(_OVER)
        )
        return self._session.scalars(wanted).one_or_none()

    def newest(self, *, username: str | None, active: bool, limit: int) -> Sequence[LeaseRow]:
        """Return leases, newest first; of one person, or of everybody."""
        wanted = select(LeaseRow).order_by(LeaseRow.requested_at.desc(), LeaseRow.id.desc()).limit(limit)
        if username is not None:
            wanted = wanted.where(LeaseRow.username == username)
        if active:
            wanted = wanted.where(LeaseRow.state.not_in(_OVER))
        return self._session.scalars(wanted).all()

    def change(
        self, row: LeaseRow, state: LeaseState, *, actor: str, at: datetime, reason: Words | None = None
    ) -> None:
        """Bring a lease to a state and write down who did it."""
        row.state = state.value
        row.changed_at = at
        if reason is not None:
            row.reason_en, row.reason_zh = reason.en, reason.zh
        if not state.is_active:
            row.ended_at = at
        # The partial index sees rows in the order of their statements, so an old lease leaves before a new one comes.
        self._session.flush()
        self._audit.of_lease(row, state.value, actor=actor, at=at, detail=reason or NOTHING)
