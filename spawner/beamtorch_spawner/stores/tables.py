"""The tables of the spawner service. Migrations make them; a test compares both."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
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

from beamtorch_spawner.resources import Resources
from beamtorch_spawner.wire import LeaseState

HOLDS_SERVER = "state NOT IN ('ended', 'refused', 'failed')"
HOLDS_TERMINAL = f"terminal IS NOT NULL AND awaits IS NULL AND {HOLDS_SERVER}"
AWAITING = "awaits IS NOT NULL"
AWAITS_TERMINAL = f"terminal IS NOT NULL AND awaits IS NOT NULL AND {HOLDS_SERVER}"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Store in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Read as UTC."""
        if value is None:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


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
        Index(
            "one_lease_holds_a_terminal",
            "terminal",
            unique=True,
            sqlite_where=text(HOLDS_TERMINAL),
            postgresql_where=text(HOLDS_TERMINAL),
        ),
        Index(
            "one_lease_awaits_a_terminal",
            "terminal",
            unique=True,
            sqlite_where=text(AWAITS_TERMINAL),
            postgresql_where=text(AWAITS_TERMINAL),
        ),
        Index("active_leases", "state", sqlite_where=text(HOLDS_SERVER), postgresql_where=text(HOLDS_SERVER)),
        Index("leases_awaiting", "awaits", sqlite_where=text(AWAITING), postgresql_where=text(AWAITING)),
        Index("leases_newest_first", "requested_at", "id"),
        Index("leases_held_until", "held_until"),
        Index("leases_ended_at", "ended_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    username: Mapped[str] = mapped_column(String(200))
    server: Mapped[str] = mapped_column(String(200))
    user_options: Mapped[dict[str, Any]] = mapped_column(JSON)
    wish: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What POST userpod/ asked for beside the options: command, variables, ssh keys."""
    environment: Mapped[str | None] = mapped_column(String(30))
    dataset: Mapped[str | None] = mapped_column(String(64))
    image: Mapped[str | None] = mapped_column(String(400))
    description: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12))
    reason_en: Mapped[str | None] = mapped_column(Text)
    reason_zh: Mapped[str | None] = mapped_column(Text)
    cores: Mapped[float] = mapped_column(Float, default=0)
    memory: Mapped[int] = mapped_column(BigInteger, default=0)
    extended: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    groups: Mapped[list[str]] = mapped_column(JSON, default=list)
    """At admission; quotas and usage of groups count by these."""
    source_ip: Mapped[str | None] = mapped_column(String(45))
    """Where the start came from, as far as it could be believed."""
    terminal: Mapped[str | None] = mapped_column(String(45))
    """The registered address that the lease holds, or waits for while `awaits` is set."""
    beamline: Mapped[str | None] = mapped_column(String(64))
    awaits: Mapped[str | None] = mapped_column(String(32))
    """The lease that has to end before this one may start."""
    evict_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """On a waiting lease: when the grace of the awaited one is over."""
    browser_session: Mapped[str | None] = mapped_column(String(64))
    ticket_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    redeemed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pod: Mapped[str | None] = mapped_column(String(253))
    pod_uid: Mapped[str | None] = mapped_column(String(64))
    run_seconds: Mapped[int | None] = mapped_column(Integer)
    extensions: Mapped[int] = mapped_column(Integer, default=0)
    notified_seconds: Mapped[int | None] = mapped_column(Integer)
    """The last notice that was given, in seconds before the end."""
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    running_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    latest_end: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """From when its pod (or process) really held the resources; what usage counts."""
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def lease_state(self) -> LeaseState:
        """The state as its type."""
        return LeaseState(self.state)

    @property
    def resources(self) -> Resources:
        """What it holds."""
        return Resources(cores=self.cores, memory=self.memory, extended=self.extended or {})


class AuditRow(Base):
    """Who did what to which lease, and when; rows are only ever added."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_by_time", "at"), Index("audit_by_person", "username", "at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(40))
    lease: Mapped[str | None] = mapped_column(ForeignKey("leases.id"), index=True)
    username: Mapped[str | None] = mapped_column(String(200))
    server: Mapped[str | None] = mapped_column(String(200))
    terminal: Mapped[str | None] = mapped_column(String(45))
    detail: Mapped[str] = mapped_column(Text)
    detail_zh: Mapped[str] = mapped_column(Text, default="")


class TerminalRow(Base):
    """A registered control-room address."""

    __tablename__ = "terminals"

    ip: Mapped[str] = mapped_column(String(45), primary_key=True)
    beamline: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100), default="")
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    protection: Mapped[str] = mapped_column(String(10))
    grace_seconds: Mapped[int] = mapped_column(Integer)
    minimum_seconds: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(200))


class ChoiceRow(Base):
    """What somebody chose a server to get at its next start."""

    __tablename__ = "choices"

    username: Mapped[str] = mapped_column(String(200), primary_key=True)
    server: Mapped[str] = mapped_column(String(200), primary_key=True)
    environment: Mapped[str] = mapped_column(String(30))
    cores: Mapped[float] = mapped_column(Float)
    memory: Mapped[int] = mapped_column(BigInteger)
    extended: Mapped[dict[str, int]] = mapped_column(JSON)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class QuotaRow(Base):
    """A limit on one resource for one subject; amounts as `Resources.amounts` counts them, GPU-hours in seconds."""

    __tablename__ = "quotas"

    scope: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject: Mapped[str] = mapped_column(String(200), primary_key=True)
    resource: Mapped[str] = mapped_column(String(130), primary_key=True)
    limit: Mapped[int] = mapped_column("most", BigInteger)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(200))


class RequestKeyRow(Base):
    """An idempotency key of somebody, and the lease that came of it."""

    __tablename__ = "request_keys"

    owner: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    lease: Mapped[str] = mapped_column(ForeignKey("leases.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class EventRow(Base):
    """What was told on the event stream; kept for those who come back."""

    __tablename__ = "events"
    __table_args__ = (Index("events_of_a_person", "username", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(20))
    username: Mapped[str] = mapped_column(String(200))
    lease: Mapped[str | None] = mapped_column(String(32))
    en: Mapped[str] = mapped_column(Text)
    zh: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class LockRow(Base):
    """Who of several replicas may act on something, and until when the others wait."""

    __tablename__ = "locks"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(100), default="")
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ClockMarkRow(Base):
    """What the clocks last said, so that a jump of the wall clock is noticed over a restart, too."""

    __tablename__ = "clock_marks"

    boot: Mapped[str] = mapped_column(String(64), primary_key=True)
    elapsed: Mapped[float] = mapped_column(Float)
    wall: Mapped[datetime] = mapped_column(UtcDateTime)


class EndedSessionRow(Base):
    """A browser's session at the Hub that ended with a release; by the SHA-256 of its id."""

    __tablename__ = "ended_sessions"
    __table_args__ = (Index("ended_sessions_by_number", "number", unique=True),)

    session: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    username: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
