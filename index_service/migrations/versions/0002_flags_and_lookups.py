"""Flags, tokens, batches, lookups, side records, references and limits."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TOKEN_PARTITIONS = 8


def upgrade() -> None:
    """Create the tables; on PostgreSQL the token table in hash partitions."""
    op.create_table(
        "flag_tokens",
        sa.Column("token", sa.LargeBinary(length=16), nullable=False),
        sa.Column("flag", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("token", "flag", name=op.f("pk_flag_tokens")),
        postgresql_partition_by="HASH (token)",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "batches",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("batch", sa.LargeBinary(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["agency"], ["agencies.agency"], name=op.f("fk_batches_agency")),
        sa.PrimaryKeyConstraint("agency", "batch", name=op.f("pk_batches")),
    )
    op.create_table(
        "flags",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("handle", sa.LargeBinary(length=16), nullable=False),
        sa.Column("tokens", sa.LargeBinary(length=256), nullable=False),
        sa.Column("desk", sa.String(length=32), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.agency"], name=op.f("fk_flags_agency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
    )
    op.create_index("ix_flags_ends_at", "flags", ["ends_at"], unique=False)
    op.create_index(
        "uq_flags_agency_epoch_handle", "flags", ["agency", "epoch", "handle"], unique=True
    )
    op.create_table(
        "lookup_counts",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("officer", sa.LargeBinary(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_lookup_counts_agency")
        ),
        sa.PrimaryKeyConstraint("agency", "hour", "officer", name=op.f("pk_lookup_counts")),
    )
    op.create_table(
        "lookups",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("lookup", sa.LargeBinary(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("officer", sa.LargeBinary(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("wide", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.agency"], name=op.f("fk_lookups_agency")),
        sa.PrimaryKeyConstraint("agency", "lookup", name=op.f("pk_lookups")),
    )
    op.create_index("ix_lookups_at", "lookups", ["at"], unique=False)
    op.create_table(
        "publishers",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.agency"], name=op.f("fk_publishers_agency")),
        sa.PrimaryKeyConstraint("agency", name=op.f("pk_publishers")),
    )
    op.create_table(
        "reference_quotes",
        sa.Column("reference", sa.String(length=10), nullable=False),
        sa.Column("asker", sa.String(length=32), nullable=False),
        sa.Column("lookup", sa.LargeBinary(length=16), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("handle", sa.LargeBinary(length=16), nullable=False),
        sa.Column("desk", sa.String(length=32), nullable=False),
        sa.Column("matched", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asker"], ["agencies.agency"], name=op.f("fk_reference_quotes_asker")
        ),
        sa.ForeignKeyConstraint(
            ["holder"], ["agencies.agency"], name=op.f("fk_reference_quotes_holder")
        ),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_reference_quotes")),
    )
    op.create_index(
        "ix_reference_quotes_expires_at", "reference_quotes", ["expires_at"], unique=False
    )
    op.create_table(
        "side_records",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("lookup", sa.LargeBinary(length=16), nullable=False),
        sa.Column("intake", sa.BigInteger(), nullable=False),
        sa.Column("sets", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("withheld", sa.LargeBinary(), nullable=False),
        sa.Column("withheld_salt", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["intake"], ["intake.id"], name=op.f("fk_side_records_intake")),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_side_records_agency")
        ),
        sa.PrimaryKeyConstraint("agency", "lookup", name=op.f("pk_side_records")),
        sa.UniqueConstraint("intake", name=op.f("uq_side_records_intake")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for number in range(TOKEN_PARTITIONS):
            op.execute(
                f"CREATE TABLE flag_tokens_{number} PARTITION OF flag_tokens "
                f"FOR VALUES WITH (MODULUS {TOKEN_PARTITIONS}, REMAINDER {number})"
            )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("side_records")
    op.drop_index("ix_reference_quotes_expires_at", table_name="reference_quotes")
    op.drop_table("reference_quotes")
    op.drop_table("publishers")
    op.drop_index("ix_lookups_at", table_name="lookups")
    op.drop_table("lookups")
    op.drop_table("lookup_counts")
    op.drop_index("uq_flags_agency_epoch_handle", table_name="flags")
    op.drop_index("ix_flags_ends_at", table_name="flags")
    op.drop_table("flags")
    op.drop_table("batches")
    op.drop_table("flag_tokens")
