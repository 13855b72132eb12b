"""Fails half way, after it has made a table."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table("halfway", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("SELECT no_such_column FROM desks")


def downgrade() -> None:
    op.drop_table("halfway")
