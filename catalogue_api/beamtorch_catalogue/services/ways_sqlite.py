"""How SQLite finds datasets: along the hits of its full text, which come newest first, or along an index."""

import math
from collections.abc import Sequence

from sqlalchemy import ColumnElement, FromClause, and_, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.access import visible_beamtimes
from beamtorch_catalogue.services.extents import Extent
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reasons import Reason
from beamtorch_catalogue.services.strands import DATASETS, Rows, Strand, among, tested
from beamtorch_catalogue.services.ways import FEW, Part, Sought
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow
from beamtorch_catalogue.stores.places import number

_TESTED = 2000
"""A range is collected, if at all, up to the root of so many times all datasets.

To count 500 hits in it, 500 divided by its share of all are tested, and a test is taken to cost what it costs to
collect four.
"""
_RARE = 10
"""Where one dataset in so many or fewer is somebody's own, the full text is asked for hits within their proposals."""
_MOST_PROPOSALS = 400
"""Up to so many proposals are named to the full text, so that it gives hits that somebody may read at once."""

_FEW_WITH_WORDS = 2_000
"""With words in a query, each dataset of a range that is collected has its text looked into."""
_COLLECTING = 3
"""How many times as long it takes to collect and sort a dataset as to walk past one."""


class SqliteWays:
    """Chooses among the ways."""

    def __init__(self, full_text: FullText) -> None:
        self._full_text = full_text

    def strands(
        self, session: Session, reader: Reader, parts: Sequence[Part], whole: Reason, sought: Sought
    ) -> tuple[Strand, ...]:
        """Return how to find what is sought in each part, or in all of them at once."""
        if all(_is_range_worth_collecting(sought, one.extent) for one in parts):
            return (self._along_range(whole, sought),)
        return tuple(self._strand(session, reader, one, sought) for one in parts)

    def _along_range(self, reason: Reason, sought: Sought) -> Strand:
        holds = self._full_text.holds(sought.terms.words, sought.terms.unwanted)
        return sought.along_range(reason, holds)

    def _strand(self, session: Session, reader: Reader, part: Part, sought: Sought) -> Strand:
        terms, reason, extent = sought.terms, part.reason, part.extent
        if _is_range_worth_collecting(sought, extent):
            return self._along_range(reason, sought)
        conditions = [*terms.conditions, reason.condition]
        if terms.words:
            within = self._within(session, reader, reason, extent)
            words = self._full_text.sought(session, terms.words, terms.unwanted, within, sought.order)
            if words is not None:
                conditions += self._full_text.left_open(terms.words, terms.unwanted, within, sought.order)
                return _led(self._full_text.hits(words), conditions, reason, sought, extent)
        holds = self._full_text.holds(terms.words, terms.unwanted)
        in_turn = (*holds, *sought.in_turn())
        if reason.indexed and _is_strand_worth_collecting(sought, extent):
            return Strand((*conditions, among(DatasetRow.number, reason.numbers), *in_turn), reason.below)
        return Strand((*conditions, *in_turn), reason.below, anyhow=sought.anyhow(reason, holds))

    @staticmethod
    def _within(session: Session, reader: Reader, reason: Reason, extent: Extent) -> Sequence[str]:
        """Return the proposals to which the full text keeps; none: it gives hits of all."""
        if not reason.is_own or extent.visible > max(FEW, extent.every // _RARE):
            return ()
        found = _proposals(session, reader)
        return found if len(found) <= _MOST_PROPOSALS else ()


def _is_range_worth_collecting(sought: Sought, extent: Extent) -> bool:
    """Tell whether its datasets are quicker collected and sorted than sought among the newest of a strand."""
    hits = min(sought.hits, default=FEW + 1)
    if hits > min(FEW, max(extent.visible, 1)):
        return False
    if sought.terms.words or sought.terms.unwanted:
        return hits <= _FEW_WITH_WORDS
    expected = hits * extent.visible / max(extent.every, 1)
    walked = extent.visible * sought.rows / expected if expected > sought.rows else extent.visible
    return hits * _COLLECTING <= walked


def _is_strand_worth_collecting(sought: Sought, extent: Extent) -> bool:
    """Tell whether all of a strand are quicker collected and sorted than its newest sought among all datasets."""
    if extent.visible > FEW:
        return False
    if not sought.ranges:
        return True
    expected = min(sought.hits) * extent.visible / max(extent.every, 1)
    walked = extent.every * sought.rows / expected if expected > sought.rows else extent.every
    return extent.visible * _COLLECTING <= walked


def _led(
    hits: FromClause, conditions: Sequence[ColumnElement[bool]], reason: Reason, sought: Sought, extent: Extent
) -> Strand:
    """Return the strand that goes along hits of the full text.

    Whether a hit is in a range is asked before its dataset is looked at. Of narrow ranges the numbers of all datasets
    are collected.
    """
    of_hit = number(hits.c.place)
    narrow = min(FEW, math.isqrt(_TESTED * extent.every), 4 * extent.visible)
    tests, source = [], hits
    for one, count in zip(sought.ranges, sought.hits, strict=True):
        if count <= narrow:
            tests.append(among(of_hit, one.numbers()))
        else:
            # From the left only: SQLite would rather go through all parameters of a name. And a row that is joined is
            # found sooner than one that is asked for by a question of its own.
            source = source.outerjoin(one.table, and_(one.dataset == of_hit, *one.conditions))
            tests.append(one.dataset.is_not(None))
    source = source.join(DATASETS, DATASETS.c.number == of_hit)
    rows = Rows(source, DATASETS.c.number, DATASETS.c.place, hits.c.down)
    return Strand(tuple(map(tested, [*tests, *conditions])), reason.below, rows)


def _proposals(session: Session, reader: Reader) -> Sequence[str]:
    """Return the proposals of which all is somebody's own."""
    if reader.identity is not None and not reader.identity.staffed_beamlines:
        return sorted(reader.identity.proposals)
    named = select(Beamtime.proposal).where(visible_beamtimes(reader))
    return session.scalars(named.distinct().limit(_MOST_PROPOSALS + 1)).all()
