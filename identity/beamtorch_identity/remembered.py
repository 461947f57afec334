"""A directory that may be away or busy: what it said last counts for a bounded time, and never longer."""

import logging
import time
from collections.abc import Iterable
from threading import Lock

from beamtorch_facility.directory import Directory, DirectoryError, PersonRefusedError
from beamtorch_facility.identity import Identity, Username

log = logging.getLogger(__name__)


class RememberingDirectory:
    """Remembers the directory's answers.

    Parameters
    ----------
    directory
        Who is asked.
    seconds
        How old an answer may be while the directory does not answer; 0: none counts.
    fresh_for
        How old an answer may be without asking again; 0: each question is asked.
    """

    def __init__(self, directory: Directory, *, seconds: float, fresh_for: float = 0.0) -> None:
        self._directory = directory
        self._seconds = seconds
        self._fresh_for = fresh_for
        self._known: dict[Username, tuple[float, Identity]] = {}
        self._everybody: tuple[float, tuple[Identity, ...]] | None = None
        self._lock = Lock()

    def person(self, username: Username) -> Identity:
        """Return a person, as young as the directory lets; raises what the directory raises if nothing is known."""
        at, known = self._last(username)
        age = time.monotonic() - at
        if known is not None and age < self._fresh_for:
            return known
        try:
            person = self._directory.person(username)
        except DirectoryError as error:
            if known is None or age > self._seconds:
                raise
            log.warning("the directory does not answer; %s is who they were %.0f s ago: %s", username, age, error)
            return known
        except Exception:
            # Locked, gone or changed into nobody: what was known of them is over.
            with self._lock:
                self._known.pop(username, None)
            raise
        with self._lock:
            self._known[username] = (time.monotonic(), person)
        return person

    def _last(self, username: Username) -> tuple[float, Identity | None]:
        with self._lock:
            return self._known.get(username, (0.0, None))

    def faults(self) -> Iterable[tuple[str, PersonRefusedError]]:
        """Return whose entries cannot be used; asked each time."""
        return self._directory.faults()

    def people(self) -> Iterable[Identity]:
        """Return everybody; see `person`."""
        try:
            everybody = tuple(self._directory.people())
        except DirectoryError:
            if self._everybody is None or time.monotonic() - self._everybody[0] > self._seconds:
                raise
            return self._everybody[1]
        self._everybody = (time.monotonic(), everybody)
        return everybody
