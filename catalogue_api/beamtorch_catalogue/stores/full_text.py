"""Full text behind one small interface: FTS5 in SQLite, ``tsvector`` in PostgreSQL.

Both get the same ready-made tokens (`stores.words`), and both number their rows by the places of datasets.
"""

import sys
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.database import VOCABULARY
from beamtorch_catalogue.stores.dataset_rows import chunks
from beamtorch_catalogue.stores.lexemes import beginning_with, learn
from beamtorch_catalogue.stores.models import DatasetRow
from beamtorch_catalogue.stores.places import dataset_at, number
from beamtorch_catalogue.stores.rows import insert_rows, insert_tuples
from beamtorch_catalogue.stores.words import is_open, marks, phrase
from beamtorch_catalogue.wire import Order

_Answer = TypeVar("_Answer")
_TEXTS = table("full_text", column("place", BigInteger()), column("words", Text()))
_WORDS = table("full_text_words", column("dataset", BigInteger()), column("words", Text()))
_FORGET = text("INSERT INTO full_text (full_text, rowid, words) VALUES ('delete', :row, :words)")
_MOST_ENDS = 20
_ENDS = text(f"""
WITH RECURSIVE ends (word) AS (
 SELECT (SELECT term FROM {VOCABULARY} WHERE term >= :first AND term < :beyond LIMIT 1)
 UNION ALL
 SELECT (SELECT term FROM {VOCABULARY} WHERE term >= ends.word || char(1) AND term < :beyond LIMIT 1)
 FROM ends WHERE ends.word IS NOT NULL)
SELECT word FROM ends WHERE word IS NOT NULL LIMIT :most
""")  # noqa: S608 - a name of ours
"""Words that begin alike: one jump to each, however many datasets have it."""
_STATE = text("SELECT block FROM full_text_data WHERE id = 10")
"""Which parts FTS5's index has (its source: `FTS5_STRUCTURE_ROWID`); it changes with everything that is written.

To find what follows a common word, FTS5 goes through all its hits; while nothing is written, once is enough.
"""
_MOST_KNOWN = 1000
MOST_TOKENS = 16_000
"""PostgreSQL counts positions up to 16383; a dataset of more files is found by its first ones."""


class FullText(Protocol):
    """Keeps the tokens of each dataset and finds datasets by words."""

    def put(self, session: Session, texts: Mapping[int, str]) -> None:
        """Set the tokens of datasets, a space between each, by their places; those that are there are replaced."""
        ...

    def drop(self, session: Session, places: Collection[int]) -> None:
        """Forget the tokens of some places."""
        ...

    def sought(
        self,
        session: Session,
        words: Iterable[str],
        unwanted: Iterable[str] = (),
        within: Sequence[str] = (),
        order: Order = Order.NEWEST,
    ) -> str | None:
        """Return what to ask for datasets that have all words; None if there is nothing to ask.

        Parameters
        ----------
        words
            Words and phrases as somebody typed them.
        unwanted
            Those that must not be there; alone they are nothing to ask for.
        within
            Marks (see `stores.words.marks`) of which a dataset has to have one; none: any dataset.
        order
            In which the hits will be gone through.
        """
        ...

    def hits(self, sought: str) -> FromClause:
        """Return the datasets that match: a column ``place``, and ``down``, which grows from the newest on.

        By ``down`` SQLite has them in order at no cost.
        """
        ...

    def left_open(
        self,
        words: Iterable[str],
        unwanted: Iterable[str] = (),
        within: Sequence[str] = (),
        order: Order = Order.NEWEST,
    ) -> list[ColumnElement[bool]]:
        """Return what `hits` of the same does not ensure, and has to be looked at in each dataset."""
        ...

    def holds(
        self, words: Iterable[str], unwanted: Iterable[str] = (), place: Any = DatasetRow.place
    ) -> list[ColumnElement[bool]]:
        """Return conditions that say the same of one dataset after the other, for few that something else has found."""
        ...


class SqliteFullText:
    """FTS5; the row number is the dataset's place with its sign turned, so that the newest comes first.

    The index keeps no texts. They stand in a table in the order in which datasets came; to forget one, the index has to
    be told which it was.
    """

    def __init__(self) -> None:
        self._ends: tuple[Any, dict[tuple[str, ...], str]] = None, {}

    def put(self, session: Session, texts: Mapping[int, str]) -> None:
        """Replace the rows."""
        self.drop(session, texts)
        rows = [(place, _not_too_many(tokens)) for place, tokens in sorted(texts.items(), reverse=True)]
        by_number = sorted((dataset_at(place), tokens) for place, tokens in rows)
        insert_tuples(session, "full_text_words", ("dataset", "words"), by_number)
        insert_tuples(session, "full_text", ("rowid", "words"), [(-place, tokens) for place, tokens in rows])

    def drop(self, session: Session, places: Collection[int]) -> None:
        """Forget the rows that there are."""
        at = {dataset_at(place): place for place in places}
        there = select(_WORDS).where(_WORDS.c.dataset.in_(bindparam("datasets", expanding=True)))
        for some in chunks(sorted(at)):
            for dataset, tokens in session.execute(there, {"datasets": some}).all():
                session.execute(_FORGET, {"row": -at[dataset], "words": tokens})
                session.execute(delete(_WORDS).where(_WORDS.c.dataset == dataset))

    def sought(
        self,
        session: Session,
        words: Iterable[str],
        unwanted: Iterable[str] = (),
        within: Sequence[str] = (),
        order: Order = Order.NEWEST,
    ) -> str | None:
        """Ask by phrases; from the oldest on, for the beginnings of several tokens.

        Backwards, FTS5 (SQLite 3.40) loses hits where it leaps through the long list of one token to the next hit of
        another. It leaps through lists as they are stored, and not through that of a beginning, which it collects.
        """
        found = _each(words)
        if not found:
            return None
        if order is Order.OLDEST and not self._is_alone(found, unwanted, within):
            return self._by_beginnings(found, unwanted, within)
        wanted, excluded = ([self._phrase(session, one) for one in some] for some in (found, _each(unwanted)))
        if within:
            wanted.append("(" + " OR ".join(f'"{mark}"' for mark in marks(within)) + ")")
        return _together(wanted, excluded)

    def _by_beginnings(self, found: Sequence[Sequence[str]], unwanted: Iterable[str], within: Sequence[str]) -> str:
        wanted = [_begins(token) for one in found for token in one]
        if within:
            wanted.append("(" + " OR ".join(map(_begins, marks(within))) + ")")
        return _together(wanted, [_begins(*one) for one in _each(unwanted) if self._is_said(one)])

    def left_open(
        self,
        words: Iterable[str],
        unwanted: Iterable[str] = (),
        within: Sequence[str] = (),
        order: Order = Order.NEWEST,
    ) -> list[ColumnElement[bool]]:
        """Look into the text for phrases of several tokens, and for tokens that are no beginnings."""
        words, unwanted = tuple(words), tuple(unwanted)
        if order is Order.NEWEST or self._is_alone(_each(words), unwanted, within):
            return []
        open_ones = ([word for word in some if not self._is_said(phrase(word))] for some in (words, unwanted))
        return self.holds(*open_ones)

    @staticmethod
    def _is_alone(found: Sequence[Sequence[str]], unwanted: Iterable[str], within: Sequence[str]) -> bool:
        """Tell whether one list of hits is gone through from its end to its beginning."""
        return len(found) == 1 and len(found[0]) == 1 and not _each(unwanted) and not within

    @staticmethod
    def _is_said(found: Sequence[str]) -> bool:
        """Tell whether to begin with its tokens is all that a phrase asks for."""
        return len(found) == 1 and is_open(list(found))

    def _phrase(self, session: Session, found: Sequence[str]) -> str:
        """Return a phrase, one with an open end by the words that begin so, if they are few.

        FTS5 gives the hits of words one after the other. Of a beginning it collects all before it gives the newest.
        """
        if not is_open(list(found)):
            return f'"{" ".join(found)}"'
        return _asked_once(session, " ".join(found), lambda: self._by_ends(session, *found))

    def _by_ends(self, session: Session, *found: str) -> str:
        # Other threads may see another state; what belongs to this one stays in hand.
        state, ends = session.scalar(_STATE), self._ends
        if state != ends[0] or len(ends[1]) > _MOST_KNOWN:
            ends = self._ends = state, {}
        if (known := ends[1].get(found)) is None:
            known = ends[1][found] = self._sought_ends(session, *found)
        return known

    @staticmethod
    def _sought_ends(session: Session, *found: str) -> str:
        *head, last = found
        span = {"first": last, "beyond": last + chr(sys.maxunicode), "most": _MOST_ENDS + 1}
        ends = session.scalars(_ENDS, span).all()
        if not 0 < len(ends) <= _MOST_ENDS:
            return f'"{" ".join(found)}" *'
        return "(" + " OR ".join(f'"{" ".join([*head, end])}"' for end in ends) + ")"

    def hits(self, sought: str) -> FromClause:
        """Match; FTS5 gives its rows by number, forwards or backwards."""
        index = table("full_text", column("rowid", BigInteger()))
        condition = text("full_text MATCH :sought").bindparams(bindparam("sought", sought, unique=True))
        down = index.c.rowid
        return select((-down).label("place"), down.label("down")).where(condition).subquery("hits")

    def holds(
        self, words: Iterable[str], unwanted: Iterable[str] = (), place: Any = DatasetRow.place
    ) -> list[ColumnElement[bool]]:
        """Look into the text itself: FTS5 would open its whole index for every dataset."""
        own = select(" " + _WORDS.c.words + " ").where(_WORDS.c.dataset == number(place))
        text_of = own.correlate_except(_WORDS).scalar_subquery()
        wanted = [func.instr(text_of, self._part(p)) > 0 for p in map(phrase, words) if p]
        return [*wanted, *(func.instr(text_of, self._part(p)) == 0 for p in map(phrase, unwanted) if p)]

    @staticmethod
    def _part(found: Sequence[str]) -> str:
        return f" {' '.join(found)}{'' if is_open(list(found)) else ' '}"


class PostgresFullText:
    """A ``tsvector`` with our own tokens and a GIN index."""

    def put(self, session: Session, texts: Mapping[int, str]) -> None:
        """Insert or replace the rows."""
        self.drop(session, texts)
        rows = [{"place": n, "words": _vector(_not_too_many(t).split())} for n, t in texts.items()]
        insert_rows(session, _TEXTS, rows)
        learn(session, texts.values())

    def drop(self, session: Session, places: Collection[int]) -> None:
        """Delete the rows."""
        if places:
            session.execute(text("DELETE FROM full_text WHERE place = ANY(:places)"), {"places": list(places)})

    def sought(
        self,
        session: Session,
        words: Iterable[str],
        unwanted: Iterable[str] = (),
        within: Sequence[str] = (),
        order: Order = Order.NEWEST,  # noqa: ARG002 - the other one's
    ) -> str | None:
        """Ask by phrases, those of letters enough by the words that begin so, if they are few."""
        wanted, excluded = (
            [self._phrase(p, self._ends(session, p)) for p in _each(some)] for some in (words, unwanted)
        )
        if not wanted:
            return None
        if within:
            wanted.append(" | ".join(f"'{mark}'" for mark in marks(within)))
        return _all_of(wanted, excluded)

    def left_open(
        self,
        words: Iterable[str],  # noqa: ARG002 - the other one's
        unwanted: Iterable[str] = (),  # noqa: ARG002
        within: Sequence[str] = (),  # noqa: ARG002
        order: Order = Order.NEWEST,  # noqa: ARG002
    ) -> list[ColumnElement[bool]]:
        """Nothing is left open."""
        return []

    @staticmethod
    def _ends(session: Session, found: list[str]) -> Sequence[str]:
        last = found[-1]
        return _asked_once(session, last, lambda: beginning_with(session, last)) if is_open(found) else ()

    @staticmethod
    def _phrase(found: Sequence[str], ends: Sequence[str] = ()) -> str:
        *head, last = (f"'{token}'" for token in found)
        if is_open(list(found)):
            last = f"({' | '.join(ends)})" if ends else f"{last}:*"
        return " <-> ".join([*head, last])

    def hits(self, sought: str) -> FromClause:
        """Match by the GIN index."""
        index = table("full_text", column("place", BigInteger()))
        condition = text("words @@ CAST(:sought AS tsquery)").bindparams(bindparam("sought", sought, unique=True))
        return select(index.c.place, (-index.c.place).label("down")).where(condition).subquery("hits")

    def holds(
        self, words: Iterable[str], unwanted: Iterable[str] = (), place: Any = DatasetRow.place
    ) -> list[ColumnElement[bool]]:
        """Match the vector of each, with all words at once.

        A value, not ``EXISTS``: that the planner would make a join, and begin with the newest texts of all, or with all
        hits.
        """
        sought = _all_of(*([self._phrase(p) for p in _each(some)] for some in (words, unwanted)))
        if not sought:
            return []
        texts = table("full_text", column("place", BigInteger()), column("words"))
        match = texts.c.words.bool_op("@@")(cast(sought, TSQUERY))
        return [select(match).where(texts.c.place == place).correlate_except(texts).scalar_subquery()]

    def estimate(self, session: Session, sought: str) -> int:
        """Ask the planner how many hits there are: to count them, the whole bitmap would have to be made."""
        explain = text("EXPLAIN (FORMAT JSON) SELECT 1 FROM full_text WHERE words @@ CAST(:sought AS tsquery)")
        return _asked_once(session, ("hits", sought), lambda: _rows_of(session.scalar(explain, {"sought": sought})))


def _all_of(wanted: Iterable[str], excluded: Iterable[str]) -> str:
    return " & ".join([*(f"({p})" for p in wanted), *(f"!({p})" for p in excluded)])


def _rows_of(plan: Any) -> int:
    return int(plan[0]["Plan"]["Plan Rows"])


def _asked_once(session: Session, key: Hashable, ask: Callable[[], _Answer]) -> _Answer:
    """Return what was answered in this session: a plan asks for each of its strands, in one state of the database."""
    known: dict[Hashable, _Answer] = session.info.setdefault(_asked_once, {})
    if key not in known:
        known[key] = ask()
    return known[key]


def _each(words: Iterable[str]) -> list[list[str]]:
    """Return the tokens of each word that has any."""
    return [found for found in map(phrase, words) if found]


def _not_too_many(tokens: str) -> str:
    """Return the first tokens."""
    # Every token takes a letter and a space.
    return tokens if len(tokens) < 2 * MOST_TOKENS else " ".join(tokens.split(" ", MOST_TOKENS)[:MOST_TOKENS])


def _together(wanted: Iterable[str], excluded: Sequence[str]) -> str:
    every = " AND ".join(dict.fromkeys(wanted))
    return f"({every}) NOT ({' OR '.join(excluded)})" if excluded else every


def _begins(token: str) -> str:
    return f'"{token}" *'


def _vector(found: Sequence[str]) -> str:
    places: dict[str, list[int]] = {}
    for place, token in enumerate(found, start=1):
        places.setdefault(token, []).append(place)
    # PostgreSQL keeps at most 256 places of one word.
    return " ".join(f"'{token}':{','.join(map(str, at[:255]))}" for token, at in places.items())


def full_text(*, is_sqlite: bool) -> SqliteFullText | PostgresFullText:
    """Return the full text of the database at hand."""
    return SqliteFullText() if is_sqlite else PostgresFullText()
