"""The worker: who does which job."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of leases."""
    op.create_table(
        "worker_leases",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=16), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_worker_leases")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("worker_leases")
