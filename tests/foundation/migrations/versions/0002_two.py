"""A desk's name must be there: on SQLite the table is rebuilt by copy and drop."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("desks") as desks:
        desks.alter_column("name", existing_type=sa.Text, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("desks") as desks:
        desks.alter_column("name", existing_type=sa.Text, nullable=True)
