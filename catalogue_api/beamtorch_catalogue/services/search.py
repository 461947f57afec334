"""Finding datasets: words and a range, newest first, page by page."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.query import Query, Range, parse, possible_names
from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.paging import from_time_cursor, to_cursor
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reading import select_datasets, summaries
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.models import DatasetRow, ParameterRow
from beamtorch_catalogue.wire import DatasetPage
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.words import Words

COUNT_CAP = 10_000
"""Hits are counted up to here: an exact count of millions costs more than the page itself."""
RANGE_PROBE = 20_000
"""Ranges with more hits are tested while walking from the newest; fewer come from the index of parameters."""
_MOST_ADVICE = 5


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody looks for, as it came in."""

    q: str = ""
    kind: DatasetKind | None = None
    technique: str | None = None
    limit: int = 25
    after: str | None = None


class Search:
    """Answers searches."""

    def __init__(self, *, database: Database, full_text: FullText) -> None:
        self._database, self._full_text = database, full_text

    def page(self, reader: Reader, wish: Wish) -> DatasetPage:
        """Return one page of what somebody may read and looks for.

        Raises
        ------
        QueryError
            If the query cannot be understood.
        BadPageError
            If ``after`` is no place of a list.
        """
        with self._database.reading() as session:
            query = self._parse(session, reader, wish.q)
            wanted = [*self._filters(wish), *self._conditions(session, query)]
            listed = select_datasets(reader).where(*wanted)
            if wish.after:
                moment, number = from_time_cursor(wish.after)
                earlier = and_(DatasetRow.listed_at == moment, DatasetRow.number < number)
                listed = listed.where(or_(DatasetRow.listed_at < moment, earlier))
            newest_first = listed.order_by(DatasetRow.listed_at.desc(), DatasetRow.number.desc())
            rows = session.scalars(newest_first.limit(wish.limit + 1)).all()
            page, more = rows[: wish.limit], rows[wish.limit :]
            total = self._count(session, reader, wanted)
            return DatasetPage(
                datasets=summaries(session, reader, page),
                total=min(total, COUNT_CAP),
                total_is_capped=total > COUNT_CAP,
                next=to_cursor(page[-1].listed_at, page[-1].number) if more else None,
                advice=None if total else self._advice(session, reader, wish, query),
            )

    def _parse(self, session: Session, reader: Reader, q: str) -> Query:
        candidates = possible_names(q)
        if not candidates:
            return parse(q)
        mine = select(DatasetRow.number).where(readable(reader))
        found = session.execute(
            select(ParameterRow.name, ParameterRow.dimension)
            .where(ParameterRow.name.in_(candidates), ParameterRow.dimension.is_not(None))
            .where(ParameterRow.dataset.in_(mine))
            .distinct()
        )
        names: dict[str, frozenset[str]] = {}
        for name, dimension in found:
            names[name] = names.get(name, frozenset()) | {dimension or ""}
        return parse(q, names)

    @staticmethod
    def _filters(wish: Wish) -> list[ColumnElement[bool]]:
        filters: list[ColumnElement[bool]] = []
        if wish.kind is not None:
            filters.append(DatasetRow.kind == wish.kind.value)
        if wish.technique:
            filters.append(DatasetRow.technique == wish.technique)
        return filters

    def _conditions(self, session: Session, query: Query) -> list[ColumnElement[bool]]:
        matching = self._full_text.matches(query.words)
        conditions = [] if matching is None else [matching]
        if query.range is not None:
            conditions.append(self._within(session, query.range))
        return conditions

    @staticmethod
    def _within(session: Session, wanted: Range) -> ColumnElement[bool]:
        """Return the condition of a range in the form that suits how many hits it has."""
        hit = [ParameterRow.name == wanted.name, ParameterRow.dimension == wanted.dimension]
        if wanted.low is not None:
            hit.append(ParameterRow.si >= wanted.low)
        if wanted.high is not None:
            hit.append(ParameterRow.si <= wanted.high)
        hits = select(ParameterRow.dataset).where(*hit)
        probe = select(func.count()).select_from(hits.limit(RANGE_PROBE + 1).subquery())
        if (session.scalar(probe) or 0) <= RANGE_PROBE:
            return DatasetRow.number.in_(hits)
        return exists().where(ParameterRow.dataset == DatasetRow.number, *hit)

    @staticmethod
    def _count(session: Session, reader: Reader, wanted: list[ColumnElement[bool]]) -> int:
        capped = select(DatasetRow.number).where(readable(reader), *wanted).limit(COUNT_CAP + 1).subquery()
        return session.scalar(select(func.count()).select_from(capped)) or 0

    def _advice(self, session: Session, reader: Reader, wish: Wish, query: Query) -> Words | None:
        """Say which part of a search to drop, by trying without each."""
        filters = self._filters(wish)
        parts = [(word, Query(_without(query.words, word), query.range)) for word in dict.fromkeys(query.words)]
        if query.range is not None:
            parts.append((query.range.text, Query(query.words, None)))
        if not parts:
            return None
        found = []
        for dropped, rest in parts[: 2 * _MOST_ADVICE]:
            if rest.words or rest.range is not None:
                found.append((self._count(session, reader, filters + self._conditions(session, rest)), dropped))
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


def _without(words: tuple[str, ...], dropped: str) -> tuple[str, ...]:
    return tuple(word for word in words if word != dropped)


def _counted(count: int) -> str:
    return str(count) if count <= COUNT_CAP else f"> {COUNT_CAP}"
