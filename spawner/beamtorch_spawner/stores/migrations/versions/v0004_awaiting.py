"""The few leases that wait for another's end are found without a walk through all there ever were."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
AWAITING = sa.text("awaits IS NOT NULL")


def upgrade() -> None:
    """Add their index."""
    op.create_index("leases_awaiting", "leases", ["awaits"], sqlite_where=AWAITING, postgresql_where=AWAITING)


def downgrade() -> None:
    """Take it away."""
    op.drop_index("leases_awaiting", "leases")
