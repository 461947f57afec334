"""Turns: threads are let in one at a time, in the order in which they came."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class NoTurnError(TimeoutError):
    """Others were at it for too long."""


class Turns:
    """A lock that is fair: who has it and asks again at once comes after all who wait.

    Python's own locks, and SQLAlchemy's queue of connections, may give it to the same thread again and again.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._is_taken = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for one's turn; raise `NoTurnError` if it does not come in time."""
        self._take()
        try:
            yield
        finally:
            self._give()

    def _take(self) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(self._seconds):
            return
        with self._lock:
            if mine.is_set():  # It came just now.
                return
            self._waiting.remove(mine)
        raise NoTurnError(f"no turn within {self._seconds:g} s")

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False
