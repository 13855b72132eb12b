"""Receipts, and how far the log has been read for their entries.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "receipts",
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        sa.Column("log", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger()),
        sa.Column("verified_at", sa.BigInteger()),
        sa.Column("alarmed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("leaf", name="pk_receipts"),
    )
    op.create_index("ix_receipts_reference", "receipts", ["reference"])
    op.create_index("ix_receipts_position", "receipts", ["position"])
    unverified = sa.text("verified_at IS NULL")
    op.create_index(
        "ix_receipts_unverified",
        "receipts",
        ["recorded_at"],
        sqlite_where=unverified,
        postgresql_where=unverified,
    )
    op.create_table(
        "log_marks",
        sa.Column("log", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("roots", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "size", name="pk_log_marks"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("log_marks")
    op.drop_index("ix_receipts_unverified", "receipts")
    op.drop_index("ix_receipts_position", "receipts")
    op.drop_index("ix_receipts_reference", "receipts")
    op.drop_table("receipts")
