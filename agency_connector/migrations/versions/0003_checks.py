"""Checking a name: the journal of checks and quoted references, pseudonym years, local users.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "journal_checks",
        sa.Column("check_id", sa.LargeBinary(16), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("prepared", sa.LargeBinary(), nullable=True),
        sa.Column("kept", sa.LargeBinary(), nullable=True),
        sa.Column("failed", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("check_id", name="pk_journal_checks"),
    )
    op.create_index("ix_journal_checks_asked_at", "journal_checks", ["asked_at"])
    op.create_table(
        "journal_resolutions",
        sa.Column("resolution_id", sa.LargeBinary(16), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("quoted", sa.LargeBinary(), nullable=False),
        sa.Column("resolved", sa.LargeBinary(), nullable=True),
        sa.Column("failed", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("resolution_id", name="pk_journal_resolutions"),
    )
    op.create_index("ix_journal_resolutions_asked_at", "journal_resolutions", ["asked_at"])
    op.create_table(
        "pseudonym_years",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_pseudonym_years"),
    )
    op.create_table(
        "local_users",
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_name", name="pk_local_users"),
        sa.UniqueConstraint("token_hash", name="uq_local_users_token_hash"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("local_users", "pseudonym_years", "journal_resolutions", "journal_checks"):
        op.drop_table(name)
