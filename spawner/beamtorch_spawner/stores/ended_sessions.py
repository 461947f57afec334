"""Browser sessions that a release ended, in the database."""

from sqlalchemy.orm import Session


class EndedSessions:
    """The ended sessions, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
