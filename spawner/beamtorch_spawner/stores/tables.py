"""The tables of the spawner service. Migrations make them; a test compares both."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from beamtorch_spawner.wire import LeaseState

HOLDS_SERVER = "state NOT IN ('ended', 'refused', 'failed')"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Store in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Read as UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables of the service."""


class LeaseRow(Base):
    """One request for a server, and what became of it."""

    __tablename__ = "leases"
    __table_args__ = (
        Index(
            "one_active_lease_per_server",
            "username",
            "server",
            unique=True,
            sqlite_where=text(HOLDS_SERVER),
            postgresql_where=text(HOLDS_SERVER),
        ),
        Index("leases_newest_first", "requested_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    username: Mapped[str] = mapped_column(String(200))
    server: Mapped[str] = mapped_column(String(200))
    user_options: Mapped[dict[str, Any]] = mapped_column(JSON)
    environment: Mapped[str | None] = mapped_column(String(30))
    dataset: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12))
    reason_en: Mapped[str | None] = mapped_column(Text)
    reason_zh: Mapped[str | None] = mapped_column(Text)
    cores: Mapped[float] = mapped_column(Float, default=0)
    memory: Mapped[int] = mapped_column(BigInteger, default=0)
    gpus: Mapped[int] = mapped_column(Integer, default=0)
    source_ip: Mapped[str | None] = mapped_column(String(45))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def lease_state(self) -> LeaseState:
        """The state as its type."""
        return LeaseState(self.state)


class AuditRow(Base):
    """Who did what to which lease, and when; rows are only ever added."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(40))
    lease: Mapped[str] = mapped_column(ForeignKey("leases.id"), index=True)
    username: Mapped[str] = mapped_column(String(200))
    server: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(Text)
