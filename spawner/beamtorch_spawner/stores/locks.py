"""Who of several replicas may act on something, in the database."""

from sqlalchemy.orm import Session


class Locks:
    """The locks, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
