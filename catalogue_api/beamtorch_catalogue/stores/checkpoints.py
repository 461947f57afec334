"""Copying SQLite's log into its tables beside those who write, who would otherwise do it at one of their commits."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

from beamtorch_catalogue.stores.turns import NoTurnError

log = logging.getLogger(__name__)

LOG_BYTES = 128 * 1024 * 1024
"""So long a log is copied while it is written on; a page that several batches changed is copied once."""
_QUIET_SECONDS = 1.0
"""Who reads looks into the log first, so a log of any length is copied when nobody has written for so long."""
_COPY = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """A thread that copies the log of one database; it begins with the first `written`.

    Parameters
    ----------
    path
        The database's file.
    turn
        The turn of writers: what they added while the most was copied is copied while they wait, or the log would
        never end.
    """

    def __init__(self, path: Path, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._path, self._log, self._turn = path, path.with_name(f"{path.name}-wal"), turn
        self._is_written, self._is_over = threading.Event(), threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def written(self) -> None:
        """Tell that somebody committed."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
                    self._thread.start()
        self._is_written.set()

    def close(self) -> None:
        """Stop; the last connection that is closed copies the rest."""
        self._is_over.set()
        self._is_written.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        is_behind = False
        while not self._is_over.is_set():
            came = self._is_written.wait(_QUIET_SECONDS if is_behind else None)
            self._is_written.clear()
            if self._is_over.is_set():
                return
            if came and self._length() < LOG_BYTES:
                is_behind = True
                continue
            is_behind = False
            try:
                self._copy()
            except (sqlite3.Error, NoTurnError) as error:
                log.warning("the log of %s was not copied: %s", self._path.name, error)

    def _length(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _copy(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as connection:
            connection.execute(_COPY).fetchall()
            with self._turn():
                # Whoever writes next begins the log anew, if nobody reads in it.
                connection.execute(_COPY).fetchall()
