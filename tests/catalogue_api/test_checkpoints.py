"""SQLite's log is copied into its tables beside those who write."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from beamtorch_catalogue.stores import checkpoints
from beamtorch_catalogue.stores.database import Database

SECONDS = 20


def facilities_without_the_log(file: Path, copy: Path) -> int:
    """Count what is in the tables themselves."""
    shutil.copy(file, copy)
    with closing(sqlite3.connect(copy)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM facility").fetchone()[0])
        except sqlite3.DatabaseError:
            # Not even the tables are there, or they were copied just while they were written.
            return 0


@pytest.mark.parametrize("longest", [checkpoints.LOG_BYTES, 1], ids=["a short log in quiet", "a long log at once"])
def test_what_was_written_is_in_the_tables_soon_while_the_database_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: int
):
    monkeypatch.setattr(checkpoints, "LOG_BYTES", longest)
    if longest == 1:
        monkeypatch.setattr(checkpoints, "_QUIET_SECONDS", 10 * SECONDS)
    file = tmp_path / "catalogue.sqlite"
    store = Database(f"sqlite:///{file}")
    store.upgrade()
    with store.writing() as session, store.reading() as other:
        other.execute(text("SELECT 1"))
        session.execute(text("INSERT INTO facility (number, name_en, name_zh) VALUES (1, 'a', 'b')"))
    # Another connection stays open: the last one to be closed would copy the log by itself.
    with closing(sqlite3.connect(file)):
        until = time.monotonic() + SECONDS
        while not facilities_without_the_log(file, tmp_path / "copy.sqlite"):
            assert time.monotonic() < until, "the log was not copied"
            time.sleep(0.05)
    store.close()
