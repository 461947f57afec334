"""People and stations, places and persistent identifiers, documents, counts, history, publications, keys.

Revision ID: 0002
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
NEVER = "9999-01-01 00:00:00"
TABLES = (
    *(
        "release_mark",
        "publication_dataset",
        "publication",
        "api_key",
        "webhook",
        "change",
        "saved_search",
        "census",
        "document",
    ),
    *("file_copy", "sample_element", "role", "person", "station"),
)
INDEXES: tuple[tuple[str, ...], ...] = (
    ("place",),
    ("pid",),
    ("beamtime", "place"),
    ("proposal", "place"),
    ("beamline", "place"),
    ("sample", "place"),
)
"""Of the datasets; the first two are unique."""
COLUMNS: dict[str, tuple[tuple[str, Any, Any], ...]] = {
    "proposal": (("embargo_months", sa.Integer(), None), ("released_to", sa.String(20), None)),
    "beamtime": (("station", sa.String(64), None),),
    "sample": (("folded", sa.Text(), ""),),
    "file": (("hashes", sa.Text(), None), ("details", sa.Text(), None)),
    "dataset": (
        ("place", sa.BigInteger(), "0"),
        ("pid", sa.String(120), ""),
        ("proposal", sa.String(64), ""),
        ("beamline", sa.String(64), ""),
        ("released_at", MOMENT, NEVER),
        ("released_to", sa.String(20), "registered"),
        ("release_is_own", sa.Boolean(), sa.false()),
        ("version", sa.Integer(), "1"),
        ("recipe", sa.Text(), None),
    ),
}
"""By table: name, type and, where there is one in every row, the value of rows that are there already."""
_CHUNK = 1000


def upgrade() -> None:
    """Add tables and columns, and give every dataset that is there its place and its identifier."""
    for table, columns in COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    _office()
    _details()
    _history()
    _publications()
    _fill_datasets()
    _count_datasets()
    op.drop_index("ix_dataset_beamtime_listed_at_number", "dataset")
    op.drop_index("ix_dataset_listed_at_number", "dataset")
    op.drop_index("ix_dataset_sample", "dataset")
    for names in INDEXES:
        op.create_index(f"ix_dataset_{'_'.join(names)}", "dataset", list(names), unique=len(names) == 1)
    _full_text_by_place()


def downgrade() -> None:
    """Take all of it away; what only the new tables knew is lost."""
    _full_text_by_number()
    for names in INDEXES:
        op.drop_index(f"ix_dataset_{'_'.join(names)}", "dataset")
    op.create_index("ix_dataset_beamtime_listed_at_number", "dataset", ["beamtime", "listed_at", "number"])
    op.create_index("ix_dataset_listed_at_number", "dataset", ["listed_at", "number"])
    op.create_index("ix_dataset_sample", "dataset", ["sample"])
    for name in TABLES:
        op.drop_table(name)
    for table, columns in COLUMNS.items():
        for name, _, _ in columns:
            op.drop_column(table, name)


def _office() -> None:
    """Create what the user office knows of people and stations."""
    op.create_table(
        "station",
        sa.Column("beamline", sa.String(64), nullable=False),
        sa.Column("station", sa.String(64), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["beamline"], ["instrument.beamline"], name="fk_station_beamline_instrument"),
        sa.PrimaryKeyConstraint("beamline", "station", name="pk_station"),
    )
    op.create_table(
        "person",
        sa.Column("username", sa.String(32), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("affiliation_en", sa.Text(), nullable=True),
        sa.Column("affiliation_zh", sa.Text(), nullable=True),
        sa.Column("orcid", sa.String(19), nullable=True),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_person"),
    )
    op.create_table(
        "role",
        sa.Column("proposal", sa.String(64), nullable=False),
        sa.Column("username", sa.String(32), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["proposal"], ["proposal.proposal"], name="fk_role_proposal_proposal"),
        sa.ForeignKeyConstraint(["username"], ["person.username"], name="fk_role_username_person"),
        sa.PrimaryKeyConstraint("proposal", "username", "role", name="pk_role"),
    )
    op.create_index("ix_role_username", "role", ["username"])
    op.create_table(
        "sample_element",
        sa.Column("sample", NUMBER, nullable=False),
        sa.Column("element", sa.String(3), nullable=False),
        _cascade("sample_element", "sample", "sample"),
        sa.PrimaryKeyConstraint("sample", "element", name="pk_sample_element"),
    )
    op.create_index("ix_sample_element_element_sample", "sample_element", ["element", "sample"])


def _details() -> None:
    """Create what belongs to a dataset, or counts datasets."""
    op.create_table(
        "file_copy",
        sa.Column("dataset", NUMBER, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("verified_at", MOMENT, nullable=True),
        _cascade("file_copy", "dataset", "dataset"),
        sa.PrimaryKeyConstraint("dataset", "position", "tier", "path", name="pk_file_copy"),
    )
    op.create_table(
        "document",
        sa.Column("dataset", NUMBER, nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        _cascade("document", "dataset", "dataset"),
        sa.PrimaryKeyConstraint("dataset", "model", name="pk_document"),
    )
    op.create_index("ix_document_model_version_dataset", "document", ["model", "version", "dataset"])
    op.create_table(
        "census",
        sa.Column("beamtime", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("technique", sa.String(200), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("released_at", MOMENT, nullable=False),
        sa.Column("released_to", sa.String(20), nullable=False),
        sa.Column("datasets", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["beamtime"], ["beamtime.beamtime"], name="fk_census_beamtime_beamtime"),
        sa.PrimaryKeyConstraint(
            *("beamtime", "kind", "technique", "state", "year", "released_at", "released_to"), name="pk_census"
        ),
    )
    op.create_index("ix_census_released_at", "census", ["released_at"])
    op.create_table(
        "saved_search",
        sa.Column("username", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("username", "name", name="pk_saved_search"),
    )


def _history() -> None:
    op.create_table(
        "change",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.String(200), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("beamtime", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_change"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_change_subject_subject_id_number", "change", ["subject", "subject_id", "number"])
    op.create_table(
        "webhook",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("delivered", NUMBER, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("next_try_at", MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_webhook"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_key",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_api_key"),
        sa.UniqueConstraint("digest", name="uq_api_key_digest"),
    )
    op.create_index("ix_api_key_owner", "api_key", ["owner"])


def _publications() -> None:
    op.create_table(
        "publication",
        sa.Column("pid", sa.String(120), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("abstract_en", sa.Text(), nullable=False),
        sa.Column("abstract_zh", sa.Text(), nullable=False),
        sa.Column("licence", sa.String(100), nullable=False),
        sa.Column("creators", sa.Text(), nullable=False),
        sa.Column("proposal", sa.String(64), nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("published_by", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["proposal"], ["proposal.proposal"], name="fk_publication_proposal_proposal"),
        sa.PrimaryKeyConstraint("pid", name="pk_publication"),
    )
    op.create_table(
        "publication_dataset",
        sa.Column("publication", sa.String(120), nullable=False),
        sa.Column("dataset", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["publication"],
            ["publication.pid"],
            name="fk_publication_dataset_publication_publication",
            ondelete="CASCADE",
        ),
        _cascade("publication_dataset", "dataset", "dataset"),
        sa.PrimaryKeyConstraint("publication", "dataset", name="pk_publication_dataset"),
    )
    op.create_index("ix_publication_dataset_dataset", "publication_dataset", ["dataset"])
    op.create_table(
        "release_mark",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_release_mark"),
    )


def _cascade(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.number"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE")


def _fill_datasets() -> None:
    """Give datasets that are there what the new columns hold; no embargo has ended before there was one."""
    connection = op.get_bind()
    put = sa.text(
        "UPDATE dataset SET place = :place, pid = :pid, "
        "proposal = (SELECT proposal FROM beamtime WHERE beamtime.beamtime = dataset.beamtime), "
        "beamline = (SELECT beamline FROM beamtime WHERE beamtime.beamtime = dataset.beamtime) WHERE number = :number"
    )
    for rows in _datasets("number", "id", "listed_at"):
        values = [
            {"number": number, "pid": f"local/{name.removeprefix('ds-')}", "place": _place(listed_at, number)}
            for number, name, listed_at in rows
        ]
        connection.execute(put, values)


def _place(listed_at: datetime, number: int) -> int:
    # A copy of `stores.places.place`: a migration must do tomorrow what it did today.
    moment = listed_at.replace(tzinfo=UTC) if listed_at.tzinfo is None else listed_at
    second = int((moment - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds() // 1)
    return (min(max(second, -(2**31)), 2**31 - 1) << 32) + number


def _datasets(*columns: str) -> Iterator[list[Any]]:
    table = sa.table("dataset", *(sa.column(name, MOMENT if name.endswith("_at") else None) for name in columns))
    last = 0
    while True:
        page = sa.select(table).where(table.c.number > last).order_by(table.c.number).limit(_CHUNK)
        rows = list(op.get_bind().execute(page))
        if not rows:
            return
        yield rows
        last = rows[-1].number


def _count_datasets() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    year = (
        "CAST(strftime('%Y', listed_at) AS INTEGER)" if is_sqlite else "CAST(date_part('year', listed_at) AS integer)"
    )
    op.execute(
        "INSERT INTO census (beamtime, kind, technique, state, year, released_at, released_to, datasets, size) "  # noqa: S608 - ours
        f"SELECT beamtime, kind, substr(technique, 1, 200), state, {year}, released_at, released_to, "
        f"count(*), sum(size) FROM dataset GROUP BY beamtime, kind, substr(technique, 1, 200), state, {year}, "
        "released_at, released_to"
    )


def _full_text_by_place() -> None:
    """Give the index of words the places of datasets as its numbers, so that its hits come newest first."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE full_text ADD COLUMN place bigint")
        op.execute("UPDATE full_text SET place = dataset.place FROM dataset WHERE dataset.number = full_text.dataset")
        op.execute("ALTER TABLE full_text DROP COLUMN dataset, ADD PRIMARY KEY (place)")
        op.execute("ALTER TABLE full_text ADD FOREIGN KEY (place) REFERENCES dataset (place) ON DELETE CASCADE")
        return
    op.execute("DROP TRIGGER dataset_full_text")
    _make_full_text_sqlite(
        "SELECT dataset.place, words FROM full_text JOIN dataset ON dataset.number = full_text.rowid ORDER BY 1",
        "columnsize = 0, prefix = '1 2 3'",
    )
    op.execute(
        "CREATE TRIGGER dataset_full_text AFTER DELETE ON dataset "
        "BEGIN DELETE FROM full_text WHERE rowid = old.place; END"
    )


def _full_text_by_number() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE full_text ADD COLUMN dataset bigint")
        op.execute("UPDATE full_text SET dataset = dataset.number FROM dataset WHERE dataset.place = full_text.place")
        op.execute("ALTER TABLE full_text DROP COLUMN place, ADD PRIMARY KEY (dataset)")
        op.execute("ALTER TABLE full_text ADD FOREIGN KEY (dataset) REFERENCES dataset (number) ON DELETE CASCADE")
        return
    op.execute("DROP TRIGGER dataset_full_text")
    _make_full_text_sqlite(
        "SELECT dataset.number, words FROM full_text JOIN dataset ON dataset.place = full_text.rowid ORDER BY 1",
        "prefix = '1 2 3'",
    )
    op.execute(
        "CREATE TRIGGER dataset_full_text AFTER DELETE ON dataset "
        "BEGIN DELETE FROM full_text WHERE rowid = old.number; END"
    )


def _make_full_text_sqlite(select: str, options: str) -> None:
    op.execute(
        f"CREATE VIRTUAL TABLE full_text_new USING fts5(words, tokenize = 'unicode61 remove_diacritics 0', {options})"
    )
    op.execute(f"INSERT INTO full_text_new (rowid, words) {select}")
    op.execute("DROP TABLE full_text")
    op.execute("ALTER TABLE full_text_new RENAME TO full_text")
