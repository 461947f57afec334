"""The index of parameters goes by blocks of datasets, so that writing does not slow down as the catalogue grows.

Revision ID: 0004
"""

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index that goes by blocks."""
    op.drop_index("ix_parameter_name_dimension_si_dataset", "parameter")
    op.create_index(
        "ix_parameter_by_block", "parameter", ["name", "dimension", text("(dataset >> 12)"), "si", "dataset"]
    )


def downgrade() -> None:
    """Make the one of all values together."""
    op.drop_index("ix_parameter_by_block", "parameter")
    op.create_index("ix_parameter_name_dimension_si_dataset", "parameter", ["name", "dimension", "si", "dataset"])
