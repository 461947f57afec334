"""Limits in the database."""

from sqlalchemy.orm import Session


class Quotas:
    """The limits, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
