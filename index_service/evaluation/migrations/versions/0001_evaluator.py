"""Agencies, their keys, nonces, and the counts of what was evaluated for whom."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "agencies",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended')", name=op.f("ck_agencies_status")),
        sa.PrimaryKeyConstraint("agency", name=op.f("pk_agencies")),
    )
    op.create_table(
        "nonces",
        sa.Column("keyid", sa.String(length=22), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("keyid", "nonce", name=op.f("pk_nonces")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_nonces_received_at"), "nonces", ["received_at"])
    op.create_table(
        "keys",
        sa.Column("keyid", sa.String(length=22), nullable=False),
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["agency"], ["agencies.agency"], name=op.f("fk_keys_agency")),
        sa.PrimaryKeyConstraint("keyid", name=op.f("pk_keys")),
    )
    op.create_index(op.f("ix_keys_agency"), "keys", ["agency"])
    op.create_table(
        "counts",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("use", sa.String(length=7), nullable=False),
        sa.Column("elements", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.agency"], name=op.f("fk_counts_agency")),
        sa.PrimaryKeyConstraint("agency", "day", "epoch", "use", name=op.f("pk_counts")),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("counts", "keys", "nonces", "agencies"):
        op.drop_table(table)
