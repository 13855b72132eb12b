"""The logs of an index: which one this is, and how the ones before it ended."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Number the log, and create the table of closed ones."""
    with op.batch_alter_table("log_head") as head:
        head.add_column(sa.Column("generation", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "log_successions",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_log_successions")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("log_successions")
    with op.batch_alter_table("log_head") as head:
        head.drop_column("generation")
