"""What servers get at their next start, in the database."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from beamtorch_spawner.resources import Resources
from beamtorch_spawner.stores.tables import Base, ChoiceRow

_TABLE = Base.metadata.tables[ChoiceRow.__tablename__]
_CHOSEN = select(_TABLE.c.environment, _TABLE.c.cores, _TABLE.c.memory, _TABLE.c.extended).where(
    _TABLE.c.username == bindparam("username"), _TABLE.c.server == bindparam("server")
)


class Chosen(NamedTuple):
    """What a server gets at its next start, if that is of an environment."""

    environment: str
    resources: Resources


class Choices:
    """The choices, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, username: str, server: str) -> Chosen | None:
        """Return what somebody chose for a server."""
        self._session.flush()
        row = self._session.connection().execute(_CHOSEN, {"username": username, "server": server}).one_or_none()
        return (
            None
            if row is None
            else Chosen(row.environment, Resources(cores=row.cores, memory=row.memory, extended=row.extended))
        )

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
