"""What changed, who is told about it, and keys for programs: the history of the catalogue and its doors."""

from datetime import datetime

from sqlalchemy import Boolean, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from beamtorch_catalogue.stores.models.base import Base, Moment, Number


class Change(Base):
    """One committed change: the audit, the history of a subject, and the outbox of events in one.

    Numbers grow in the order of commits, because writers take turns (see `stores.history`).
    """

    __tablename__ = "change"
    # AUTOINCREMENT: SQLite would give the number of a change that was forgotten to the next one.
    __table_args__ = (Index(None, "subject", "subject_id", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(20))
    """``dataset``, ``proposal``, ``publication``, …"""
    subject_id: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(40))
    """``created``, ``updated``, ``released``, …"""
    version: Mapped[int]
    before: Mapped[str | None] = mapped_column(Text)
    """The values that were replaced, a JSON object."""
    after: Mapped[str | None] = mapped_column(Text)
    beamtime: Mapped[str | None] = mapped_column(String(64))
    """Whose people may hear of it; None: those who run the facility."""


class Webhook(Base):
    """Somebody who is told of changes over HTTP; `delivered` is the last change that they confirmed."""

    __tablename__ = "webhook"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own form

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    owner: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(Text)
    actions: Mapped[str] = mapped_column(Text)
    """Which ones, separated by spaces; empty for all."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    delivered: Mapped[int] = mapped_column(Number)
    failures: Mapped[int]
    failing_since: Mapped[datetime | None] = mapped_column(Moment)
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None] = mapped_column(Text)
    """In both languages, a JSON object."""
    is_active: Mapped[bool] = mapped_column(Boolean)
    leased_until: Mapped[datetime | None] = mapped_column(Moment)
    """Until when one process delivers, so that two do not."""


class ApiKey(Base):
    """A key of a program that acts in somebody's name; only its hash is kept."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("digest"), Index(None, "owner"))

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    owner: Mapped[str] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
