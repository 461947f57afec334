"""Leases learn their resources, their end and their terminal; quotas, terminals, events, locks and keys come."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

OVER = "state NOT IN ('ended', 'refused', 'failed')"
HOLDS = sa.text(f"terminal IS NOT NULL AND awaits IS NULL AND {OVER}")
AWAITS = sa.text(f"terminal IS NOT NULL AND awaits IS NOT NULL AND {OVER}")
MOMENT = sa.DateTime(timezone=True)
GPU = "nvidia.com/gpu"


def _lease_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("wish", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("image", sa.String(400)),
        sa.Column("description", sa.Text()),
        sa.Column("extended", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("groups", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("terminal", sa.String(45)),
        sa.Column("beamline", sa.String(64)),
        sa.Column("awaits", sa.String(32)),
        sa.Column("evict_after", MOMENT),
        sa.Column("browser_session", sa.String(64)),
        sa.Column("ticket_hash", sa.String(64)),
        sa.Column("redeemed_at", MOMENT),
        sa.Column("pod", sa.String(253)),
        sa.Column("pod_uid", sa.String(64)),
        sa.Column("run_seconds", sa.Integer()),
        sa.Column("extensions", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("notified_seconds", sa.Integer()),
        sa.Column("running_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("latest_end", MOMENT),
        sa.Column("held_from", MOMENT),
        sa.Column("held_until", MOMENT),
    )


def upgrade() -> None:
    """Add what the authority needs; GPUs of old leases become a named resource."""
    with op.batch_alter_table("leases") as table:
        for column in _lease_columns():
            table.add_column(column)
        table.create_unique_constraint("uq_leases_ticket_hash", ["ticket_hash"])
    _move_gpus()
    with op.batch_alter_table("leases") as table:
        table.drop_column("gpus")
    for name, where in (("one_lease_holds_a_terminal", HOLDS), ("one_lease_awaits_a_terminal", AWAITS)):
        op.create_index(name, "leases", ["terminal"], unique=True, sqlite_where=where, postgresql_where=where)
    op.create_index("active_leases", "leases", ["state"], sqlite_where=sa.text(OVER), postgresql_where=sa.text(OVER))
    op.create_index("leases_held_until", "leases", ["held_until"])
    op.create_index("leases_ended_at", "leases", ["ended_at"])
    with op.batch_alter_table("audit") as table:
        table.alter_column("lease", existing_type=sa.String(32), nullable=True)
        table.alter_column("username", existing_type=sa.String(200), nullable=True)
        table.alter_column("server", existing_type=sa.String(200), nullable=True)
        table.add_column(sa.Column("terminal", sa.String(45)))
        table.add_column(sa.Column("detail_zh", sa.Text(), nullable=False, server_default=""))
        table.create_index("audit_by_time", ["at"])
        table.create_index("audit_by_person", ["username", "at"])
    _new_tables()
    op.execute("INSERT INTO locks (name, holder) VALUES ('admission', '')")


def _move_gpus() -> None:
    leases = sa.table("leases", sa.column("id"), sa.column("gpus"), sa.column("extended", sa.JSON()))
    connection = op.get_bind()
    for lease, gpus in connection.execute(sa.select(leases.c.id, leases.c.gpus).where(leases.c.gpus > 0)).all():
        connection.execute(leases.update().where(leases.c.id == lease).values(extended={GPU: gpus}))


def _new_tables() -> None:
    op.create_table(
        "terminals",
        sa.Column("ip", sa.String(45), primary_key=True),
        sa.Column("beamline", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("protection", sa.String(10), nullable=False),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("minimum_seconds", sa.Integer(), nullable=False),
        sa.Column("valid_from", MOMENT),
        sa.Column("valid_until", MOMENT),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "quotas",
        sa.Column("scope", sa.String(10), primary_key=True),
        sa.Column("subject", sa.String(200), primary_key=True),
        sa.Column("resource", sa.String(130), primary_key=True),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "request_keys",
        sa.Column("owner", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("lease", sa.String(32), sa.ForeignKey("leases.id"), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    op.create_index("events_of_a_person", "events", ["username", "id"])
    op.create_table(
        "locks",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("holder", sa.String(100), nullable=False),
        sa.Column("until", MOMENT),
    )
    op.create_table(
        "clock_marks",
        sa.Column("boot", sa.String(64), primary_key=True),
        sa.Column("elapsed", sa.Float(), nullable=False),
        sa.Column("wall", MOMENT, nullable=False),
    )
    op.create_table(
        "ended_sessions",
        sa.Column("session", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("ended_sessions_by_number", "ended_sessions", ["number"], unique=True)
