"""In SQLite, row numbers of the full text fall with time: forwards, which FTS5 does rightly, is newest first.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Turn the sign of the row numbers."""
    _turn("-old.place")


def downgrade() -> None:
    """Turn it back."""
    _turn("old.place")


def _turn(row_of_deleted: str) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("DROP TRIGGER dataset_full_text")
    op.execute(
        "CREATE VIRTUAL TABLE full_text_new "
        "USING fts5(words, tokenize = 'unicode61 remove_diacritics 0', columnsize = 0)"
    )
    op.execute("INSERT INTO full_text_new (rowid, words) SELECT -rowid, words FROM full_text ORDER BY rowid DESC")
    op.execute("DROP TABLE full_text")
    op.execute("ALTER TABLE full_text_new RENAME TO full_text")
    forgotten = f"DELETE FROM full_text WHERE rowid = {row_of_deleted};"  # noqa: S608 - text of ours
    op.execute(f"CREATE TRIGGER dataset_full_text AFTER DELETE ON dataset BEGIN {forgotten} END")
