"""Tokens on PostgreSQL: one table with a hash index instead of eight partitions with a key each.

A token is only ever searched for as a whole, and is in one row for each flag that has it. The two
were measured in docs/decisions/lookup-transaction.md. On SQLite the table stays as it is.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_PARTITIONS = 8


def upgrade() -> None:
    """Move the tokens into one table and index it."""
    if op.get_bind().dialect.name != "postgresql":
        return
    _move("CREATE TABLE flag_tokens (token bytea NOT NULL, flag bigint NOT NULL)")
    op.create_index("ix_flag_tokens_token", "flag_tokens", ["token"], postgresql_using="hash")


def downgrade() -> None:
    """Move them back into partitions, where token and flag are the key."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_index("ix_flag_tokens_token", table_name="flag_tokens")
    _move(
        "CREATE TABLE flag_tokens (token bytea NOT NULL, flag bigint NOT NULL,"
        " CONSTRAINT pk_flag_tokens PRIMARY KEY (token, flag)) PARTITION BY HASH (token)",
        *(
            f"CREATE TABLE flag_tokens_{number} PARTITION OF flag_tokens "
            f"FOR VALUES WITH (MODULUS {_PARTITIONS}, REMAINDER {number})"
            for number in range(_PARTITIONS)
        ),
    )


def _move(*creations: str) -> None:
    """Make the table anew as `creations` have it, with the rows it has now."""
    op.execute("CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT token, flag FROM flag_tokens")
    op.drop_table("flag_tokens")
    for creation in creations:
        op.execute(creation)
    op.execute("INSERT INTO flag_tokens (token, flag) SELECT token, flag FROM kept")
    op.execute("DROP TABLE kept")
