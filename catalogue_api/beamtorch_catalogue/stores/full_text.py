"""Full text behind one small interface: FTS5 in SQLite, ``tsvector`` in PostgreSQL.

Both get the same ready-made tokens, so both find the same: folded Latin words, and Chinese by pairs of characters.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Protocol

from sqlalchemy import ColumnElement, bindparam, column, select, table, text
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.models import DatasetRow

_MOST_TOKENS = 16_000
"""PostgreSQL counts positions up to 16383; a dataset of more files is found by its first ones."""
_LONGEST_TOKEN = 100
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def tokens(written: str) -> list[str]:
    """Return the tokens of a text.

    A run of Chinese gives each pair of neighbours and its last character, so that every part of the run is a
    sequence of tokens and a single character is the beginning of one.
    """
    folded = unicodedata.normalize("NFKD", written).casefold()
    plain = unicodedata.normalize("NFC", "".join(c for c in folded if not unicodedata.combining(c)))
    return list(_tokens(plain))


def _tokens(plain: str) -> Iterator[str]:
    for kind, group in groupby(plain, lambda c: "han" if _HAN.match(c) else "word" if c.isalnum() else ""):
        run = "".join(group)
        if kind == "han":
            yield from (run[i : i + 2] for i in range(len(run)))
        elif kind == "word":
            yield run[:_LONGEST_TOKEN]


def phrase(word: str) -> list[str]:
    """Return the tokens that a word of a query stands for, in their order; the last is the beginning of one."""
    found = tokens(word)
    # Inside a longer text the last character of a Chinese word is followed by something else.
    if len(found) > 1 and len(found[-1]) == 1 and _HAN.match(found[-1]) and _HAN.match(found[-2]):
        del found[-1]
    return found


class FullText(Protocol):
    """Keeps a text for each dataset and finds datasets by words."""

    def put(self, session: Session, texts: Mapping[int, str]) -> None:
        """Set the text of datasets, by their numbers."""
        ...

    def matches(self, words: Iterable[str]) -> ColumnElement[bool] | None:
        """Return the condition that all words match a dataset; None if there is nothing to match."""
        ...


class SqliteFullText:
    """FTS5; the row number is the dataset's."""

    def put(self, session: Session, texts: Mapping[int, str]) -> None:
        """Replace the rows."""
        if not texts:
            return
        session.execute(text("DELETE FROM full_text WHERE rowid = :number"), [{"number": n} for n in texts])
        rows = [{"number": n, "words": " ".join(tokens(t)[:_MOST_TOKENS])} for n, t in texts.items()]
        session.execute(text("INSERT INTO full_text (rowid, words) VALUES (:number, :words)"), rows)

    def matches(self, words: Iterable[str]) -> ColumnElement[bool] | None:
        """Ask by phrases, each with an open end."""
        phrases = [f'"{" ".join(p)}" *' for p in map(phrase, words) if p]
        if not phrases:
            return None
        index = table("full_text", column("rowid"))
        condition = text("full_text MATCH :sought").bindparams(bindparam("sought", " ".join(phrases), unique=True))
        return DatasetRow.number.in_(select(index.c.rowid).where(condition))


class PostgresFullText:
    """A ``tsvector`` with our own tokens and a GIN index."""

    def put(self, session: Session, texts: Mapping[int, str]) -> None:
        """Insert or replace the rows."""
        if not texts:
            return
        session.execute(
            text(
                "INSERT INTO full_text (dataset, words) VALUES (:number, CAST(:words AS tsvector)) "
                "ON CONFLICT (dataset) DO UPDATE SET words = excluded.words"
            ),
            [{"number": n, "words": _vector(tokens(t)[:_MOST_TOKENS])} for n, t in texts.items()],
        )

    def matches(self, words: Iterable[str]) -> ColumnElement[bool] | None:
        """Ask by phrases, each with an open end."""
        phrases = [" <-> ".join([*(f"'{t}'" for t in p[:-1]), f"'{p[-1]}':*"]) for p in map(phrase, words) if p]
        if not phrases:
            return None
        index = table("full_text", column("dataset"))
        sought = " & ".join(f"({p})" for p in phrases)
        condition = text("words @@ CAST(:sought AS tsquery)").bindparams(bindparam("sought", sought, unique=True))
        return DatasetRow.number.in_(select(index.c.dataset).where(condition))


def _vector(found: list[str]) -> str:
    places: dict[str, list[int]] = {}
    for place, token in enumerate(found, start=1):
        places.setdefault(token, []).append(place)
    # PostgreSQL keeps at most 256 places of one word.
    return " ".join(f"'{token}':{','.join(map(str, at[:255]))}" for token, at in places.items())


def full_text(*, is_sqlite: bool) -> FullText:
    """Return the full text of the database at hand."""
    return SqliteFullText() if is_sqlite else PostgresFullText()
