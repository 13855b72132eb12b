"""The partnership: agencies, keys, desks, signed documents, marks and the intake."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "agencies",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agency", name=op.f("pk_agencies")),
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    op.create_table(
        "agreements",
        sa.Column("agreement", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("parties", sa.LargeBinary(), nullable=False),
        sa.Column("purposes", sa.LargeBinary(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", name=op.f("pk_agreements")),
    )
    op.create_table(
        "intake",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake")),
    )
    op.create_table(
        "nonces",
        sa.Column("keyid", sa.String(length=22), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("keyid", "nonce", name=op.f("pk_nonces")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_nonces_received_at"), "nonces", ["received_at"], unique=False)
    op.create_table(
        "purposes",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("words", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_purposes")),
    )
    op.create_table(
        "agency_keys",
        sa.Column("key_id", sa.String(length=22), nullable=False),
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("signing", sa.String(length=43), nullable=False),
        sa.Column("sealing", sa.String(length=43), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_agency_keys_agency")
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_agency_keys")),
    )
    op.create_index(op.f("ix_agency_keys_agency"), "agency_keys", ["agency"], unique=False)
    op.create_table(
        "desks",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("desk", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.agency"], name=op.f("fk_desks_agency")),
        sa.PrimaryKeyConstraint("agency", "desk", name=op.f("pk_desks")),
    )
    op.create_table(
        "enrolment_codes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.String(length=22), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_enrolment_codes_agency")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_enrolment_codes")),
    )
    op.create_table(
        "publication_marks",
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_publication_marks_agency")
        ),
        sa.PrimaryKeyConstraint("agency", "epoch", name=op.f("pk_publication_marks")),
    )
    op.create_table(
        "signed_documents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("agency", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("intake", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency"], ["agencies.agency"], name=op.f("fk_signed_documents_agency")
        ),
        sa.ForeignKeyConstraint(["intake"], ["intake.id"], name=op.f("fk_signed_documents_intake")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signed_documents")),
        sa.UniqueConstraint("digest", name=op.f("uq_signed_documents_digest")),
    )
    op.create_index(
        "ix_signed_documents_kind_agency", "signed_documents", ["kind", "agency"], unique=False
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_signed_documents_kind_agency", table_name="signed_documents")
    op.drop_table("signed_documents")
    op.drop_table("publication_marks")
    op.drop_table("enrolment_codes")
    op.drop_table("desks")
    op.drop_index(op.f("ix_agency_keys_agency"), table_name="agency_keys")
    op.drop_table("agency_keys")
    op.drop_table("purposes")
    op.drop_index(op.f("ix_nonces_received_at"), table_name="nonces")
    op.drop_table("nonces")
    op.drop_table("intake")
    op.drop_table("revision")
    op.drop_table("agreements")
    op.drop_table("agencies")
