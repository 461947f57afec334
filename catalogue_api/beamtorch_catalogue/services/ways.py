"""What is asked for, about how much of it there is, and what follows for the way to it in any database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.extents import Extent
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reasons import Reason
from beamtorch_catalogue.services.strands import InRange, Places, Strand, among
from beamtorch_catalogue.services.terms import Terms
from beamtorch_catalogue.stores.models import DatasetRow
from beamtorch_catalogue.wire import Order

FEW = 20_000
"""Up to so many datasets are collected and sorted; of more, the newest are walked through."""


@dataclass(frozen=True)
class Sought:
    """What is asked for, about how many parameters lie in each of its ranges, and how many datasets are wanted."""

    terms: Terms
    ranges: tuple[InRange, ...]
    hits: tuple[int, ...]
    rows: int
    order: Order

    @property
    def fewest(self) -> InRange:
        """The range with the fewest hits."""
        return self.ranges[self.hits.index(min(self.hits))]

    def in_turn(self, *but: InRange) -> tuple[ColumnElement[bool], ...]:
        """Return the tests of all ranges but some."""
        return tuple(one.test_in_turn() for one in self.ranges if one not in but)

    def along_range(self, reason: Reason, in_text: Sequence[ColumnElement[bool]]) -> Strand:
        """Return the strand that collects the datasets of the narrowest range."""
        conditions = (*self.terms.conditions, reason.condition)
        narrowest = among(DatasetRow.number, self.fewest.numbers())
        return Strand(
            (*conditions, narrowest, *in_text, *self.in_turn(self.fewest)),
            reason.below,
            anyhow=self.anyhow(reason, in_text),
        )

    def anyhow(self, reason: Reason, in_text: Sequence[ColumnElement[bool]]) -> Places:
        """Return datasets in whatever order they are found soonest: along the narrowest range if there is one."""
        conditions = (*self.terms.conditions, reason.condition, *in_text)
        found = select(DatasetRow.number, DatasetRow.place)
        if self.ranges and not self.terms.conditions:
            along = self.fewest
            # The sum keeps a database from going the other way, from every dataset to its parameters.
            of_parameter = along.dataset + 0
            found = found.join_from(along.table, DatasetRow, DatasetRow.number == of_parameter).where(*along.in_index)
            return found.where(*conditions, *self.in_turn(along))
        if reason.below is not None:
            found = found.where(DatasetRow.place < reason.below)
        return found.where(*conditions, *(one.test() for one in self.ranges))


@dataclass(frozen=True)
class Part:
    """What may be read for one reason."""

    reason: Reason
    extent: Extent


class Ways(Protocol):
    """Chooses the ways that a database goes."""

    def strands(
        self, session: Session, reader: Reader, parts: Sequence[Part], whole: Reason, sought: Sought
    ) -> tuple[Strand, ...]:
        """Return how to find what is sought in each part, or in all of them at once."""
        ...
