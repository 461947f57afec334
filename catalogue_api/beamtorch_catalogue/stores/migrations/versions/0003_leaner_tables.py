"""Less to write for every dataset: files without an index of their paths, rows kept once, words without prefixes.

And an index of the years of which something is released.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Find the files of a folder by those of datasets; in SQLite, keep small rows by their key alone."""
    op.drop_index("ix_file_path", "file")
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(with_rowid=False)
        _make_full_text("columnsize = 0")
    else:
        op.execute('ALTER TABLE dataset ALTER COLUMN folder TYPE text COLLATE "C"')
    op.create_index("ix_dataset_folder_number", "dataset", ["folder", "number"])
    op.create_index("ix_census_year_released_at_released_to", "census", ["year", "released_at", "released_to"])


def downgrade() -> None:
    """Put it back."""
    op.drop_index("ix_census_year_released_at_released_to", "census")
    op.drop_index("ix_dataset_folder_number", "dataset")
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(with_rowid=True)
        _make_full_text("columnsize = 0, prefix = '1 2 3'")
    else:
        op.execute('ALTER TABLE dataset ALTER COLUMN folder TYPE text COLLATE "default"')
    op.create_index("ix_file_path", "file", ["path"])


def _rebuild(*, with_rowid: bool) -> None:
    for name in ("file", "parameter"):
        with op.batch_alter_table(name, recreate="always", table_kwargs={"sqlite_with_rowid": with_rowid}):
            pass


def _make_full_text(options: str) -> None:
    op.execute("DROP TRIGGER dataset_full_text")
    op.execute(
        f"CREATE VIRTUAL TABLE full_text_new USING fts5(words, tokenize = 'unicode61 remove_diacritics 0', {options})"
    )
    op.execute("INSERT INTO full_text_new (rowid, words) SELECT rowid, words FROM full_text ORDER BY rowid")
    op.execute("DROP TABLE full_text")
    op.execute("ALTER TABLE full_text_new RENAME TO full_text")
    op.execute(
        "CREATE TRIGGER dataset_full_text AFTER DELETE ON dataset "
        "BEGIN DELETE FROM full_text WHERE rowid = old.place; END"
    )
