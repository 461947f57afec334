"""Which words begin alike in PostgreSQL, so that its index is asked for them and not for a beginning.

Of a beginning, GIN collects the hits of all its words before it looks for those of another; among whole words it leaps.
Words with a digit in them are mostly names of one dataset; of these, only the letters and the first digit are kept.
"""

import sys
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

_MOST = 40
_LEARN = text("""
INSERT INTO full_text_lexeme (lexeme) SELECT given FROM unnest(CAST(:lexemes AS text[])) AS given
WHERE NOT EXISTS (SELECT FROM full_text_lexeme WHERE lexeme = given) ORDER BY given ON CONFLICT DO NOTHING
""")
_KNOWN = text("""
SELECT lexeme FROM full_text_lexeme WHERE lexeme >= :first AND lexeme < :beyond ORDER BY lexeme LIMIT :most
""")


def learn(session: Session, texts: Iterable[str]) -> None:
    """Keep the words of texts, which have a space between each."""
    words = {word for one in texts for word in one.split()}
    session.execute(_LEARN, {"lexemes": sorted({_kept(word) for word in words})})


def beginning_with(session: Session, start: str) -> list[str]:
    """Return what to ask for, instead of a beginning, in the syntax of ``tsquery``; nothing if that is too much."""
    if not start.isalpha():
        return []
    span = {"first": start, "beyond": start + chr(sys.maxunicode), "most": _MOST + 1}
    found = session.scalars(_KNOWN, span).all()
    return [f"'{one}'" if one.isalpha() else f"'{one}':*" for one in found] if len(found) <= _MOST else []


def _kept(word: str) -> str:
    return word if word.isalpha() else word[: next(i for i, c in enumerate(word, start=1) if not c.isalpha())]
