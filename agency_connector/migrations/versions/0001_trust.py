"""What is believed: enrolment, pins, members, epochs, desks, the directory last seen.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "enrolment",
        sa.Column("singleton", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("partnership", sa.String(32), nullable=False),
        sa.Column("agency", sa.String(32), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("index_key", sa.LargeBinary(32), nullable=False),
        sa.Column("steward", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_enrolment_one_row")),
        sa.PrimaryKeyConstraint("singleton", name="pk_enrolment"),
    )
    op.create_table(
        "pins",
        sa.Column("singleton", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log_key", sa.Text(), nullable=False),
        sa.Column("witness_policy", sa.Text(), nullable=False),
        sa.Column("handed_over_by", sa.String(32), nullable=False),
        sa.Column("pinned_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_pins_one_row")),
        sa.PrimaryKeyConstraint("singleton", name="pk_pins"),
    )
    op.create_table(
        "believed_members",
        sa.Column("agency", sa.String(32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("signing", sa.LargeBinary(32), nullable=False),
        sa.Column("sealing", sa.LargeBinary(32), nullable=False),
        sa.Column("earlier", sa.LargeBinary(), nullable=False),
        sa.Column("believed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agency", name="pk_believed_members"),
    )
    op.create_table(
        "held_epochs",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("publishing", sa.Boolean(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_held_epochs"),
    )
    op.create_table(
        "seen_desks",
        sa.Column("agency", sa.String(32), nullable=False),
        sa.Column("desk", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "desk", name="pk_seen_desks"),
    )
    op.create_table(
        "own_desks",
        sa.Column("desk", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("desk", name="pk_own_desks"),
    )
    op.create_table(
        "seen_directory",
        sa.Column("singleton", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_seen_directory_one_row")),
        sa.PrimaryKeyConstraint("singleton", name="pk_seen_directory"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "seen_directory",
        "own_desks",
        "seen_desks",
        "held_epochs",
        "believed_members",
        "pins",
        "enrolment",
    ):
        op.drop_table(name)
