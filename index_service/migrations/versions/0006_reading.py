"""Reading the record: segments that make lookups findable, and how much each agency has read."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the worker fills the segments from the entries that are there."""
    op.create_table(
        "audit_segments",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("erased", sa.Integer(), nullable=False),
        sa.Column("catalogue", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_segments")),
    )
    op.create_table(
        "audit_postings",
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("postings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "segment", name=op.f("pk_audit_postings")),
    )
    op.create_table(
        "audit_counts",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_audit_counts_agency_agencies")
        ),
        sa.PrimaryKeyConstraint("agency", "hour", "person", name=op.f("pk_audit_counts")),
    )


def downgrade() -> None:
    """Drop them; nothing is lost that the entries do not have."""
    op.drop_table("audit_counts")
    op.drop_table("audit_postings")
    op.drop_table("audit_segments")
