"""From a query to the numbers of datasets, newest first, whatever is rare and whatever is common in it.

A database that walks from the newest and tests each dataset is quick where many match, and slow where few do; one that
collects all hits and sorts them is the other way round. So what there is of each is estimated, and the way follows.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.query import Query
from beamtorch_catalogue.services.access import counted
from beamtorch_catalogue.services.extents import Extents
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reasons import Reason, reasons
from beamtorch_catalogue.services.strands import InRange, Strand
from beamtorch_catalogue.services.terms import Terms
from beamtorch_catalogue.services.ways import Part, Sought, Ways
from beamtorch_catalogue.wire import Order


@dataclass(frozen=True)
class Plan:
    """How the datasets of a query are found."""

    strands: tuple[Strand, ...]
    is_census_enough: bool = False
    """Whether nothing is asked that the census does not know."""
    counted: tuple[ColumnElement[bool], ...] = ()
    """The same conditions on the census, if that is enough."""

    def first(
        self, session: Session, rows: int, *, after: int | None = None, order: Order = Order.NEWEST
    ) -> list[Row[int, int]]:
        """Return the first rows in an order.

        Parameters
        ----------
        after
            A place; only what stands further down.
        """
        found = [row for strand in self.strands for row in session.execute(strand.listed(rows, after, order))]
        found.sort(key=lambda row: row.place, reverse=order is Order.NEWEST)
        return found[:rows]

    def count(self, session: Session, most: int) -> int:
        """Count datasets, up to a number.

        What was released is counted first: mostly it is enough.
        """
        count = 0
        for strand in reversed(self.strands):
            count += _count(session, strand, most - count)
        return count


def _count(session: Session, strand: Strand, most: int) -> int:
    return (session.scalar(select(func.count()).select_from(strand.some(most).subquery())) or 0) if most > 0 else 0


class Finder:
    """Makes plans."""

    def __init__(self, ways: Ways) -> None:
        self._ways, self._extents = ways, Extents()

    def plan(self, session: Session, reader: Reader, query: Query, filters: Terms, *, rows: int, order: Order) -> Plan:
        """Choose how to find what a query asks for and somebody may read, so many of it at once and in an order."""
        terms = filters.joined(session, query)
        sought = Sought(
            terms,
            tuple(InRange.of(wanted, turn) for turn, wanted in enumerate(terms.ranges)),
            tuple(self._extents.of_range(session, reader.asked_at, wanted) for wanted in terms.ranges),
            rows,
            order,
        )
        in_census = None if terms.words or terms.ranges or terms.unwanted else terms.counted
        parts = [Part(one, self._extents.of_strand(session, reader, one)) for one in reasons(session, reader)]
        whole = parts[0].reason if len(parts) == 1 else Reason(reader)
        return Plan(
            strands=self._ways.strands(session, reader, parts, whole, sought),
            is_census_enough=in_census is not None,
            counted=() if in_census is None else (counted(reader), *in_census),
        )
