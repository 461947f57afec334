"""In SQLite, the words of datasets stand beside their index, in the order in which datasets came.

In the order of the index, which is that of time, each dataset that comes later than others of its time would push
theirs to another page.

Revision ID: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TOKENIZE = "tokenize = 'unicode61 remove_diacritics 0', columnsize = 0"


def upgrade() -> None:
    """Take the words out of the index."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("DROP TRIGGER dataset_full_text")
    op.execute("CREATE TABLE full_text_words (dataset INTEGER PRIMARY KEY NOT NULL, words TEXT NOT NULL)")
    op.execute(
        "INSERT INTO full_text_words (dataset, words) SELECT dataset.number, full_text.words "
        "FROM dataset JOIN full_text ON full_text.rowid = -dataset.place ORDER BY dataset.number"
    )
    op.execute("DROP TABLE full_text")
    op.execute(f"CREATE VIRTUAL TABLE full_text USING fts5(words, content = '', {_TOKENIZE})")
    _fill_index()
    op.execute(
        "CREATE TRIGGER dataset_full_text AFTER DELETE ON dataset BEGIN "
        "INSERT INTO full_text (full_text, rowid, words) "
        "SELECT 'delete', -old.place, words FROM full_text_words WHERE dataset = old.number; "
        "DELETE FROM full_text_words WHERE dataset = old.number; END"
    )


def downgrade() -> None:
    """Put them back."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("DROP TRIGGER dataset_full_text")
    op.execute("DROP TABLE full_text")
    op.execute(f"CREATE VIRTUAL TABLE full_text USING fts5(words, {_TOKENIZE})")
    _fill_index()
    op.execute("DROP TABLE full_text_words")
    op.execute(
        "CREATE TRIGGER dataset_full_text AFTER DELETE ON dataset "
        "BEGIN DELETE FROM full_text WHERE rowid = -old.place; END"
    )


def _fill_index() -> None:
    op.execute(
        "INSERT INTO full_text (rowid, words) SELECT -dataset.place, words "
        "FROM dataset JOIN full_text_words ON full_text_words.dataset = dataset.number ORDER BY dataset.place DESC"
    )
