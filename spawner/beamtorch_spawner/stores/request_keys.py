"""Idempotency keys in the database."""

from sqlalchemy.orm import Session


class RequestKeys:
    """The keys, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
