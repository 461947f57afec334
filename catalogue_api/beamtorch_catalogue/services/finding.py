"""From a query to the numbers of datasets, newest first, whatever is rare and whatever is common in it.

A database that walks from the newest and tests each dataset is quick where many match, and slow where few do; one that
collects all hits and sorts them is the other way round. So what is rare is counted first, up to a limit, and leads.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from beamtorch_catalogue.query import Query, Range
from beamtorch_catalogue.services.access import counted, own, readable, released
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.terms import Terms
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.models import Beamtime, CensusRow, DatasetRow, ParameterRow

FEW = 20_000
"""Up to so many datasets are collected and sorted; of more, the newest are walked through."""
_COLLECTING = 3
"""How many times as long it takes to collect and sort a dataset as to walk past one."""
_FEW_WITH_WORDS = 2_000
"""With words in a query, each dataset of a range that is collected has its text looked into."""
_STALE = timedelta(seconds=60)
_MOST_EXTENTS = 1000
_MOST_PROPOSALS = 400
"""Up to so many proposals are named to the full text, so that it gives hits that somebody may read at once."""


@dataclass(frozen=True)
class Plan:
    """How the datasets of a query are found."""

    conditions: tuple[ColumnElement[bool], ...]
    """What each of them fulfils."""
    leading: FromClause | None = None
    """Hits of the full text that come newest first, with a column ``place``."""
    is_census_enough: bool = False
    """Whether nothing is asked that the census does not know."""
    counted: tuple[ColumnElement[bool], ...] = field(default=())
    """The same conditions on the census."""
    ranges: "tuple[_Hits, ...]" = ()
    """In which each of them has a parameter."""
    along: "_Hits | None" = None
    """The one of the ranges along which hits are counted soonest."""

    def numbers(self, after: int | None = None) -> Select[int, int]:
        """Return number and place of all datasets, newest first.

        Parameters
        ----------
        after
            A place; only what stands further down.
        """
        place = DatasetRow.place if self.leading is None else self.leading.c.place
        query = select(DatasetRow.number, place.label("place"))
        if self.leading is not None:
            query = query.select_from(self.leading).join(DatasetRow, DatasetRow.place == self.leading.c.place)
        query = query.where(*self.conditions, *(one.test() for one in self.ranges)).order_by(place.desc())
        return query if after is None else query.where(place < after)

    def hits(self) -> Select[*tuple[Any, ...]]:
        """Return all datasets in no order, to count some of them."""
        if self.along is None:
            return self.numbers().order_by(None)
        others = (one.test() for one in self.ranges if one is not self.along)
        # The sum keeps a database from going the other way, from every dataset to its parameters.
        number = self.along.row.dataset + 0
        found = select(number.label("number")).join(DatasetRow, DatasetRow.number == number)
        return found.where(*self.along.conditions, *self.conditions, *others)


@dataclass(frozen=True)
class _Extent:
    """How many datasets there are, and how many of them somebody may read: enough to choose a way."""

    every: int
    visible: int
    seen_at: datetime


class Finder:
    """Makes plans."""

    def __init__(self, *, full_text: FullText, is_sqlite: bool) -> None:
        self._full_text, self._is_sqlite = full_text, is_sqlite
        self._extents: OrderedDict[str, _Extent] = OrderedDict()

    def plan(self, session: Session, reader: Reader, query: Query, filters: Terms, *, rows: int) -> Plan:
        """Choose how to find what a query asks for and somebody may read, so many of it at once."""
        terms = filters.joined(session, query)
        extent = self._extent(session, reader)
        is_few = not reader.sees_all and extent.visible <= FEW
        within = _proposals(session, reader) if is_few and terms.words else ()
        sought = self._full_text.sought(terms.words, terms.unwanted, within if len(within) <= _MOST_PROPOSALS else ())
        ranges = [_Hits.of(wanted) for wanted in terms.ranges]
        counts = [one.count(session) for one in ranges]
        fewest = min(counts, default=FEW + 1)
        conditions = [*terms.conditions, readable(reader)]
        leading: FromClause | None = None
        along: _Hits | None = None
        if _is_worth_collecting(fewest, extent, rows, has_words=bool(terms.words or terms.unwanted)):
            lead = ranges.pop(counts.index(fewest))
            conditions += [
                _among(DatasetRow.number, lead.numbers()),
                *self._full_text.holds(terms.words, terms.unwanted),
            ]
        elif sought is not None and self._is_sqlite:
            leading = self._full_text.hits(sought)
        elif sought is not None and (is_few or self._full_text.is_rare(session, sought, FEW)):
            conditions.append(_among(DatasetRow.place, select(self._full_text.hits(sought))))
        else:
            if is_few:
                conditions.append(_among(DatasetRow.number, _visible_numbers(reader)))
            elif ranges and not terms.words and not terms.unwanted and not terms.conditions:
                along = ranges[counts.index(fewest)]
            conditions += self._full_text.holds(terms.words, terms.unwanted)
        is_counted = not terms.words and not terms.ranges and not terms.unwanted and terms.counted is not None
        return Plan(
            conditions=tuple(conditions),
            leading=leading,
            is_census_enough=is_counted,
            counted=(counted(reader), *(terms.counted or ())),
            ranges=tuple(ranges),
            along=along,
        )

    def _extent(self, session: Session, reader: Reader) -> _Extent:
        """Return the extent for somebody; the last one for a while, since it decides nothing but the way."""
        known = self._extents.get(reader.name)
        if known is None or not known.seen_at <= reader.asked_at < known.seen_at + _STALE:
            every = _count_all(session)
            visible = every if reader.sees_all else _count_visible(session, reader)
            known = self._extents[reader.name] = _Extent(every, visible, reader.asked_at)
            while len(self._extents) > _MOST_EXTENTS:
                self._extents.popitem(last=False)
        return known


def _is_worth_collecting(hits: int, extent: _Extent, rows: int, *, has_words: bool) -> bool:
    """Tell whether the datasets of a range are quicker collected and sorted than sought among the newest."""
    if hits > FEW:
        return False
    if has_words:
        return hits <= _FEW_WITH_WORDS
    expected = hits * extent.visible / max(extent.every, 1)
    walked = extent.every * rows / expected if expected > rows else extent.every
    return hits * _COLLECTING <= walked


@dataclass(frozen=True)
class _Hits:
    """The parameters within a range."""

    row: Any
    conditions: tuple[ColumnElement[bool], ...]

    @classmethod
    def of(cls, wanted: Range) -> Self:
        """Return those of a range."""
        row = aliased(ParameterRow)
        hit: list[ColumnElement[bool]] = [row.name == wanted.name, row.dimension == wanted.dimension]
        if wanted.low is not None:
            hit.append(row.si >= wanted.low)
        if wanted.high is not None:
            hit.append(row.si <= wanted.high)
        return cls(row, tuple(hit))

    def numbers(self) -> Select[Any]:
        """Return the numbers of their datasets."""
        return select(self.row.dataset).where(*self.conditions)

    def count(self, session: Session) -> int:
        """Count them, up to one more than few."""
        probe = select(func.count()).select_from(self.numbers().limit(FEW + 1).subquery())
        return session.scalar(probe) or 0

    def test(self) -> ColumnElement[bool]:
        """Return the condition that one dataset after the other has such a parameter."""
        return exists().where(self.row.dataset == DatasetRow.number, *self.conditions)


def _among(column: InstrumentedAttribute[int], hits: Select[Any]) -> ColumnElement[bool]:
    """Return the condition to be among hits that are collected once, and not asked for again for every row."""
    collected = hits.cte(nesting=True).prefix_with("MATERIALIZED")
    return column.in_(select(collected.c[0]))


def _count_visible(session: Session, reader: Reader) -> int:
    total = select(func.coalesce(func.sum(CensusRow.datasets), 0))
    joined = total.select_from(CensusRow).join(Beamtime, Beamtime.beamtime == CensusRow.beamtime)
    return int(session.scalar(joined.where(counted(reader))) or 0)


def _count_all(session: Session) -> int:
    return int(session.scalar(select(func.coalesce(func.sum(CensusRow.datasets), 0))) or 0)


def _visible_numbers(reader: Reader) -> Select[Any]:
    """Return the numbers of all that somebody may read, each way by its own index."""
    opened = select(CensusRow.beamtime).where(released(reader, CensusRow), CensusRow.datasets > 0)
    conditions = (*own(reader), and_(DatasetRow.beamtime.in_(opened), released(reader, DatasetRow)))
    ways = [select(DatasetRow.number).where(way) for way in conditions]
    first, *others = ways
    return select(first.union(*others).subquery().c.number) if others else first


def _proposals(session: Session, reader: Reader) -> Sequence[str]:
    """Return the proposals of which somebody may read anything."""
    named = select(Beamtime.proposal).join(CensusRow, CensusRow.beamtime == Beamtime.beamtime)
    return session.scalars(named.where(counted(reader)).distinct().limit(_MOST_PROPOSALS + 1)).all()
