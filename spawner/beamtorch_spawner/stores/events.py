"""What was told on the event stream, in the database."""

from sqlalchemy.orm import Session


class Events:
    """The events, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
