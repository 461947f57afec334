"""What the clocks last said, in the database."""

from sqlalchemy.orm import Session


class ClockMarks:
    """The marks of the clocks, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
