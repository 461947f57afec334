"""The database of the spawner service: opening it and bringing its tables up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

from beamtorch_spawner.stores.leases import Leases

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 10


class Database:
    """Gives out one transaction at a time to whoever asks; what raises inside is undone."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)

    def upgrade(self) -> None:
        """Bring the tables up to date."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def transaction(self) -> Iterator[Leases]:
        """Open a transaction on the leases."""
        with self._sessions.begin() as session:
            yield Leases(session)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a plain session, for looking at tables that have no store yet."""
        with self._sessions() as session:
            yield session

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


def open_engine(url: str) -> Engine:
    """Return an engine; SQLite gets a write-ahead log and takes its write lock when a transaction begins."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # The driver's habit of beginning late would let two admissions read before either writes.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
