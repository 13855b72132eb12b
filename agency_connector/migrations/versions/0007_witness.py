"""What this connector has cosigned of each log, and the evidence of logs with two histories.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "witnessed_logs",
        sa.Column("origin", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary()),
        sa.Column("line", sa.LargeBinary()),
        sa.Column("cosigned_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_witnessed_logs"),
    )
    op.create_table(
        "log_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("held_size", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_evidence"),
        sa.UniqueConstraint(
            "origin", "kind", "held_size", name=op.f("uq_log_evidence_origin_kind_held_size")
        ),
    )
    op.create_table(
        "own_witness_declaration",
        sa.Column("singleton", sa.Integer(), nullable=False),
        sa.Column("witness_key", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("singleton", name="pk_own_witness_declaration"),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_own_witness_declaration_one_row")),
    )
    op.create_table(
        "witness_attempt",
        sa.Column("singleton", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.Text()),
        sa.Column("agreed_size", sa.BigInteger(), nullable=False),
        sa.Column("agreed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("singleton", name="pk_witness_attempt"),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_witness_attempt_one_row")),
    )
    op.create_table(
        "witness_policy_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(32), nullable=False),
        sa.Column("change", sa.String(16), nullable=False),
        sa.Column("witness_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_witness_policy_changes"),
    )


def downgrade() -> None:
    """Drop the tables. Whoever cosigns again afterwards has forgotten what it cosigned."""
    op.drop_table("witness_policy_changes")
    op.drop_table("witness_attempt")
    op.drop_table("own_witness_declaration")
    op.drop_table("log_evidence")
    op.drop_table("witnessed_logs")
