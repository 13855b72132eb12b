"""Contact requests, and the sealed steps that wait for their recipients."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "contact_requests",
        sa.Column("request", sa.LargeBinary(16), nullable=False),
        sa.Column("asker", sa.String(32), nullable=False),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(10), nullable=False),
        sa.Column("lookup", sa.LargeBinary(16), nullable=False),
        sa.Column("officer", sa.LargeBinary(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(32), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("stepped_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asker"], ["agencies.agency"], name=op.f("fk_contact_requests_asker_agencies")
        ),
        sa.ForeignKeyConstraint(
            ["holder"], ["agencies.agency"], name=op.f("fk_contact_requests_holder_agencies")
        ),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_contact_requests")),
    )
    op.create_index("ix_contact_requests_stepped_at", "contact_requests", ["stepped_at"])
    op.create_index("ix_contact_requests_asker_asked_at", "contact_requests", ["asker", "asked_at"])
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_contact_requests_open",
        "contact_requests",
        ["reference"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_table(
        "contact_steps",
        sa.Column("request", sa.LargeBinary(16), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recipient", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("intake", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request"],
            ["contact_requests.request"],
            name=op.f("fk_contact_steps_request_contact_requests"),
        ),
        sa.ForeignKeyConstraint(
            ["recipient"], ["agencies.agency"], name=op.f("fk_contact_steps_recipient_agencies")
        ),
        sa.ForeignKeyConstraint(
            ["intake"], ["intake.id"], name=op.f("fk_contact_steps_intake_intake")
        ),
        sa.PrimaryKeyConstraint("request", "number", name=op.f("pk_contact_steps")),
    )
    waiting = sa.text("sealed IS NOT NULL")
    op.create_index(
        "ix_contact_steps_waiting",
        "contact_steps",
        ["recipient", "intake"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def downgrade() -> None:
    """Drop them: what has not been delivered is lost, and asked for again."""
    op.drop_index("ix_contact_steps_waiting", "contact_steps")
    op.drop_table("contact_steps")
    op.drop_index("ix_contact_requests_open", "contact_requests")
    op.drop_index("ix_contact_requests_asker_asked_at", "contact_requests")
    op.drop_index("ix_contact_requests_stepped_at", "contact_requests")
    op.drop_table("contact_requests")
