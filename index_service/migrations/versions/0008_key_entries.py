"""Which entries enrolled an agency's keys."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "key_entries",
        sa.Column("key_id", sa.String(22), nullable=False),
        sa.Column("agency", sa.String(32), nullable=False),
        sa.Column("intake", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_key_entries")),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_key_entries_agency_agencies")
        ),
        sa.ForeignKeyConstraint(
            ["intake"], ["intake.id"], name=op.f("fk_key_entries_intake_intake")
        ),
    )
    op.create_index(op.f("ix_key_entries_agency"), "key_entries", ["agency"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_index(op.f("ix_key_entries_agency"), "key_entries")
    op.drop_table("key_entries")
