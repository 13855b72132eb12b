"""The log: numbers of entries, the tree's tiles and head, and what witnesses cosigned."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give each intake row room for its number, and create the log's tables."""
    with op.batch_alter_table("intake") as intake:
        intake.add_column(sa.Column("position", sa.BigInteger(), nullable=True))
        intake.create_unique_constraint(op.f("uq_intake_position"), ["position"])
    unnumbered = sa.text("position IS NULL")
    op.create_index(
        "ix_intake_unnumbered",
        "intake",
        ["id"],
        sqlite_where=unnumbered,
        postgresql_where=unnumbered,
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("closed", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_log_tiles")),
    )
    op.create_table(
        "log_cosignatures",
        sa.Column("witness", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("witness", name=op.f("pk_log_cosignatures")),
    )


def downgrade() -> None:
    """Drop them; the entries stay, without their numbers."""
    op.drop_table("log_cosignatures")
    op.drop_table("log_tiles")
    op.drop_table("log_head")
    op.drop_index("ix_intake_unnumbered", "intake")
    with op.batch_alter_table("intake") as intake:
        intake.drop_constraint(op.f("uq_intake_position"), type_="unique")
        intake.drop_column("position")
