"""Registered addresses in the database."""

from sqlalchemy.orm import Session


class Terminals:
    """The terminals, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
