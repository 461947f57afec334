"""Finding datasets: a query and filters, by when they were measured, page by page, with counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.query import Query, parse, possible_names
from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.facets import CAP as FACET_CAP
from beamtorch_catalogue.services.facets import FacetCounter, total_of_census
from beamtorch_catalogue.services.finding import Finder, Plan
from beamtorch_catalogue.services.paging import from_place_cursor, to_place_cursor
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reading import select_datasets, summaries
from beamtorch_catalogue.services.terms import People, Technique, Terms
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import DatasetRow, ParameterRow
from beamtorch_catalogue.stores.parameter_names import dimensions
from beamtorch_catalogue.vocabulary.registry import Models
from beamtorch_catalogue.wire import Count, DatasetPage, Facets, Order
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.words import Words

COUNT_CAP = 500
"""Hits are counted up to here: an exact count of millions would read all of them."""
NONE_BEFORE = Count(total=0, total_is_capped=True)
"""What is known of a list before its first page."""
_MOST_ADVICE = 5
FILTERS = ("beamline", "proposal", "beamtime", "state", "year", "sample_name")
"""What can be filtered beside `kind` and `technique`; of several values one is enough."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody looks for, as it came in."""

    q: str = ""
    kind: DatasetKind | None = None
    technique: str | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limit: int = 25
    after: str | None = None
    order: Order = Order.NEWEST

    @property
    def all_filters(self) -> dict[str, Sequence[str]]:
        """All filters by name."""
        own = {"kind": [self.kind.value] if self.kind else [], "technique": [self.technique] if self.technique else []}
        return {**own, **self.filters}


class Search:
    """Answers searches."""

    def __init__(
        self,
        *,
        database: Database,
        finder: Finder,
        facets: FacetCounter,
        models: Models,
        people: People,
        technique: Technique,
    ) -> None:
        self._database, self._finder, self._facets, self._models = database, finder, facets, models
        self._people, self._technique = people, technique

    def page(self, reader: Reader, wish: Wish) -> DatasetPage:
        """Return one page of what somebody may read and looks for.

        How many there are is told as far as the census knows, or as the pages so far have shown: to count hits takes
        longer than to find the first of them.

        Raises
        ------
        QueryError
            If the query cannot be understood.
        BadPageError
            If ``after`` is no place of a list.
        """
        with self._database.reading() as session:
            query = self._parse(session, reader, wish.q)
            plan = self._plan(session, reader, wish, query)
            after, before = from_place_cursor(wish.after) if wish.after else (None, NONE_BEFORE)
            found = plan.first(session, wish.limit + 1, after=after, order=wish.order)
            page, more = found[: wish.limit], found[wish.limit :]
            total = before
            if before.total_is_capped:
                shown = Count(total=before.total + len(page), total_is_capped=bool(more))
                total = total_of_census(session, plan) if more and plan.is_census_enough else shown
            return DatasetPage(
                datasets=summaries(session, reader, self._rows(session, reader, page, wish.order)),
                total=total.total,
                total_is_capped=total.total_is_capped,
                next=to_place_cursor(page[-1].place, total) if more else None,
                advice=None if total.total else self._advice(session, reader, wish, query),
            )

    def query(self, reader: Reader, q: str) -> Query:
        """Return what somebody's query means to them; raise `QueryError` if it cannot be understood."""
        with self._database.reading() as session:
            return self._parse(session, reader, q)

    def count(self, reader: Reader, wish: Wish) -> Count:
        """Return how many datasets there are: exactly where the census knows, else up to a cap."""
        with self._database.reading() as session:
            plan = self._plan(session, reader, wish, self._parse(session, reader, wish.q))
            return _count(session, plan)

    def facets(self, reader: Reader, wish: Wish) -> Facets:
        """Return counts by which a search can be narrowed."""
        with self._database.reading() as session:
            query = self._parse(session, reader, wish.q)
            return self._facets.count(session, self._plan(session, reader, wish, query, FACET_CAP))

    def _plan(self, session: Session, reader: Reader, wish: Wish, query: Query, rows: int | None = None) -> Plan:
        terms = Terms(self._people, self._technique, wish.all_filters)
        rows = wish.limit if rows is None else rows
        return self._finder.plan(session, reader, query, terms, rows=rows, order=wish.order)

    @staticmethod
    def _rows(session: Session, reader: Reader, page: Sequence[Row[int, int]], order: Order) -> Sequence[DatasetRow]:
        wanted = select_datasets(reader).where(DatasetRow.number.in_([one.number for one in page]))
        return sorted(session.scalars(wanted), key=lambda row: row.place, reverse=order is Order.NEWEST)

    def _parse(self, session: Session, reader: Reader, q: str) -> Query:
        candidates = possible_names(q)
        names = dict(self._models.parameters())
        if candidates:
            for name, dimension in self._parameters(session, reader, candidates):
                names[name] = names.get(name, frozenset()) | {dimension}
        return parse(q, names, aliases=self._models.aliases(), fields=self._models.text_fields(), now=reader.asked_at)

    @staticmethod
    def _parameters(session: Session, reader: Reader, names: frozenset[str]) -> Sequence[tuple[str, str]]:
        """Return which of some names are parameters that somebody can see, with each dimension."""
        found = []
        for name, dimension in map(tuple, dimensions(session, names)):
            one = select(ParameterRow.dataset).where(ParameterRow.name == name, ParameterRow.dimension == dimension)
            if not reader.sees_all:
                one = one.join(DatasetRow, DatasetRow.number == ParameterRow.dataset).where(readable(reader))
            if session.scalar(one.limit(1)) is not None:
                found.append((name, dimension))
        return found

    def _advice(self, session: Session, reader: Reader, wish: Wish, query: Query) -> Words | None:
        """Say which part of a search to drop, by trying without each."""
        found = []
        for term in query.terms[: 2 * _MOST_ADVICE]:
            rest = query.without(term)
            if rest.terms:
                plan = self._plan(session, reader, wish, rest)
                found.append((_count(session, plan).total, term.text))
        if not query.terms:
            return None
        best = [(count, dropped) for count, dropped in sorted(found, reverse=True) if count][:_MOST_ADVICE]
        if not best:
            return Words(
                en="Nothing that you can read matches. Try other or shorter words, such as a sample or a person.",
                zh="没有您可读的数据集匹配。请减少或缩短关键词，或改用样品名、人名。",
            )
        return Words(
            en=f"Nothing matches all of this. {' '.join(f'Without “{d}” there are {_counted(c)}.' for c, d in best)}",
            zh=f"没有同时满足所有条件的数据集。{''.join(f'去掉“{d}”有 {_counted(c)} 个。' for c, d in best)}",
        )


def _count(session: Session, plan: Plan) -> Count:
    """Return the number of hits: all of them where the census knows, else up to the cap."""
    return (
        total_of_census(session, plan) if plan.is_census_enough else _up_to_the_cap(plan.count(session, COUNT_CAP + 1))
    )


def _up_to_the_cap(total: int) -> Count:
    return Count(total=min(total, COUNT_CAP), total_is_capped=total > COUNT_CAP)


def _counted(count: int) -> str:
    return str(count) if count < COUNT_CAP else f"> {COUNT_CAP}"
