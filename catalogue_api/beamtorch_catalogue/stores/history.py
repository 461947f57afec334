"""Writing down what changed, in the transaction that changes it: audit, history and outbox are one table."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.models import Base, Change
from beamtorch_catalogue.stores.rows import insert_rows

_TURN = 815065
"""The advisory lock of PostgreSQL under which changes get their numbers."""


@dataclass(frozen=True, kw_only=True)
class Noted:
    """One change of one subject."""

    subject: str
    subject_id: str
    action: str
    version: int = 1
    before: Mapping[str, Any] | None = None
    """The values that were replaced."""
    after: Mapping[str, Any] | None = None
    beamtime: str | None = None
    """Whose people may hear of it; None: those who run the facility."""


def note(session: Session, changes: Iterable[Noted], *, by: str, at: datetime) -> None:
    """Write changes down; call it last in a transaction.

    Whoever reads on from the last number that they saw must miss nothing. So numbers have to become visible in their
    order: SQLite has one writer at a time anyhow, in PostgreSQL writers take turns from here to their commit.
    """
    rows = [
        {
            "at": at,
            "by": by,
            "subject": change.subject,
            "subject_id": change.subject_id,
            "action": change.action,
            "version": change.version,
            "before": _document(change.before),
            "after": _document(change.after),
            "beamtime": change.beamtime,
        }
        for change in changes
    ]
    if not rows:
        return
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
    insert_rows(session, Base.metadata.tables[Change.__tablename__], rows)


def _document(values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False, default=str)
