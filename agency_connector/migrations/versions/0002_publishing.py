"""Publishing: the lease of a sync, staged rows, what is published, the outbox, marks.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sync_lease",
        sa.Column("singleton", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run", sa.LargeBinary(16), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_sync_lease_one_row")),
        sa.PrimaryKeyConstraint("singleton", name="pk_sync_lease"),
    )
    op.create_table(
        "staged_rows",
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("local_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("desk", sa.String(32), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("names", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "local_id", "place", name="pk_staged_rows"),
    )
    op.create_table(
        "common_inputs",
        sa.Column("input", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("input", name="pk_common_inputs"),
    )
    op.create_table(
        "published",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("local_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.LargeBinary(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=True),
        sa.Column("batch", sa.LargeBinary(16), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("epoch", "source", "local_id", name="pk_published"),
    )
    op.create_index("uq_published_handle", "published", ["handle"], unique=True)
    op.create_index("ix_published_batch", "published", ["batch"])
    op.create_table(
        "outbox",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch", sa.LargeBinary(16), nullable=False),
        sa.Column("run", sa.LargeBinary(16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("entry", sa.LargeBinary(), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name="pk_outbox"),
    )
    op.create_index("uq_outbox_batch", "outbox", ["batch"], unique=True)
    op.create_index("ix_outbox_delivered_at", "outbox", ["delivered_at"])
    op.create_table(
        "publisher",
        sa.Column("singleton", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_publisher_one_row")),
        sa.PrimaryKeyConstraint("singleton", name="pk_publisher"),
    )
    op.create_table(
        "sent_marks",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_sent_marks"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "sent_marks",
        "publisher",
        "outbox",
        "published",
        "common_inputs",
        "staged_rows",
        "sync_lease",
    ):
        op.drop_table(name)
