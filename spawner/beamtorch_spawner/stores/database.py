"""The database of the spawner service: opening it, its transactions, and bringing its tables up to date."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.stores.audit import Audit
from beamtorch_spawner.stores.choices import Choices
from beamtorch_spawner.stores.clock_marks import ClockMarks
from beamtorch_spawner.stores.ended_sessions import EndedSessions
from beamtorch_spawner.stores.events import Events
from beamtorch_spawner.stores.leases import Leases
from beamtorch_spawner.stores.locks import Locks
from beamtorch_spawner.stores.quotas import Quotas
from beamtorch_spawner.stores.request_keys import RequestKeys
from beamtorch_spawner.stores.sending import UNREAD, fetch_what_is_read, sent_together
from beamtorch_spawner.stores.terminals import Terminals

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 15
_GATE = 815064
"""The advisory lock of PostgreSQL that every transaction takes which adds to what is held."""
_LOCK = text("SELECT pg_advisory_xact_lock(:gate)").execution_options(**{UNREAD: True})
POOL = 40
RESTED_SECONDS = 1.0
"""After how long a connection to PostgreSQL is asked whether it still is one; a database is not back any sooner."""
_READING = "beamtorch_reading"
_WITHOUT_TRANSACTION = {"isolation_level": "AUTOCOMMIT"}
"""How PostgreSQL reads: in a transaction each statement would see a state of its own, too, for two more trips."""


class DatabaseUnusableError(SpawnerError):
    """The database does not answer, or cannot be written."""

    code = "spawner-database-unusable"
    status = 503
    title = Words(en="The spawner's database does not answer", zh="启动服务的数据库无响应")


class UnstorableError(SpawnerError):
    """A text or a number that the database cannot hold."""

    code = "unstorable"
    status = 422
    title = Words(en="This cannot be kept", zh="无法保存此内容")


class Stores:
    """Every store, within one transaction."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @cached_property
    def audit(self) -> Audit:
        """Who did what."""
        return Audit(self.session)

    @cached_property
    def leases(self) -> Leases:
        """Leases."""
        return Leases(self.session, self.audit, self.events)

    @cached_property
    def quotas(self) -> Quotas:
        """Limits."""
        return Quotas(self.session)

    @cached_property
    def terminals(self) -> Terminals:
        """Registered addresses."""
        return Terminals(self.session)

    @cached_property
    def choices(self) -> Choices:
        """What servers get at their next start."""
        return Choices(self.session)

    @cached_property
    def events(self) -> Events:
        """What is told on the event stream."""
        return Events(self.session)

    @cached_property
    def locks(self) -> Locks:
        """Who of several replicas may act."""
        return Locks(self.session)

    @cached_property
    def request_keys(self) -> RequestKeys:
        """Idempotency keys."""
        return RequestKeys(self.session)

    @cached_property
    def ended_sessions(self) -> EndedSessions:
        """Browser sessions that a release ended."""
        return EndedSessions(self.session)

    @cached_property
    def clock_marks(self) -> ClockMarks:
        """What the clocks last said."""
        return ClockMarks(self.session)


class Database:
    """Gives out transactions; what raises inside is undone."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._turn = threading.Lock() if self._is_sqlite else nullcontext()
        self._writers = sessionmaker(self._engine, expire_on_commit=False)
        reading = {_READING: True} if self._is_sqlite else _WITHOUT_TRANSACTION
        self._readers = sessionmaker(self._engine.execution_options(**reading), expire_on_commit=False)

    def upgrade(self, revision: str = "head") -> None:
        """Bring the tables to a revision, with what is in them."""
        with _said_plainly(), self._engine.begin() as connection:
            command.upgrade(self._alembic(connection), revision)

    def downgrade(self, revision: str) -> None:
        """Take the tables back to a revision."""
        with _said_plainly(), self._engine.begin() as connection:
            command.downgrade(self._alembic(connection), revision)

    @staticmethod
    def _alembic(connection: Connection) -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        return config

    @contextmanager
    def transaction(self) -> Iterator[Stores]:
        """Open a transaction that commits at its end."""
        # Threads of one process take turns here: SQLite's own waiting is a lottery in which somebody loses for ever.
        with self._turn, _said_plainly(), self._writers.begin() as session:
            yield Stores(session)

    @contextmanager
    def admitting(self) -> Iterator[Stores]:
        """Open a transaction that no other admission runs beside, in whatever replica."""
        with self.transaction() as stores, sent_together(stores.session.connection()) as is_served:
            # SQLite's write lock is taken already. A lock of no row costs PostgreSQL no write.
            if is_served:
                stores.session.connection().execute(_LOCK, {"gate": _GATE})
            yield stores
            stores.session.flush()

    @contextmanager
    def reading(self) -> Iterator[Stores]:
        """Look without changing anything and without waiting for a writer; in SQLite all at one state."""
        with _said_plainly(), self._readers() as session:
            yield Stores(session)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a plain session for looking at tables."""
        with self._readers() as session:
            yield session

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise UnstorableError(
            Words(
                en="Something in this request cannot be kept: a text with a NUL character, or a number that is too "
                "large. Leave it out.",
                zh="请求中含有无法保存的内容：带 NUL 字符的文本，或过大的数值。请去掉后重试。",
            )
        ) from error
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnusableError(
            Words(
                en="The spawner's database does not answer or cannot be written. Nothing was changed; running labs go "
                "on. Try again in a minute; if it stays, tell the facility.",
                zh="启动服务的数据库无响应或无法写入。未作任何更改，正在运行的实验室不受影响。"
                "请一分钟后重试；若仍失败，请告知设施人员。",
            )
        ) from error


def open_engine(url: str) -> Engine:
    """Return an engine; SQLite gets a write-ahead log and takes its write lock when a transaction begins."""
    if make_url(url).get_backend_name() != "sqlite":
        # The connection used last again: the statements that it knows are prepared.
        engine = create_engine(url, pool_size=POOL, pool_use_lifo=True)
        _ping_after_a_rest(engine)
        fetch_what_is_read(engine)
        return engine
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=POOL)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # The driver's habit of beginning late would let two admissions read before either writes.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(_READING, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _ping_after_a_rest(engine: Engine) -> None:
    """Ask a connection that was not in use a moment ago whether it still is one; a dead one gives way to a new one."""

    @event.listens_for(engine, "checkin")
    def used(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get("used", time.monotonic()) < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool opens another one and asks that.
            raise DisconnectionError from error
