"""The documents by which logs ended.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "seen_successions",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("log", sa.String(length=200), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_seen_successions"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("seen_successions")
