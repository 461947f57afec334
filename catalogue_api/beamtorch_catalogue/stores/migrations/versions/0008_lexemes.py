"""In PostgreSQL, which words there are in the full text.

To be asked for a beginning, its index collects the hits of all words that begin so.

Revision ID: 0008
"""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PART = 10_000


def upgrade() -> None:
    """Keep every word once; of those with a digit in them, what it ends."""
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    op.execute('CREATE TABLE full_text_lexeme (lexeme text COLLATE "C" PRIMARY KEY)')
    every = text("SELECT word FROM ts_stat('SELECT words FROM full_text')")
    found = bind.execute(every.execution_options(yield_per=_PART))
    kept = {_kept(word) for part in found.scalars().partitions() for word in part}
    if kept:
        bind.execute(
            text("INSERT INTO full_text_lexeme (lexeme) SELECT unnest(CAST(:lexemes AS text[]))"),
            {"lexemes": sorted(kept)},
        )


def downgrade() -> None:
    """Forget them."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TABLE full_text_lexeme")


def _kept(word: str) -> str:
    return word if word.isalpha() else word[: next(i for i, c in enumerate(word, start=1) if not c.isalpha())]
