"""A directory that may be away for a while: what it said last counts for a bounded time, and never longer."""

import logging
import time
from collections.abc import Iterable
from threading import Lock

from beamtorch_facility.directory import Directory, DirectoryError
from beamtorch_facility.identity import Identity, Username

log = logging.getLogger(__name__)


class RememberingDirectory:
    """Asks the directory afresh each time, and remembers the answer for when it does not answer."""

    def __init__(self, directory: Directory, *, seconds: float) -> None:
        self._directory = directory
        self._seconds = seconds
        self._known: dict[Username, tuple[float, Identity]] = {}
        self._everybody: tuple[float, tuple[Identity, ...]] | None = None
        self._lock = Lock()

    def person(self, username: Username) -> Identity:
        """Return a person, as young as the directory lets; raises what the directory raises if nothing is known."""
        try:
            person = self._directory.person(username)
        except DirectoryError as error:
            with self._lock:
                at, known = self._known.get(username, (0.0, None))
            if known is None or time.monotonic() - at > self._seconds:
                raise
            log.warning(
                "the directory does not answer; %s is who they were %.0f s ago: %s",
                username,
                time.monotonic() - at,
                error,
            )
            return known
        except Exception:
            # Locked, gone or changed into nobody: what was known of them is over.
            with self._lock:
                self._known.pop(username, None)
            raise
        with self._lock:
            self._known[username] = (time.monotonic(), person)
        return person

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
