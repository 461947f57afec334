"""What somebody chose a server to get at its next start."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the choices."""
    op.create_table(
        "choices",
        sa.Column("username", sa.String(200), primary_key=True),
        sa.Column("server", sa.String(200), primary_key=True),
        sa.Column("environment", sa.String(30), nullable=False),
        sa.Column("cores", sa.Float(), nullable=False),
        sa.Column("memory", sa.BigInteger(), nullable=False),
        sa.Column("extended", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("choices")
