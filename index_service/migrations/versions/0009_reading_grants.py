"""Which entry bundles an auditor may fetch after a complete scan."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "reading_grants",
        sa.Column("agency", sa.String(32), nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("end", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_reading_grants_agency_agencies")
        ),
        sa.PrimaryKeyConstraint("agency", "first", "end", name=op.f("pk_reading_grants")),
    )


def downgrade() -> None:
    """Drop it: auditors ask again."""
    op.drop_table("reading_grants")
