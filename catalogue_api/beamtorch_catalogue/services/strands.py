"""Ways to the datasets that a query asks for, each under one reason why somebody may read them.

What is one's own and what was released to all lie apart in a list: the newest data are under embargo, so whoever looks
for released ones among the newest walks past all of these. Each strand begins where its own newest can be.
"""

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from beamtorch_catalogue.query import Range
from beamtorch_catalogue.stores.blocks import in_any_block
from beamtorch_catalogue.stores.models import DatasetRow, ParameterRow
from beamtorch_catalogue.stores.places import number
from beamtorch_catalogue.wire import Order

Places = Select[int, int]
"""A query of the number and the place of datasets."""


@dataclass(frozen=True)
class InRange:
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
        return select(self.row.dataset).where(*self.in_index)

    @property
    def in_index(self) -> tuple[ColumnElement[bool], ...]:
        """The conditions as the index is asked for all of them."""
        return (*self.conditions, in_any_block(self.row.dataset))

    def count(self, session: Session, most: int) -> int:
        """Count them, up to a number."""
        return session.scalar(select(func.count()).select_from(self.numbers().limit(most).subquery())) or 0

    def test(self) -> ColumnElement[bool]:
        """Return the condition that a dataset has such a parameter."""
        return exists().where(self.row.dataset == DatasetRow.number, *self.conditions)

    def test_in_turn(self) -> ColumnElement[bool]:
        """Return the same, to be looked at for one dataset after the other."""
        one = literal_column("1", Integer)
        own = select(one).where(self.row.dataset == DatasetRow.number, *self.conditions)
        return own.correlate(DatasetRow).scalar_subquery() == 1

    @property
    def is_there(self) -> ColumnElement[bool]:
        """The condition that a parameter was found to join with."""
        found: ColumnElement[bool] = self.row.dataset.is_not(None)
        return found


@dataclass(frozen=True)
class Strand:
    """One way to datasets; no dataset is on two strands of a plan."""

    conditions: tuple[ColumnElement[bool], ...]
    """What each of them fulfils."""
    below: int | None = None
    """No dataset of this strand has a place as high as this."""
    tests: tuple[ColumnElement[bool], ...] = ()
    """What each of them fulfils besides, as it is looked at for one dataset after the other."""
    at_once: tuple[ColumnElement[bool], ...] | None = None
    """The same for who counts some in any order, as a database may begin with; None: that is no other way."""
    leading: FromClause | None = None
    """Hits of the full text that come newest first, by a column ``down``."""
    beside: tuple[InRange, ...] = ()
    """In which a hit of the full text has a parameter, which is known before its dataset is read."""
    along: InRange | None = None
    """The range along which hits are counted soonest; `at_once` does not say it."""

    @property
    def is_counted_in_order(self) -> bool:
        """Whether some are not found sooner than the newest."""
        return self.at_once is None

    def listed(self, limit: int, after: int | None = None, order: Order = Order.NEWEST) -> Places:
        """Return number and place of the first ones in an order, or of the first after a place."""
        query = select(DatasetRow.number, DatasetRow.place).where(*self.conditions, *self.tests)
        if self.leading is not None:
            query = query.select_from(self._led(self.leading)).where(*(tested(one.is_there) for one in self.beside))
        if order is Order.OLDEST and after is not None:
            query = query.where(self._is_above(after))
        ends = [end for end in (self.below, after if order is Order.NEWEST else None) if end is not None]
        if ends:
            query = query.where(self._is_below(min(ends)))
        from_newest = DatasetRow.place.desc() if self.leading is None else self.leading.c.down
        from_oldest = DatasetRow.place if self.leading is None else self.leading.c.down.desc()
        return query.order_by(from_newest if order is Order.NEWEST else from_oldest).limit(limit)

    def some(self, limit: int) -> Places:
        """Return number and place of some, to count them: along what is at hand, whatever its order."""
        if self.at_once is None:
            return self.listed(limit)
        found = select(DatasetRow.number, DatasetRow.place)
        if self.along is not None:
            # The sum keeps a database from going the other way, from every dataset to its parameters.
            of_parameter = self.along.row.dataset + 0
            found = found.join_from(self.along.row, DatasetRow, DatasetRow.number == of_parameter)
            return found.where(*self.along.in_index, *self.conditions, *self.at_once).limit(limit)
        if self.below is not None:
            found = found.where(self._is_below(self.below))
        return found.where(*self.conditions, *self.at_once).limit(limit)

    def _led(self, hits: FromClause) -> FromClause:
        found: FromClause = hits
        for one in self.beside:
            # From the left only: SQLite would rather go through all parameters of a name. And a row that is joined is
            # found sooner than one that is asked for by a question of its own.
            found = found.outerjoin(one.row, and_(one.row.dataset == number(hits.c.place), *one.conditions))
        return found.join(DatasetRow, DatasetRow.place == hits.c.place)

    # Hits of the full text are bounded and ordered by their own number, which is at hand.
    def _is_above(self, place: int) -> ColumnElement[bool]:
        return DatasetRow.place > place if self.leading is None else self.leading.c.down < -place

    def _is_below(self, place: int) -> ColumnElement[bool]:
        return DatasetRow.place < place if self.leading is None else self.leading.c.down > -place


def joined(parts: list[Places]) -> Places:
    """Return what several strands give as one list, in no order."""
    if len(parts) == 1:
        return parts[0]
    together = union_all(*(select(part.subquery()) for part in parts)).subquery("strands")
    return select(together.c.number, together.c.place)


def tested(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition that is looked at for one dataset after the other, and that no index is asked for.

    SQLite would rather go by any index, and ask the full text for every single dataset.
    """
    return case((condition, 1), else_=0) == 1


def among(column: ColumnElement[int] | InstrumentedAttribute[int], hits: Select[Any]) -> ColumnElement[bool]:
    """Return the condition to be among hits that are collected once, and not asked for again for every row."""
    collected = hits.cte(nesting=True).prefix_with("MATERIALIZED")
    return column.in_(select(collected.c[0]))
