"""What came of the last sync that `run` did by itself.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "scheduled_sync",
        sa.Column("singleton", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("troubles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("singleton", name="pk_scheduled_sync"),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_scheduled_sync_one_row")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("scheduled_sync")
