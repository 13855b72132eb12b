"""Desks and the flags that stand at them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "desks", sa.Column("desk", sa.Text, primary_key=True), sa.Column("name", sa.Text)
    )
    op.create_table(
        "flags",
        sa.Column("handle", sa.BigInteger, primary_key=True),
        sa.Column("desk", sa.Text, sa.ForeignKey("desks.desk", ondelete="CASCADE"), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("flags")
    op.drop_table("desks")
