"""The signed documents that the index acknowledged; of which log each reading was.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and the column."""
    op.create_table(
        "acknowledged_documents",
        sa.Column("reference", sa.LargeBinary(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_acknowledged_documents"),
    )
    op.add_column("journal_readings", sa.Column("log", sa.String(200), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("journal_readings", "log")
    op.drop_table("acknowledged_documents")
