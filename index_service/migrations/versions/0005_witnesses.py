"""The rounds in which witnesses cosign one checkpoint, and what they brought."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "log_rounds",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_rounds")),
    )
    op.create_table(
        "log_round_cosignatures",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("witness", sa.String(length=32), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name=op.f("pk_log_round_cosignatures")),
        sa.ForeignKeyConstraint(
            ["size"],
            ["log_rounds.size"],
            name=op.f("fk_log_round_cosignatures_size_log_rounds"),
        ),
    )


def downgrade() -> None:
    """Drop them; the latest cosignature of each witness stays."""
    op.drop_table("log_round_cosignatures")
    op.drop_table("log_rounds")
