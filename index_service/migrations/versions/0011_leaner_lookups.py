"""What a lookup writes: no foreign keys to agencies, and side records that are not compressed.

A lookup's agency is the one that signed it, and an agency is never deleted: PostgreSQL looked it up
and locked its row four times for each lookup. Side records are mostly random, and PostgreSQL tried
in vain to compress them; those that are there stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KEYS = (
    ("lookups", "agency"),
    ("side_records", "agency"),
    ("lookup_counts", "agency"),
    ("reference_quotes", "asker"),
    ("reference_quotes", "holder"),
)
_WIDE = ("sets", "answer", "withheld")


def upgrade() -> None:
    """Drop the keys; store side records as they come."""
    for table, column in _KEYS:
        with op.batch_alter_table(table) as altered:
            altered.drop_constraint(f"fk_{table}_{column}", type_="foreignkey")
    _store("EXTERNAL")


def downgrade() -> None:
    """Make the keys again."""
    _store("EXTENDED")
    for table, column in _KEYS:
        with op.batch_alter_table(table) as altered:
            altered.create_foreign_key(f"fk_{table}_{column}", "agencies", [column], ["agency"])


def _store(how: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for column in _WIDE:
            op.execute(sa.text(f"ALTER TABLE side_records ALTER {column} SET STORAGE {how}"))
