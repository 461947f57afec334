"""Browser sessions at the Hub that ended with a release at a terminal."""

from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.wire import EndedSession


class Sessions:
    """Tells the Hub which browsers to sign out."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def ended_after(self, number: int) -> list[EndedSession]:
        """Return the sessions that ended after one, oldest first."""
        with self._database.reading() as stores:
            return [
                EndedSession(number=row.number, session=row.session, username=row.username, at=row.at)
                for row in stores.ended_sessions.after(number)
            ]
