"""The connection to SQLite or PostgreSQL, with the settings that make both keep what was promised."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.stores.checkpoints import LOG_BYTES, Checkpoints
from beamtorch_catalogue.stores.turns import NoTurnError, Turns
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MILLISECONDS = 15_000
"""How long a writer of SQLite waits for another one."""
VOCABULARY = "full_text_vocabulary"
"""A view of each connection on the words of SQLite's full text."""
_CACHE_KIB, _WRITING_CACHE_KIB = 64 * 1024, 128 * 1024
_PAGE_BYTES = 4096
_LONGEST_LOG_PAGES = 4 * LOG_BYTES // _PAGE_BYTES
"""So long it gets only if nobody else copies it."""
_WRITING = "beamtorch_writing"


class DatabaseUnusableError(CatalogueError):
    """The database does not answer, is full or cannot be written."""

    code = "database-unusable"
    status = 503
    exit_code = 5
    title = Words(en="The catalogue's database does not answer", zh="数据目录的数据库无响应")


class ValueRefusedError(CatalogueError):
    """A value that the database cannot hold."""

    code = "value-refused"
    status = 422
    title = Words(en="A value cannot be stored", zh="有值无法存储")


class Database:
    """One database; sessions for reading and for writing, and its schema."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        # The connection used last again: its pages and prepared statements are at hand. One in memory has no pool.
        self._engine = self._connected(pool_use_lifo=True) if self.url.database else self._connected()
        self._writing_engine = self._engine
        self._checkpoints: Checkpoints | None = None
        self._turn: Callable[[], AbstractContextManager[None]] = nullcontext
        if self.is_sqlite and self.url.database:
            # Writers take turns at one connection, which knows the pages that the last one wrote; among several, each
            # would read them again, and SQLite lets who waits sleep for a tenth of a second.
            self._writing_engine = self._connected(pool_size=1, max_overflow=0)
            event.listen(self._writing_engine, "connect", _prepare_writer)
            self._turn = Turns(BUSY_MILLISECONDS / 1000).taken
            self._checkpoints = Checkpoints(Path(self.url.database), self._turn)
        self._readers = sessionmaker(self._engine)
        self._writers = sessionmaker(self._writing_engine.execution_options(**{_WRITING: True}), expire_on_commit=False)

    def _connected(self, **pool: Any) -> Engine:
        engine = create_engine(self.url, pool_pre_ping=not self.is_sqlite, **pool)
        if self.is_sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            event.listen(engine, "connect", _prepare_postgresql)
        return engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that sees one state of the database and changes nothing."""
        with _said_plainly(), self._readers() as session, _dropped_if_unexpected(session):
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a session that commits at its end, or leaves nothing behind if anything is raised."""
        with _said_plainly(), self._turn(), self._writers.begin() as session, _dropped_if_unexpected(session):
            yield session
        if self._checkpoints:
            self._checkpoints.written()

    def upgrade(self, revision: str = "head") -> None:
        """Bring the tables to a revision; with data in them, and whole or not at all."""
        with _said_plainly():
            command.upgrade(self._alembic(), revision)

    def downgrade(self, revision: str) -> None:
        """Take the tables back to a revision."""
        with _said_plainly():
            command.downgrade(self._alembic(), revision)

    def close(self) -> None:
        """Give all connections back."""
        if self._checkpoints:
            self._checkpoints.close()
        self._engine.dispose()
        self._writing_engine.dispose()

    def _alembic(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["engine"] = self._engine
        return config


@contextmanager
def _dropped_if_unexpected(session: Session) -> Iterator[None]:
    """Give up the connection where something unexpected is raised.

    A result that is read in part keeps SQLite's snapshot open, and the next writer on this connection would be told at
    once that the database is locked.
    """
    try:
        yield
    except BeamtorchError:
        raise
    except BaseException:
        session.invalidate()
        raise


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise ValueRefusedError(
            Words(
                en="A value is too long, or holds a character that cannot be stored (NUL). Nothing was changed. "
                "Shorten or clean it and send it again.",
                zh="有值过长或含有无法存储的字符（NUL），未做任何更改。请缩短或清理后重新发送。",
            )
        ) from error
    except (DBAPIError, PoolTimeoutError, NoTurnError) as error:
        if not _is_outage(error):
            raise
        log.warning("the database refused: %s", error.orig if isinstance(error, DBAPIError) else error)
        raise DatabaseUnusableError(
            Words(
                en="The catalogue's database does not answer, or has no room. Nothing was changed. "
                "Try again in a minute; if it stays, tell the facility.",
                zh="数据目录的数据库无响应或空间不足，未做任何更改。请一分钟后重试；若仍出现，请告知设施人员。",
            )
        ) from error


def _is_outage(error: DBAPIError | PoolTimeoutError | NoTurnError) -> bool:
    """Tell an outage from a mistake of ours, which has to keep its traceback."""
    if not isinstance(error, DBAPIError):
        return True
    return error.connection_invalidated or type(error.orig).__name__ in {
        "OperationalError",
        "DiskFull",
        "AdminShutdown",
    }


def _prepare_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:  # noqa: ARG001 - the event's signature
    # SQLAlchemy's own BEGIN (below) replaces the driver's, which would begin only at the first write.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_MILLISECONDS}",
        "synchronous = FULL",
        # Two megabytes are too little for a page of a million datasets; lists are sorted in memory.
        f"cache_size = -{_CACHE_KIB}",
        # Copying the log into the tables is the business of `Checkpoints`.
        f"wal_autocheckpoint = {_LONGEST_LOG_PAGES}",
        # A log that begins anew is cut, so that its length says how much there is to copy.
        f"journal_size_limit = {LOG_BYTES // 2}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"CREATE VIRTUAL TABLE temp.{VOCABULARY} USING fts5vocab('main', 'full_text', 'instance')")


def _prepare_writer(connection: Any, entry: ConnectionPoolEntry) -> None:  # noqa: ARG001 - the event's signature
    # Every batch changes pages of all indexes; what is not at hand has to be read again.
    connection.execute(f"PRAGMA cache_size = -{_WRITING_CACHE_KIB}")


def _prepare_postgresql(connection: Any, entry: ConnectionPoolEntry) -> None:  # noqa: ARG001 - the event's signature
    for setting in (
        # To compile a query takes longer than most of ours take to run.
        "jit = off",
        # What is sought lies in memory or on flash. Taken for a disk, indexes are shunned and whole tables read.
        "random_page_cost = 1.1",
        # Helpers take milliseconds to start, and processors that others need.
        "max_parallel_workers_per_gather = 0",
        # A list of many hits that does not fit is kept by pages, and every text of a page is looked into again.
        "work_mem = '32MB'",
    ):
        connection.execute(f"SET {setting}")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns into a writer gets “database is locked” at once, whatever the timeout; so say it first.
    immediate = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
