"""How PostgreSQL finds datasets: among the newest, among one's own, or among all hits of a word.

Conditions are written so that the planner is left little choice: its guesses are far off where several meet. See
decisions 35 and 36.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.access import Reason
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.strands import DATASETS, InRange, Places, Rows, Strand
from beamtorch_catalogue.services.ways import FEW, Part, Sought
from beamtorch_catalogue.stores.full_text import PostgresFullText
from beamtorch_catalogue.stores.models import DatasetRow
from beamtorch_catalogue.stores.places import number
from beamtorch_catalogue.wire import Order

_TEXT = 2
"""How many times as long it takes to look into a text as to walk past a dataset, or to read a hit of words."""
_IN_RANGE = 3
"""The same for a number of a range, of which the dataset is read, and its text."""
_MOST_SORTED = 200_000
"""So many hits fit into the memory that a connection has for sorting."""
_UNEVEN = 2
"""How many times as far a walk is taken to go as if all that is sought lay evenly among the rest."""
_LOOKED_UP = 20
"""How many times as long it takes to look up the parameter of a hit as to collect one number of a range."""
_MOST_COUNTED = 1000
"""About how many datasets are counted, on which it depends of how many hits a parameter is looked up."""


@dataclass(frozen=True)
class _Cost:
    """What it costs to find the wanted rows of a part, in datasets that are walked past."""

    walk: float
    gather: float

    @classmethod
    def of(cls, part: Part, sought: Sought, in_range: int | None, hits: int | None) -> Self:
        every, visible = max(part.extent.every, 1), part.extent.visible
        share = math.prod(some / every for some in (in_range, hits) if some is not None)
        reached = min(1.0, sought.rows / max(visible * share, 1))
        looked_into = reached * visible * (0 if hits is None else _TEXT)
        is_gatherable = bool(part.reason.indexed) and visible <= FEW
        return cls(reached * every + looked_into, visible + looked_into if is_gatherable else math.inf)


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
        by_range = math.inf if in_range is None or in_range > _MOST_SORTED else in_range * _IN_RANGE
        by_words = math.inf if hits is None or hits > _MOST_SORTED else hits
        if by_range < min(by_words, apart):
            holds = self._full_text.holds(terms.words, terms.unwanted)
            return (sought.along_range(whole, holds),)
        if words is not None and by_words < apart:
            return (self._in_words(words, whole, sought, parts[0].extent.every),)
        return tuple(
            self._gathered(part.reason, sought)
            if cost.gather < _UNEVEN * cost.walk
            else self._walked(part, sought, words if in_range is None or (hits or 0) <= in_range else None)
            for part, cost in zip(parts, costs, strict=True)
        )

    def _walked(self, part: Part, sought: Sought, words: str | None) -> Strand:
        """Return the strand that is sought among the newest, and counted along a range or along hits of words."""
        terms, reason = sought.terms, part.reason
        conditions = (*terms.conditions, reason.condition)
        holds = self._full_text.holds(terms.words, terms.unwanted)
        every = part.extent.every
        anyhow = sought.anyhow(reason, holds) if words is None else self._hits(words, reason, sought, every)
        return Strand((*conditions, *holds, *sought.in_turn()), reason.below, anyhow=anyhow)

    def _in_words(self, words: str, reason: Reason, sought: Sought, every: int) -> Strand:
        """Return the strand that sorts all hits of words, and reads their datasets as far as they are wanted."""
        hits = self._full_text.hits(words)
        newest = sought.order is Order.NEWEST
        collected = _collected(sought, every)
        of_hit = number(hits.c.place)
        led = (
            select(hits)
            .where(*(of_hit.in_(one.numbers()) for one in collected))
            .order_by(hits.c.down if newest else hits.c.down.desc())
            .subquery("led")
        )
        source = led.join(DATASETS, DATASETS.c.place == led.c.place)
        return Strand(
            (*sought.terms.conditions, reason.condition, *sought.in_turn(*collected)),
            reason.below,
            Rows(source, DATASETS.c.number, DATASETS.c.place, led.c.down),
            anyhow=self._hits(words, reason, sought, every),
            collects=True,
        )

    def _gathered(self, reason: Reason, sought: Sought) -> Strand:
        """Return the strand whose datasets are sorted first, so that no more are looked into than are wanted.

        They are sorted by what there is no index of: by one, the planner would pass all newer datasets of others.
        """
        down = (-DatasetRow.place).label("down")
        own = (
            select(DatasetRow.number, DatasetRow.place, down)
            .where(*sought.terms.conditions, reason.condition, or_(*reason.indexed))
            .order_by(down if sought.order is Order.NEWEST else down.desc())
            .subquery("own")
        )
        holds = self._full_text.holds(sought.terms.words, sought.terms.unwanted, own.c.place)
        in_ranges = (one.test_in_turn(own.c.number) for one in sought.ranges)
        return Strand((*holds, *in_ranges), reason.below, Rows(own, own.c.number, own.c.place, own.c.down))

    def _hits(self, words: str, reason: Reason, sought: Sought, every: int) -> Places:
        """Return the datasets of a strand in the order of the hits of words, in the ranges before they are read.

        The hits are a table of their own, which gives them one by one; joined at once, the planner may begin with any.
        """
        found = self._full_text.hits(words)
        of_hit = number(found.c.place)
        collected = _collected(sought, every)
        in_ranges = (
            of_hit.in_(one.numbers()) if one in collected else one.test_in_turn(of_hit) for one in sought.ranges
        )
        # The sum keeps the planner from listing all that is below by an index.
        below = [] if reason.below is None else [found.c.place + 0 < reason.below]
        of_words = (
            select(found.c.place).where(*below, *in_ranges).cte("of_words", nesting=True).prefix_with("MATERIALIZED")
        )
        joined = select(DatasetRow.number, DatasetRow.place).join_from(
            of_words, DatasetRow, DatasetRow.place == of_words.c.place
        )
        return joined.where(*sought.terms.conditions, reason.condition)


def _collected(sought: Sought, every: int) -> list[InRange]:
    """Return the ranges of which all numbers are collected, rather than to look up the parameter of each hit."""
    most = math.isqrt(_LOOKED_UP * _MOST_COUNTED * every)
    return [one for one, count in zip(sought.ranges, sought.hits, strict=True) if count <= most]
