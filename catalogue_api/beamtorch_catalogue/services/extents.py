"""About how many datasets and parameters there are: it decides nothing but the way by which a search goes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.query import Range
from beamtorch_catalogue.services.access import Reason
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.strands import InRange
from beamtorch_catalogue.stores.models import Beamtime, CensusRow

Count = TypeVar("Count")
_STALE = timedelta(seconds=60)
_MOST_KNOWN = 1000


@dataclass(frozen=True)
class Extent:
    """How many datasets there are, and how many of them are on a strand."""

    every: int
    visible: int


class Extents:
    """Counts what ways are chosen by, and keeps it for a minute: a page, its count and its facets come together."""

    def __init__(self) -> None:
        self._extents: _Known[Extent] = _Known()
        self._hits: _Known[int] = _Known()

    def of_strand(self, session: Session, reader: Reader, reason: Reason) -> Extent:
        """Return the extent of a strand."""

        def count() -> Extent:
            visible = select(func.coalesce(func.sum(CensusRow.datasets), 0))
            joined_in = visible.join(Beamtime, Beamtime.beamtime == CensusRow.beamtime)
            every = int(session.scalar(visible) or 0)
            return Extent(every, int(session.scalar(joined_in.where(reason.counted)) or 0))

        return self._extents.get((reader.name, reason.is_own), reader.asked_at, count)

    def of_range(self, session: Session, asked_at: datetime, wanted: Range) -> int:
        """Return about how many parameters are in a range."""
        key = (wanted.name, wanted.dimension, wanted.low, wanted.high)
        return self._hits.get(key, asked_at, lambda: InRange.of(wanted).estimate(session))


class _Known(Generic[Count]):
    """What was counted last, the oldest of very many forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[datetime, Count]] = OrderedDict()

    def get(self, key: Hashable, now: datetime, count: Callable[[], Count]) -> Count:
        known = self._known.get(key)
        if known is None or not known[0] <= now < known[0] + _STALE:
            known = now, count()
            self._known[key] = known
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return known[1]
