"""An officer's own checks, what came of them, justifications, and what a desk answered.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and columns."""
    op.add_column("journal_checks", sa.Column("officer_id", sa.LargeBinary(32), nullable=True))
    op.add_column("journal_checks", sa.Column("came_of_it", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_journal_checks_officer_id_asked_at", "journal_checks", ["officer_id", "asked_at"]
    )
    op.add_column("journal_resolutions", sa.Column("replied", sa.LargeBinary(), nullable=True))
    op.create_table(
        "journal_acts",
        sa.Column("act_id", sa.LargeBinary(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("act_id", name="pk_journal_acts"),
    )
    op.create_index("ix_journal_acts_at", "journal_acts", ["at"])
    op.create_table(
        "justification_turns",
        sa.Column("officer_id", sa.LargeBinary(32), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("last_check", sa.LargeBinary(16), nullable=True),
        sa.PrimaryKeyConstraint("officer_id", name="pk_justification_turns"),
    )
    op.create_table(
        "justifications",
        sa.Column("justification_id", sa.LargeBinary(16), nullable=False),
        sa.Column("officer_id", sa.LargeBinary(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("given", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("justification_id", name="pk_justifications"),
    )
    op.create_index("ix_justifications_officer_id_state", "justifications", ["officer_id", "state"])
    op.create_index("ix_justifications_asked_at", "justifications", ["asked_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_justifications_asked_at", "justifications")
    op.drop_index("ix_justifications_officer_id_state", "justifications")
    op.drop_table("justifications")
    op.drop_table("justification_turns")
    op.drop_index("ix_journal_acts_at", "journal_acts")
    op.drop_table("journal_acts")
    op.drop_column("journal_resolutions", "replied")
    op.drop_index("ix_journal_checks_officer_id_asked_at", "journal_checks")
    op.drop_column("journal_checks", "came_of_it")
    op.drop_column("journal_checks", "officer_id")
