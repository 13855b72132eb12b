"""The journal of readings of the record, and of opened particulars.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "journal_readings",
        sa.Column("reading_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("root", sa.LargeBinary(length=32), nullable=True),
        sa.Column("failed", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("reading_id", name="pk_journal_readings"),
    )
    op.create_index("ix_journal_readings_asked_at", "journal_readings", ["asked_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_journal_readings_asked_at", "journal_readings")
    op.drop_table("journal_readings")
