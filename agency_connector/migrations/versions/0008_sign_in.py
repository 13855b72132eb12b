"""Local accounts, the people who have signed in, and the trail of sign-ins.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "accounts",
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("display_name", sa.String(200), nullable=False),
        sa.Column("given_name", sa.String(200), nullable=False),
        sa.Column("family_name", sa.String(200), nullable=False),
        sa.Column("roles", sa.String(100), nullable=False),
        sa.Column("trained_on", sa.String(10), nullable=False),
        sa.Column("password_hash", sa.String(300), nullable=False),
        sa.Column("code_secret", sa.LargeBinary(), nullable=False),
        sa.Column("code_step", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.LargeBinary(16), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_name", name="pk_accounts"),
    )
    op.create_table(
        "people",
        sa.Column("person_id", sa.LargeBinary(32), nullable=False),
        sa.Column("known", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_people"),
    )
    op.create_table(
        "sign_in_events",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.LargeBinary(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_sign_in_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sign_in_events_at", "sign_in_events", ["at"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index("ix_sign_in_events_at", "sign_in_events")
    op.drop_table("sign_in_events")
    op.drop_table("people")
    op.drop_table("accounts")
