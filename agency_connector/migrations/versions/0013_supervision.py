"""What supervisors opened and decided.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "supervision_reviews",
        sa.Column("review_id", sa.LargeBinary(16), nullable=False),
        sa.Column("check_id", sa.LargeBinary(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("review_id", name="pk_supervision_reviews"),
    )
    op.create_index("ix_supervision_reviews_check_id", "supervision_reviews", ["check_id"])
    op.create_index("ix_supervision_reviews_at", "supervision_reviews", ["at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_supervision_reviews_at", "supervision_reviews")
    op.drop_index("ix_supervision_reviews_check_id", "supervision_reviews")
    op.drop_table("supervision_reviews")
