"""Contact requests, sent and received, step by step.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.LargeBinary(16), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("agency", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(10), nullable=False),
        sa.Column("desk", sa.String(32), nullable=False),
        sa.Column("officer_id", sa.LargeBinary(32), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(32), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("stepped_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("crime_answered", sa.Boolean(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=True),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_contacts"),
    )
    op.create_index("ix_contacts_reference", "contacts", ["reference"])
    op.create_index("ix_contacts_stepped_at", "contacts", ["stepped_at"])
    op.create_index("ix_contacts_officer_id_asked_at", "contacts", ["officer_id", "asked_at"])
    op.create_table(
        "contact_steps",
        sa.Column("contact_id", sa.LargeBinary(16), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=True),
        sa.Column("told", sa.LargeBinary(), nullable=True),
        sa.Column("prepared", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.contact_id"], name="fk_contact_steps_contact_id_contacts"
        ),
        sa.PrimaryKeyConstraint("contact_id", "number", name="pk_contact_steps"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("contact_steps")
    op.drop_index("ix_contacts_officer_id_asked_at", "contacts")
    op.drop_index("ix_contacts_stepped_at", "contacts")
    op.drop_index("ix_contacts_reference", "contacts")
    op.drop_table("contacts")
