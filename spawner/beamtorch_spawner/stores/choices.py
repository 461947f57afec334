"""What servers get at their next start, in the database."""

from datetime import datetime

from sqlalchemy.orm import Session

from beamtorch_spawner.resources import Resources
from beamtorch_spawner.stores.tables import ChoiceRow


class Choices:
    """The choices, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, username: str, server: str) -> ChoiceRow | None:
        """Return what somebody chose for a server."""
        return self._session.get(ChoiceRow, (username, server))

    def put(self, *, username: str, server: str, environment: str, resources: Resources, at: datetime) -> None:
        """Keep a choice."""
        self._session.merge(
            ChoiceRow(
                username=username,
                server=server,
                environment=environment,
                cores=resources.cores,
                memory=resources.memory,
                extended=dict(resources.extended),
                changed_at=at,
            )
        )
        self._session.flush()
