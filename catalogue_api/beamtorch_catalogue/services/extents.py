"""About how many datasets and parameters there are: it decides nothing but the way by which a search goes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.query import Range
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reasons import Reason
from beamtorch_catalogue.services.strands import InRange
from beamtorch_catalogue.stores.models import Beamtime, CensusRow

_DATASETS = select(func.coalesce(func.sum(CensusRow.datasets), 0))
_STALE = timedelta(minutes=5)
_MOST_KNOWN = 1000


@dataclass(frozen=True)
class Extent:
    """How many datasets there are, and how many of them are on a strand."""

    every: int
    visible: int


class Extents:
    """Counts what ways are chosen by, and keeps it for a while: who looks at a page looks for more of it."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[datetime, int]] = OrderedDict()

    def of_strand(self, session: Session, reader: Reader, reason: Reason) -> Extent:
        """Return the extent of a strand."""
        every = self._about("every", reader.asked_at, lambda: session.scalar(_DATASETS))
        if reader.sees_all:
            return Extent(every, every)

        def count() -> int | None:
            return session.scalar(_DATASETS.join_from(CensusRow, Beamtime).where(reason.counted))

        return Extent(every, self._about((type(reason), reason.whose), reader.asked_at, count))

    def of_range(self, session: Session, asked_at: datetime, wanted: Range) -> int:
        """Return about how many parameters are in a range."""
        key = (wanted.name, wanted.dimension, wanted.low, wanted.high)
        return self._about(key, asked_at, lambda: InRange.of(wanted).estimate(session))

    def _about(self, key: Hashable, now: datetime, count: Callable[[], int | None]) -> int:
        """Return what was counted last, or count it again; the oldest of very many are forgotten."""
        known = self._known.get(key)
        if known is None or not known[0] <= now < known[0] + _STALE:
            known = now, int(count() or 0)
            self._known[key] = known
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return known[1]
