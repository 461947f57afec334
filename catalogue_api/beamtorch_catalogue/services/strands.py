"""Ways to the datasets that a query asks for, each under one reason why somebody may read them.

What is one's own and what was released to all lie apart in a list: the newest data are under embargo, so whoever looks
for released ones among the newest walks past all of these. Each strand begins where its own newest can be.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    case,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from beamtorch_catalogue.query import Range
from beamtorch_catalogue.stores.blocks import in_any_block, in_some_blocks, some_blocks
from beamtorch_catalogue.stores.models import DatasetRow, ParameterRow
from beamtorch_catalogue.wire import Order

Places = Select[int, int]
"""A query of the number and the place of datasets."""
_MOST_SAMPLED = 10_000


@cache
def _parameters(turn: int) -> FromClause:
    """Return the table under a name of its own; to make a name takes longer than all else of a range."""
    return ParameterRow.__table__.alias(f"in_range_{turn}")


@dataclass(frozen=True)
class InRange:
    """The parameters within a range."""

    table: FromClause
    conditions: tuple[ColumnElement[bool], ...]

    @classmethod
    def of(cls, wanted: Range, turn: int = 0) -> Self:
        """Return those of a range, which of several in a query it may be."""
        row = _parameters(turn).c
        hit: list[ColumnElement[bool]] = [row.name == wanted.name, row.dimension == wanted.dimension]
        if wanted.low is not None:
            hit.append(row.si >= wanted.low)
        if wanted.high is not None:
            hit.append(row.si <= wanted.high)
        return cls(_parameters(turn), tuple(hit))

    @property
    def dataset(self) -> ColumnElement[int]:
        """The number of their dataset."""
        return self.table.c.dataset

    def numbers(self) -> Select[Any]:
        """Return the numbers of their datasets."""
        return select(self.dataset).where(*self.in_index)

    @property
    def in_index(self) -> tuple[ColumnElement[bool], ...]:
        """The conditions as the index is asked for all of them."""
        return (*self.conditions, in_any_block(self.dataset))

    def estimate(self, session: Session) -> int:
        """Return about how many there are, as some blocks of the index let expect; of very many, only that."""
        sampled, every = some_blocks(session)
        hits = select(self.dataset).where(*self.conditions, in_some_blocks(self.dataset, sampled))
        found = session.scalar(select(func.count()).select_from(hits.limit(_MOST_SAMPLED).subquery())) or 0
        return int(found * every / len(sampled))

    def test(self) -> ColumnElement[bool]:
        """Return the condition that a dataset has such a parameter."""
        return exists().where(self.dataset == DatasetRow.number, *self.conditions)

    def test_in_turn(self, dataset: Any = DatasetRow.number) -> ColumnElement[bool]:
        """Return the same of the number of a dataset, to be looked at for one after the other."""
        own = select(literal_column("1", Integer)).where(self.dataset == dataset, *self.conditions)
        return own.correlate_except(self.table).scalar_subquery() == 1


@dataclass(frozen=True)
class Rows:
    """Where a strand is read from, and what says the number and the place there."""

    source: Any
    number: Any
    place: Any
    down: Any = None
    """The place with its sign turned, where that is what the source is in order of."""

    def above(self, place: int) -> ColumnElement[bool]:
        """Return the condition to stand before a place in a list of the newest."""
        found: ColumnElement[bool] = self.place > place if self.down is None else self.down < -place
        return found

    def below(self, place: int) -> ColumnElement[bool]:
        """Return the condition to stand after a place in a list of the newest."""
        found: ColumnElement[bool] = self.place < place if self.down is None else self.down > -place
        return found

    def by(self, order: Order) -> ColumnElement[Any]:
        """Return what to sort by."""
        is_turned = self.down is not None
        column = self.down if is_turned else self.place
        found: ColumnElement[Any] = column if (order is Order.OLDEST) != is_turned else column.desc()
        return found


# Of the table and not of its class: SQLAlchemy passes a thousand rows sooner if they could not be parts of objects.
DATASETS = DatasetRow.__table__
EVERY = Rows(DATASETS, DATASETS.c.number, DATASETS.c.place)


@dataclass(frozen=True)
class Strand:
    """One way to datasets; no dataset is on two strands of a plan."""

    conditions: tuple[ColumnElement[bool], ...]
    """What each of them fulfils."""
    below: int | None = None
    """No dataset of this strand has a place as high as this."""
    rows: Rows = EVERY
    anyhow: Places | None = None
    """The same datasets, in whatever order they are found soonest; None: in the order of a list."""

    def listed(self, limit: int, after: int | None = None, order: Order = Order.NEWEST) -> Places:
        """Return number and place of the first ones in an order, or of the first after a place."""
        rows = self.rows
        query = select(rows.number.label("number"), rows.place.label("place")).select_from(rows.source)
        query = query.where(*self.conditions)
        if order is Order.OLDEST and after is not None:
            query = query.where(rows.above(after))
        ends = [end for end in (self.below, after if order is Order.NEWEST else None) if end is not None]
        if ends:
            query = query.where(rows.below(min(ends)))
        return query.order_by(rows.by(order)).limit(limit)

    def some(self, limit: int) -> Places:
        """Return number and place of some, to count them."""
        if self.anyhow is None:
            return self.listed(limit)
        return self.anyhow.limit(limit)


def tested(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition that is looked at for one dataset after the other, and that no index is asked for.

    SQLite would rather go by any index, and ask the full text for every single dataset.
    """
    return case((condition, 1), else_=0) == 1


def among(column: ColumnElement[int] | InstrumentedAttribute[int], hits: Select[Any]) -> ColumnElement[bool]:
    """Return the condition to be among hits that are collected once, and not asked for again for every row."""
    collected = hits.cte(nesting=True).prefix_with("MATERIALIZED")
    return column.in_(select(collected.c[0]))
