"""What the clocks last said, in the database."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from beamtorch_spawner.stores.tables import ClockMarkRow


class ClockMarks:
    """The marks of the clocks, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, boot: str) -> ClockMarkRow | None:
        """Return what the clocks last said since a start of a machine."""
        return self._session.get(ClockMarkRow, boot)

    def put(self, *, boot: str, elapsed: float, wall: datetime) -> None:
        """Write down what the clocks say."""
        self._session.merge(ClockMarkRow(boot=boot, elapsed=elapsed, wall=wall))

    def forget_before(self, at: datetime) -> None:
        """Forget starts of machines that are long over."""
        self._session.execute(delete(ClockMarkRow).where(ClockMarkRow.wall < at))
