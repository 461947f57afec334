"""What somebody may hear of the changes, read on from a place: the one source of streams and webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, and_, exists, or_, select, true

from beamtorch_catalogue.services.access import readable, visible_beamtimes
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores import outbox
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Beamtime, Change, DatasetRow
from beamtorch_catalogue.wire import ChangeEvent
from beamtorch_facility.clock import Clock

MOST_EXAMINED = 5000
"""Changes that one look goes through, whoever asks: a look stays short where little of much is somebody's business."""
_NAMES = tuple(name for name in ChangeEvent.model_fields if name != "id")
_COLUMNS = (Change.number, *(getattr(Change, name) for name in _NAMES))


@dataclass(frozen=True)
class Heard:
    """What is for a reader between two places, oldest first."""

    events: tuple[ChangeEvent, ...]
    since: int
    upto: int


def may_know(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Change`: of datasets that the reader may read now, else of beamtimes that they may see.

    What belongs to no beamtime concerns those who run the facility.
    """
    if reader.identity is None:
        return Change.beamtime.is_not(None) if reader.sees_all else ~true()
    if reader.sees_all:
        return true()
    dataset = select(DatasetRow.number).where(DatasetRow.id == Change.subject_id)
    of_dataset = Change.subject == "dataset"
    is_there = and_(of_dataset, exists(dataset))
    return or_(
        and_(of_dataset, exists(dataset.where(readable(reader)))),
        and_(Change.beamtime.in_(select(Beamtime.beamtime).where(visible_beamtimes(reader))), ~is_there),
    )


class Outbox:
    """The committed changes, in their order."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def newest(self) -> int:
        """Return the number of the newest change, 0 for none."""
        with self._database.reading() as session:
            return outbox.newest(session)

    def since(self, reader: Reader, after: int, *, limit: int, actions: Sequence[str] = ()) -> Heard:
        """Return what a reader may hear of the changes after a place; none if they may hear of none so far."""
        asking_now = replace(reader, asked_at=self._clock.now())
        with self._database.reading() as session:
            upto = outbox.horizon(session, after, MOST_EXAMINED)
            wanted = (
                select(*_COLUMNS)
                .where(Change.number > after, Change.number <= upto, may_know(asking_now))
                .order_by(Change.number)
                .limit(limit)
            )
            if actions:
                wanted = wanted.where(Change.action.in_(actions))
            rows = session.execute(wanted).all() if upto > after else ()
        events = tuple(ChangeEvent(id=row.number, **{n: getattr(row, n) for n in _NAMES}) for row in rows)
        return Heard(events, after, events[-1].id if len(events) == limit else upto)
