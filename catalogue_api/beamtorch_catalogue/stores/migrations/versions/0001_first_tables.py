"""The first tables: facility, instruments, proposals, beamtimes, samples, datasets, files, parameters, attachments.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    *("full_text", "parameter", "file", "dataset_parent", "attachment", "dataset", "sample", "beamtime", "proposal"),
    *("instrument", "facility"),
)


def upgrade() -> None:
    """Create all tables."""
    _facility()
    _datasets()
    _details()
    if op.get_bind().dialect.name == "sqlite":
        _full_text_sqlite()
    else:
        _full_text_postgresql()


def downgrade() -> None:
    """Drop all tables."""
    for name in TABLES:
        op.drop_table(name)


def _facility() -> None:
    """Create what the user office knows."""
    op.create_table(
        "facility",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_facility"),
    )
    op.create_table(
        "instrument",
        sa.Column("beamline", sa.String(length=64), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("technique", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("beamline", name="pk_instrument"),
    )
    op.create_table(
        "proposal",
        sa.Column("proposal", sa.String(length=64), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("principal_investigator", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("proposal", name="pk_proposal"),
    )
    op.create_table(
        "beamtime",
        sa.Column("beamtime", sa.String(length=64), nullable=False),
        sa.Column("proposal", sa.String(length=64), nullable=False),
        sa.Column("beamline", sa.String(length=64), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["beamline"], ["instrument.beamline"], name="fk_beamtime_beamline_instrument"),
        sa.ForeignKeyConstraint(["proposal"], ["proposal.proposal"], name="fk_beamtime_proposal_proposal"),
        sa.PrimaryKeyConstraint("beamtime", name="pk_beamtime"),
    )
    op.create_index("ix_beamtime_beamline", "beamtime", ["beamline"])
    op.create_index("ix_beamtime_proposal", "beamtime", ["proposal"])
    op.create_table(
        "sample",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("proposal", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description_en", sa.Text(), nullable=True),
        sa.Column("description_zh", sa.Text(), nullable=True),
        sa.Column("formula", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["proposal"], ["proposal.proposal"], name="fk_sample_proposal_proposal"),
        sa.PrimaryKeyConstraint("number", name="pk_sample"),
        sa.UniqueConstraint("proposal", "name", name="uq_sample_proposal_name"),
    )


def _datasets() -> None:
    """Create datasets and their relations to each other and to people."""
    op.create_table(
        "dataset",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("beamtime", sa.String(length=64), nullable=False),
        sa.Column("technique", sa.Text(), nullable=False),
        sa.Column("sample", NUMBER, nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("software", sa.Text(), nullable=True),
        sa.Column("registered_by", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("problem_en", sa.Text(), nullable=True),
        sa.Column("problem_zh", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["beamtime"], ["beamtime.beamtime"], name="fk_dataset_beamtime_beamtime"),
        sa.ForeignKeyConstraint(["sample"], ["sample.number"], name="fk_dataset_sample_sample"),
        sa.PrimaryKeyConstraint("number", name="pk_dataset"),
        sa.UniqueConstraint("beamtime", "source_id", name="uq_dataset_beamtime_source_id"),
        sa.UniqueConstraint("id", name="uq_dataset_id"),
    )
    op.create_index("ix_dataset_beamtime_listed_at_number", "dataset", ["beamtime", "listed_at", "number"])
    op.create_index("ix_dataset_listed_at_number", "dataset", ["listed_at", "number"])
    op.create_index("ix_dataset_sample", "dataset", ["sample"])
    op.create_table(
        "attachment",
        sa.Column("username", sa.String(length=32), nullable=False),
        sa.Column("dataset", NUMBER, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset"], ["dataset.number"], name="fk_attachment_dataset_dataset", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("username", "dataset", name="pk_attachment"),
    )
    op.create_index("ix_attachment_dataset", "attachment", ["dataset"])
    op.create_table(
        "dataset_parent",
        sa.Column("child", NUMBER, nullable=False),
        sa.Column("parent", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["child"], ["dataset.number"], name="fk_dataset_parent_child_dataset", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent"], ["dataset.number"], name="fk_dataset_parent_parent_dataset", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("child", "parent", name="pk_dataset_parent"),
    )
    op.create_index("ix_dataset_parent_parent", "dataset_parent", ["parent"])


def _details() -> None:
    """Create what belongs to one dataset."""
    op.create_table(
        "file",
        sa.Column("dataset", NUMBER, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("xxh3", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("problem_en", sa.Text(), nullable=True),
        sa.Column("problem_zh", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["dataset"], ["dataset.number"], name="fk_file_dataset_dataset", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dataset", "position", name="pk_file"),
    )
    op.create_index("ix_file_path", "file", ["path"])
    op.create_table(
        "parameter",
        sa.Column("dataset", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("dimension", sa.String(length=120), nullable=True),
        sa.Column("si", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset"], ["dataset.number"], name="fk_parameter_dataset_dataset", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset", "name", name="pk_parameter"),
    )
    op.create_index("ix_parameter_name_dimension_si_dataset", "parameter", ["name", "dimension", "si", "dataset"])


def _full_text_sqlite() -> None:
    """Create the index of words; the texts come folded and cut into tokens, so nothing is folded again."""
    op.execute(
        "CREATE VIRTUAL TABLE full_text USING fts5(words, tokenize = 'unicode61 remove_diacritics 0', prefix = '1 2 3')"
    )
    op.execute(
        "CREATE TRIGGER dataset_full_text AFTER DELETE ON dataset "
        "BEGIN DELETE FROM full_text WHERE rowid = old.number; END"
    )


def _full_text_postgresql() -> None:
    op.execute(
        "CREATE TABLE full_text (dataset bigint PRIMARY KEY REFERENCES dataset (number) ON DELETE CASCADE, "
        "words tsvector NOT NULL)"
    )
    op.execute("CREATE INDEX ix_full_text_words ON full_text USING gin (words)")
