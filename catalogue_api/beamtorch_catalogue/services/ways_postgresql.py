"""How PostgreSQL finds datasets: among the newest, among one's own, or among all hits of a word.

Conditions are written so that the planner is left little choice: its guesses are far off where several meet. See
decision 35.
"""

import math

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.access import Reason
from beamtorch_catalogue.services.extents import Extent
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.strands import Places, Rows, Strand, among
from beamtorch_catalogue.services.ways import FEW, Sought
from beamtorch_catalogue.stores.full_text import PostgresFullText
from beamtorch_catalogue.stores.models import DatasetRow
from beamtorch_catalogue.stores.places import number
from beamtorch_catalogue.wire import Order

_TEXT = 2
"""How many times as long it takes to look into a text, or to read a hit of a word, as to walk past a dataset."""
_IN_RANGE = 3
"""The same for a number of a range, of which the dataset is read, and its text."""
_LOOKED_UP = 20
"""How many times as long it takes to look up the parameter of a hit as to collect one number of a range."""
_MOST_COUNTED = 1000
"""About how many datasets are counted, on which it depends of how many hits a parameter is looked up."""


class PostgresWays:
    """Chooses among the ways."""

    def __init__(self, full_text: PostgresFullText) -> None:
        self._full_text = full_text

    def strand(
        self,
        session: Session,
        reader: Reader,  # noqa: ARG002 - the other one's
        reason: Reason,
        extent: Extent,
        sought: Sought,
    ) -> Strand:
        """Return how to find what is sought and may be read for one reason."""
        terms = sought.terms
        conditions = (*terms.conditions, reason.condition)
        words = self._full_text.sought(session, terms.words, terms.unwanted)
        hits = extent.every if words is None else self._full_text.estimate(session, words)
        in_range = min(sought.hits, default=extent.every)
        share = in_range * hits / max(extent.every, 1) ** 2
        reached = min(1.0, sought.rows / max(extent.visible * share, 1))
        looked_into = reached * extent.visible * (_TEXT if words else 0)
        walk, gather = reached * extent.every + looked_into, extent.visible + looked_into
        if in_range <= FEW and in_range * _IN_RANGE < min(walk, gather):
            return sought.along_range((*conditions, *self._full_text.holds(terms.words, terms.unwanted)), reason)
        if words is not None and hits <= FEW and hits * _TEXT < min(walk, gather):
            in_words = among(DatasetRow.place, select(self._full_text.hits(words).c.place))
            return Strand((*conditions, in_words, *sought.in_turn()), reason.below)
        if reason.indexed and extent.visible <= FEW and gather < walk:
            return self._gathered(reason, sought)
        holds = self._full_text.holds(terms.words, terms.unwanted)
        return Strand(
            (*conditions, *holds, *sought.in_turn()),
            reason.below,
            anyhow=sought.anyhow(conditions, reason, holds)
            if words is None or in_range < hits
            else self._hits(words, hits, reason, sought, extent),
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

    def _hits(self, words: str, hits: int, reason: Reason, sought: Sought, extent: Extent) -> Places:
        """Return the datasets of a strand in the order of the hits of words, in the ranges before they are read.

        The hits are a table of their own, which gives them one by one; joined at once, the planner may begin with any.
        """
        found = self._full_text.hits(words)
        of_hit = number(found.c.place)
        most = min(math.isqrt(_LOOKED_UP * _MOST_COUNTED * extent.every), _LOOKED_UP * hits)
        in_ranges = (
            of_hit.in_(one.numbers()) if count <= most else one.test_in_turn(of_hit)
            for one, count in zip(sought.ranges, sought.hits, strict=True)
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
