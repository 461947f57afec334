"""What somebody may read, taken apart by why, so that each part can be found by a way of its own.

A search asks for little of what can be said of a reason, so each saying is made when it is asked for: to make them all
takes longer than many a database takes to answer.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select, true
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.access import audiences, counted, own, readable, released, visible_beamtimes
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.census import last_opened_year
from beamtorch_catalogue.stores.models import CensusRow, DatasetRow
from beamtorch_catalogue.stores.places import LAST_YEAR, place


@dataclass(frozen=True)
class Reason:
    """Why somebody may read datasets: whatever the reason."""

    reader: Reader
    is_own = False
    """Whether the embargo does not matter."""

    @property
    def below(self) -> int | None:
        """No dataset that is there for this reason has a place as high as this; None: unknown."""
        return None

    @cached_property
    def condition(self) -> ColumnElement[bool]:
        """The condition on `DatasetRow`."""
        return readable(self.reader)

    @cached_property
    def counted(self) -> ColumnElement[bool]:
        """About the same on `CensusRow`, joined with its `Beamtime`."""
        return counted(self.reader)

    @property
    def whose(self) -> Hashable:
        """For whom there is as much of it."""
        return self.reader.name

    @cached_property
    def indexed(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions for each of which there is an index: all these datasets fulfil one of them. None: any may."""
        return ()

    @property
    def numbers(self) -> Select[Any]:
        """The numbers of the datasets that fulfil any of the indexed conditions, each by its own index."""
        first, *others = (select(DatasetRow.number).where(one) for one in self.indexed)
        return select(first.union(*others).subquery().c.number) if others else first


class Own(Reason):
    """That they are of one's own proposals or beamlines."""

    is_own = True

    @cached_property
    def condition(self) -> ColumnElement[bool]:
        """The condition on `DatasetRow`."""
        return or_(*self.indexed)

    @cached_property
    def counted(self) -> ColumnElement[bool]:
        """The same on the census."""
        return visible_beamtimes(self.reader)

    @cached_property
    def indexed(self) -> tuple[ColumnElement[bool], ...]:
        """By proposal and by beamline."""
        return tuple(own(self.reader))


@dataclass(frozen=True)
class Released(Reason):
    """That their embargo is over, though they are not one's own."""

    mine: Own | None
    last_year: int
    """In which the newest of them was measured."""

    @property
    def below(self) -> int | None:
        """The first place of the year after."""
        return None if self.last_year >= LAST_YEAR else place(datetime(self.last_year + 1, 1, 1, tzinfo=UTC), 0)

    @cached_property
    def condition(self) -> ColumnElement[bool]:
        """The condition on `DatasetRow`."""
        return and_(self._is_released, not_(self.mine.condition) if self.mine else true())

    @cached_property
    def counted(self) -> ColumnElement[bool]:
        """On the census, one's own among them: so it is the same for many."""
        return self._is_counted

    @property
    def whose(self) -> Hashable:
        """For all to whom the same was released."""
        return tuple(audiences(self.reader))

    @cached_property
    def indexed(self) -> tuple[ColumnElement[bool], ...]:
        """By the beamtimes of which something was released."""
        in_opened = DatasetRow.beamtime.in_(select(CensusRow.beamtime).where(self._is_counted))
        return (and_(in_opened, self._is_released),)

    @cached_property
    def _is_released(self) -> ColumnElement[bool]:
        return released(self.reader, DatasetRow)

    @cached_property
    def _is_counted(self) -> ColumnElement[bool]:
        return and_(released(self.reader, CensusRow), CensusRow.datasets > 0)


class Nothing(Reason):
    """None at all."""

    @cached_property
    def condition(self) -> ColumnElement[bool]:
        """Never met."""
        return false()

    @cached_property
    def counted(self) -> ColumnElement[bool]:
        """Never met."""
        return false()


def reasons(session: Session, reader: Reader) -> list[Reason]:
    """Return what somebody may read, as reasons of which no dataset has two: it is one's own, or it was released."""
    if reader.sees_all:
        return [Reason(reader)]
    mine = Own(reader) if own(reader) else None
    found: list[Reason] = [mine] if mine else []
    last_year = last_opened_year(session, reader.asked_at, audiences(reader))
    if last_year is not None:
        found.append(Released(reader, mine, last_year))
    return found or [Nothing(reader)]
