"""From a query to the numbers of datasets, newest first, whatever is rare and whatever is common in it.

A database that walks from the newest and tests each dataset is quick where many match, and slow where few do; one that
collects all hits and sorts them is the other way round. So what is rare is counted first, up to a limit, and leads.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, FromClause, func, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.query import Query
from beamtorch_catalogue.services.access import Reason, counted, reasons, visible_beamtimes
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.strands import InRange, Places, Strand, among, joined, tested
from beamtorch_catalogue.services.terms import Terms
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.models import Beamtime, CensusRow, DatasetRow
from beamtorch_catalogue.stores.places import number
from beamtorch_catalogue.wire import Order

FEW = 20_000
"""Up to so many datasets are collected and sorted; of more, the newest are walked through."""
_TEXT_READ = 8
"""How many times as long PostgreSQL is taken to need for a hit's text, read or tested, as to walk past a dataset."""
_FEW_WITH_WORDS = 2_000
"""With words in a query, each dataset of a range that is collected has its text looked into."""
_HANDFUL = 2_000
"""Up to so many datasets of a strand are looked at one by one before PostgreSQL is asked for all hits of a word."""
_COLLECTING = 3
"""How many times as long it takes to collect and sort a dataset as to walk past one."""
_TESTED = 4000
"""A range is collected, if at all, up to the root of so many times all datasets.

To count a thousand hits in it, a thousand divided by its share of all are tested, and a test is taken to cost what it
costs to collect four.
"""
_RARE = 10
"""Where one dataset in so many or fewer is somebody's own, the full text is asked for hits within their proposals."""
_MOST_PROPOSALS = 400
"""Up to so many proposals are named to the full text, so that it gives hits that somebody may read at once."""
_MOST_MARKS = 40
"""The same for PostgreSQL, which reads the texts of all datasets rather than ask its index for hundreds of words."""
_STALE = timedelta(seconds=60)
_MOST_EXTENTS = 1000


@dataclass(frozen=True)
class Plan:
    """How the datasets of a query are found."""

    strands: tuple[Strand, ...]
    is_census_enough: bool = False
    """Whether nothing is asked that the census does not know."""
    counted: tuple[ColumnElement[bool], ...] = field(default=())
    """The same conditions on the census."""

    def listed(self, limit: int, after: int | None = None, order: Order = Order.NEWEST) -> Places:
        """Return number and place of the first datasets in an order, newest first unless told otherwise.

        Parameters
        ----------
        after
            A place; only what stands further down.
        """
        found = joined([strand.listed(limit, after, order) for strand in self.strands])
        if len(self.strands) > 1:
            place = found.selected_columns.place
            found = found.order_by(place.desc() if order is Order.NEWEST else place).limit(limit)
        return found

    @property
    def is_counted_in_order(self) -> bool:
        """Whether to list the first so many is as quick a way as any to count up to so many."""
        return not self.is_census_enough and all(strand.is_counted_in_order for strand in self.strands)

    def count(self, session: Session, most: int) -> int:
        """Count datasets, up to a number."""
        # What was released first: mostly that is enough, and one's own is not looked at.
        some = joined([strand.some(most) for strand in reversed(self.strands)]).limit(most).subquery()
        return session.scalar(select(func.count()).select_from(some)) or 0


@dataclass(frozen=True)
class _Extent:
    """How many datasets there are, and how many of them are on a strand: enough to choose a way."""

    every: int
    visible: int
    seen_at: datetime


@dataclass(frozen=True)
class _Sought:
    """What is asked for, how many parameters lie in each of its ranges, and how many datasets are wanted at once."""

    terms: Terms
    ranges: tuple[InRange, ...]
    counts: tuple[int, ...]
    rows: int
    order: Order

    @property
    def has_words(self) -> bool:
        return bool(self.terms.words or self.terms.unwanted)

    @property
    def fewest(self) -> InRange:
        """The range with the fewest hits."""
        return self.ranges[self.counts.index(min(self.counts))]

    def is_range_worth_collecting(self, extent: _Extent) -> bool:
        """Tell whether its datasets are quicker collected and sorted than sought among the newest of a strand."""
        hits = min(self.counts, default=FEW + 1)
        if hits > min(FEW, max(extent.visible, 1)):
            return False
        if self.has_words:
            return hits <= _FEW_WITH_WORDS
        expected = hits * extent.visible / max(extent.every, 1)
        walked = extent.visible * self.rows / expected if expected > self.rows else extent.visible
        return hits * _COLLECTING <= walked

    def few_hits(self, extent: _Extent) -> int:
        """Return how many hits PostgreSQL collects and sorts as quickly as it finds the newest by a walk.

        Of ``h`` hits among all datasets, of which a strand has a share, the walk to the first ``rows`` goes past
        ``rows × every / (h × share)`` datasets and tests those that are on the strand.
        """
        share = max(extent.visible, 1) / max(extent.every, 1)
        return math.isqrt(int(self.rows * extent.every * (1 / share + _TEXT_READ) / _TEXT_READ))

    def is_strand_worth_collecting(self, extent: _Extent) -> bool:
        """Tell whether all of a strand are quicker collected and sorted than its newest sought among all datasets."""
        if extent.visible > FEW:
            return False
        if not self.ranges:
            return True
        expected = min(self.counts) * extent.visible / max(extent.every, 1)
        walked = extent.every * self.rows / expected if expected > self.rows else extent.every
        return extent.visible * _COLLECTING <= walked


class Finder:
    """Makes plans."""

    def __init__(self, *, full_text: FullText, is_sqlite: bool) -> None:
        self._full_text, self._is_sqlite = full_text, is_sqlite
        self._extents: OrderedDict[tuple[str, bool], _Extent] = OrderedDict()

    def plan(self, session: Session, reader: Reader, query: Query, filters: Terms, *, rows: int, order: Order) -> Plan:
        """Choose how to find what a query asks for and somebody may read, so many of it at once and in an order."""
        terms = filters.joined(session, query)
        ranges = tuple(InRange.of(wanted) for wanted in terms.ranges)
        sought = _Sought(terms, ranges, tuple(one.count(session, FEW + 1) for one in ranges), rows, order)
        is_counted = not terms.words and not terms.ranges and not terms.unwanted and terms.counted is not None
        return Plan(
            strands=tuple(self._strand(session, reader, reason, sought) for reason in reasons(session, reader)),
            is_census_enough=is_counted,
            counted=(counted(reader), *(terms.counted or ())),
        )

    def _strand(self, session: Session, reader: Reader, reason: Reason, sought: _Sought) -> Strand:
        extent, terms, ranges = self._extent(session, reader, reason), sought.terms, sought.ranges
        is_few = reason.numbers is not None and extent.visible <= FEW
        is_own_rare = reason.is_own and (is_few or extent.visible * _RARE <= extent.every)
        within = _proposals(session, reader) if is_own_rare and terms.words else ()
        within = within if len(within) <= (_MOST_PROPOSALS if self._is_sqlite else _MOST_MARKS) else ()
        words = self._full_text.sought(session, terms.words, terms.unwanted, within, sought.order)
        holds = self._full_text.holds(terms.words, terms.unwanted)
        conditions = [*terms.conditions, reason.condition]
        in_turn = (*holds, *(one.test_in_turn() for one in ranges))
        if sought.is_range_worth_collecting(extent):
            fewest = sought.fewest
            others = tuple(one.test_in_turn() for one in ranges if one is not fewest)
            return Strand((*conditions, among(DatasetRow.number, fewest.numbers())), reason.below, (*holds, *others))
        if words is not None and self._is_sqlite:
            conditions += self._full_text.left_open(terms.words, terms.unwanted, within, sought.order)
            return _led(self._full_text.hits(words), conditions, reason, sought, extent)
        is_handful = reason.numbers is not None and extent.visible <= _HANDFUL
        if words is not None and not is_handful and self._full_text.is_rare(session, words, sought.few_hits(extent)):
            conditions.append(among(DatasetRow.place, select(self._full_text.hits(words))))
            return Strand(tuple(conditions), reason.below, in_turn[len(holds) :])
        is_collected = is_handful or (words is None and sought.is_strand_worth_collecting(extent))
        if reason.numbers is not None and is_collected:
            return Strand((*conditions, among(DatasetRow.number, reason.numbers)), reason.below, in_turn)
        is_plain = bool(ranges) and not sought.has_words and not terms.conditions
        along = sought.fewest if is_plain else None
        in_text = holds if words is None else [DatasetRow.place.in_(select(self._full_text.hits(words).c.place))]
        at_once = (*in_text, *(one.test() for one in ranges if one is not along))
        return Strand(tuple(conditions), reason.below, in_turn, at_once, along=along)

    def _extent(self, session: Session, reader: Reader, reason: Reason) -> _Extent:
        """Return the extent of a strand; the last one for a while, since it decides nothing but the way."""
        key = (reader.name, reason.is_own)
        known = self._extents.get(key)
        if known is None or not known.seen_at <= reader.asked_at < known.seen_at + _STALE:
            visible = select(func.coalesce(func.sum(CensusRow.datasets), 0))
            every = int(session.scalar(visible) or 0)
            joined_in = visible.join(Beamtime, Beamtime.beamtime == CensusRow.beamtime)
            known = _Extent(every, int(session.scalar(joined_in.where(reason.counted)) or 0), reader.asked_at)
            self._extents[key] = known
            while len(self._extents) > _MOST_EXTENTS:
                self._extents.popitem(last=False)
        return known


def _led(
    hits: FromClause, conditions: Sequence[ColumnElement[bool]], reason: Reason, sought: _Sought, extent: _Extent
) -> Strand:
    """Return the strand that goes along hits of the full text.

    Whether a hit is in a range is asked before its dataset is looked at. Of narrow ranges the numbers of all datasets
    are collected.
    """
    narrowest = min(FEW, math.isqrt(_TESTED * extent.every))
    narrow = [one for one, count in zip(sought.ranges, sought.counts, strict=True) if count <= narrowest]
    inside = [among(number(hits.c.place), one.numbers()) for one in narrow]
    others = tuple(one for one in sought.ranges if one not in narrow)
    return Strand(tuple(map(tested, [*inside, *conditions])), reason.below, leading=hits, beside=others)


def _proposals(session: Session, reader: Reader) -> Sequence[str]:
    """Return the proposals of which all is somebody's own."""
    if reader.identity is not None and not reader.identity.staffed_beamlines:
        return sorted(reader.identity.proposals)
    named = select(Beamtime.proposal).where(visible_beamtimes(reader))
    return session.scalars(named.distinct().limit(_MOST_PROPOSALS + 1)).all()
