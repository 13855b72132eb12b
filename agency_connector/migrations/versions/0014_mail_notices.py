"""Notices to the mailboxes of desks.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mail_notices",
        sa.Column("notice_id", sa.LargeBinary(16), nullable=False),
        sa.Column("desk", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failed", sa.String(32), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("notice_id", name="pk_mail_notices"),
    )
    waiting = sa.text("sent_at IS NULL")
    op.create_index(
        "ix_mail_notices_due",
        "mail_notices",
        ["due_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_mail_notices_due", "mail_notices")
    op.drop_table("mail_notices")
