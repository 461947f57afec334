"""Leases and their audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

HOLDS_SERVER = sa.text("state NOT IN ('ended', 'refused', 'failed')")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "leases",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("user_options", sa.JSON(), nullable=False),
        sa.Column("environment", sa.String(30)),
        sa.Column("dataset", sa.String(64)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason_en", sa.Text()),
        sa.Column("reason_zh", sa.Text()),
        sa.Column("cores", sa.Float(), nullable=False),
        sa.Column("memory", sa.BigInteger(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("source_ip", sa.String(45)),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "one_active_lease_per_server",
        "leases",
        ["username", "server"],
        unique=True,
        sqlite_where=HOLDS_SERVER,
        postgresql_where=HOLDS_SERVER,
    )
    op.create_index("leases_newest_first", "leases", ["requested_at", "id"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("lease", sa.String(32), sa.ForeignKey("leases.id"), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
    )
    op.create_index("ix_audit_lease", "audit", ["lease"])
