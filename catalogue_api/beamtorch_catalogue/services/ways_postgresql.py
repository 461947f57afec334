"""How PostgreSQL finds datasets: among the newest, among one's own, or among all hits of a word.

Conditions are written so that the planner is left little choice: its guesses are far off where several meet. See
decisions 35 and 36.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, and_, case, false, or_, select, true
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reasons import Reason
from beamtorch_catalogue.services.strands import DATASETS, InRange, Places, Rows, Strand
from beamtorch_catalogue.services.ways import FEW, Part, Sought
from beamtorch_catalogue.stores.full_text import PostgresFullText
from beamtorch_catalogue.stores.models import DatasetRow
from beamtorch_catalogue.stores.places import number
from beamtorch_catalogue.wire import Order

_LOOK = 2
"""How many times as long it takes to look into a text, or for a parameter, as to walk past a dataset."""
_HIT, _IN_RANGE, _TEXT_IN_RANGE = 1.5, 7, 5
"""The same for a hit of words that is sorted, and for a number of a range, of which dataset and text are read.

Whoever walks reads what lies together; the datasets of a range lie anywhere.
"""
_GATHERED = 0.2
"""The same for a dataset of which nothing but its place in an index is read."""
_MOST_SORTED = 200_000
"""So many hits fit into the memory that a connection has for sorting."""
_UNEVEN = 1.5
"""How many times as far a walk is taken to go as if all that is sought lay evenly among the rest."""
_LOOKED_UP = 10
"""How many times as long it takes to look up the parameter of a hit as to collect one number of a range."""
_TESTED = 6
"""The same for a dataset that is walked past, which has been read."""
_WIDE = 8
"""Of a range with more than one dataset in so many, little more is known than that; its numbers are not collected."""
_MOST_COUNTED = 500
"""About how many datasets are counted, on which it depends of how many hits a parameter is looked up."""


@dataclass(frozen=True)
class _Cost:
    """What it costs to find the wanted rows of a part, in datasets that are walked past."""

    walk: float
    gather: float
    tested: float
    """In how many datasets a text or a parameter is looked for."""

    @classmethod
    def of(cls, part: Part, sought: Sought, in_range: int | None, hits: int | None) -> Self:
        every, visible = max(part.extent.every, 1), part.extent.visible
        shares = [some / every for some in (in_range, hits) if some is not None]
        reached = min(1.0, sought.rows / max(visible * math.prod(shares), 1))
        tested = reached * visible
        # What is rarer is looked for first, and the other only where that is found.
        looks = tested * (1 + min(shares) * (len(shares) - 1)) if shares else 0
        if in_range is not None and (hits is None or in_range < hits) and in_range * _WIDE <= every:
            looks = min(looks, in_range / _TESTED)  # it is collected, and nothing looked up
        return cls(reached * every + _LOOK * looks, _gathering(part, sought) + _LOOK * looks, tested)


def _gathering(part: Part, sought: Sought) -> float:
    """Return what it costs to collect and sort a part."""
    visible = part.extent.visible
    if not part.reason.is_own:
        return visible if part.reason.indexed and visible <= FEW else math.inf
    is_in_index = not sought.terms.conditions and len(part.reason.indexed) == 1
    return _GATHERED * visible if is_in_index else visible


class PostgresWays:
    """Chooses among the ways."""

    def __init__(self, full_text: PostgresFullText) -> None:
        self._full_text = full_text

    def strands(
        self,
        session: Session,
        reader: Reader,  # noqa: ARG002 - the other one's
        parts: Sequence[Part],
        whole: Reason,
        sought: Sought,
    ) -> tuple[Strand, ...]:
        """Return how to find what is sought in each part, or in all of them at once."""
        terms = sought.terms
        words = self._full_text.sought(session, terms.words, terms.unwanted)
        hits = None if words is None else self._full_text.estimate(session, words)
        in_range = min(sought.hits, default=None)
        costs = [_Cost.of(one, sought, in_range, hits) for one in parts]
        apart = sum(min(_UNEVEN * one.walk, one.gather) for one in costs)
        of_range = _IN_RANGE + (0 if hits is None else _TEXT_IN_RANGE)
        by_range = math.inf if in_range is None or in_range > _MOST_SORTED else in_range * of_range
        by_words = math.inf if hits is None or hits > _MOST_SORTED else hits * _HIT
        if by_range < min(by_words, apart):
            holds = self._full_text.holds(terms.words, terms.unwanted)
            return (sought.along_range(whole, holds),)
        if words is not None and by_words < apart:
            return (self._in_words(words, parts, whole, sought),)
        is_range_rarer = in_range is not None and (hits is None or in_range < hits)
        return tuple(
            self._gathered(part, sought, cost.tested, is_range_rarer)
            if cost.gather < _UNEVEN * cost.walk
            else self._walked(part, sought, cost.tested, None if is_range_rarer else words)
            for part, cost in zip(parts, costs, strict=True)
        )

    def _walked(self, part: Part, sought: Sought, tested: float, words: str | None) -> Strand:
        """Return the strand that is sought among the newest, and counted along a range or along hits of words."""
        terms, reason = sought.terms, part.reason
        conditions = (*terms.conditions, reason.condition)
        holds = self._full_text.holds(terms.words, terms.unwanted)
        anyhow = sought.anyhow(reason, holds) if words is None else self._hits(words, reason, sought, [part])
        in_ranges = _in_ranges(DatasetRow.number, part, sought, tested)
        return Strand((*conditions, *_in_order(holds, in_ranges, words is None)), reason.below, anyhow=anyhow)

    def _in_words(self, words: str, parts: Sequence[Part], reason: Reason, sought: Sought) -> Strand:
        """Return the strand that sorts all hits of words, and reads their datasets as far as they are wanted."""
        hits = self._full_text.hits(words)
        newest = sought.order is Order.NEWEST
        every = parts[0].extent.every
        collected = _collected(sought, every)
        of_hit = number(hits.c.place)
        within = _within(hits.c.place, parts)
        led = (
            select(hits)
            .where(*within, *(of_hit.in_(one.numbers()) for one in collected))
            .order_by(hits.c.down if newest else hits.c.down.desc())
            .subquery("led")
        )
        source = led.join(DATASETS, DATASETS.c.place == led.c.place)
        return Strand(
            (*sought.terms.conditions, reason.condition, *sought.in_turn(*collected)),
            reason.below,
            Rows(source, DATASETS.c.number, DATASETS.c.place, led.c.down),
            anyhow=self._hits(words, reason, sought, parts),
        )

    def _gathered(self, part: Part, sought: Sought, tested: float, is_range_rarer: bool) -> Strand:  # noqa: FBT001
        """Return the strand whose datasets are sorted first, so that no more are looked into than are wanted.

        They are sorted by what there is no index of: by one, the planner would pass all newer datasets of others. What
        is asked of each stands in the indexes of proposals and of beamlines, so that no dataset is read.
        """
        down = (-DatasetRow.place).label("down")
        reason = part.reason
        also = () if reason.is_own else (reason.condition,)
        own = (
            select(number(DatasetRow.place).label("number"), DatasetRow.place, down)
            .where(*sought.terms.conditions, or_(*reason.indexed), *also)
            .order_by(down if sought.order is Order.NEWEST else down.desc())
            .subquery("own")
        )
        holds = self._full_text.holds(sought.terms.words, sought.terms.unwanted, own.c.place)
        in_ranges = _in_ranges(own.c.number, part, sought, tested)
        tests = _in_order(holds, in_ranges, is_range_rarer)
        return Strand(tuple(tests), reason.below, Rows(own, own.c.number, own.c.place, own.c.down))

    def _hits(self, words: str, reason: Reason, sought: Sought, parts: Sequence[Part]) -> Places:
        """Return the datasets of a strand in the order of the hits of words, in the ranges before they are read.

        The hits are a table of their own, which gives them one by one; joined at once, the planner may begin with any.
        """
        found = self._full_text.hits(words)
        of_hit = number(found.c.place)
        collected = _collected(sought, parts[0].extent.every)
        in_ranges = (
            of_hit.in_(one.numbers()) if one in collected else one.test_in_turn(of_hit) for one in sought.ranges
        )
        within = _within(found.c.place, parts)
        of_words = (
            select(found.c.place).where(*within, *in_ranges).cte("of_words", nesting=True).prefix_with("MATERIALIZED")
        )
        joined = select(DatasetRow.number, DatasetRow.place).join_from(
            of_words, DatasetRow, DatasetRow.place == of_words.c.place
        )
        return joined.where(*sought.terms.conditions, reason.condition)


def _in_order(
    holds: Sequence[ColumnElement[bool]],
    in_ranges: Sequence[ColumnElement[bool]],
    is_range_first: bool,  # noqa: FBT001
) -> list[ColumnElement[bool]]:
    """Return tests of a dataset as one, in which what is rarer comes first.

    The planner would take them in the order of what it thinks that they cost, or make a join of one.
    """
    if not in_ranges:
        return [*holds]
    first, then = (in_ranges, holds) if is_range_first else (holds, in_ranges)
    return [case((and_(true(), *first), and_(true(), *then)), else_=false())]


def _in_ranges(dataset: Any, part: Part, sought: Sought, tested: float) -> list[ColumnElement[bool]]:
    """Return the tests of ranges, those for which that is quicker by numbers that are collected once."""
    most = min(_TESTED * tested, part.extent.every / _WIDE)
    return [
        dataset.in_(one.numbers()) if count <= most else one.test_in_turn(dataset)
        for one, count in zip(sought.ranges, sought.hits, strict=True)
    ]


def _within(place: ColumnElement[int], parts: Sequence[Part]) -> list[ColumnElement[bool]]:
    """Return what can be told by a place: whether it may be of any part, before its dataset is read.

    The newest data are under embargo. Of all hits of a word, these would be read first.
    """
    said: list[ColumnElement[bool]] = []
    for part in parts:
        if part.reason.below is not None:
            # The sum keeps the planner from listing all that is below by an index.
            said.append(place + 0 < part.reason.below)
        elif part.reason.is_own and part.extent.visible <= _MOST_SORTED:
            said.append(place.in_(select(DatasetRow.place).where(or_(*part.reason.indexed))))
        else:
            return []
    return [or_(*said)]


def _collected(sought: Sought, every: int) -> list[InRange]:
    """Return the ranges of which all numbers are collected, rather than to look up the parameter of each hit."""
    most = math.isqrt(_LOOKED_UP * _MOST_COUNTED * every)
    return [one for one, count in zip(sought.ranges, sought.hits, strict=True) if count <= most]
