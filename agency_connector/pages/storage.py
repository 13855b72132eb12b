"""Who may use API and pages: user names of this machine, each with the hash of a token."""

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, String, Table, select

from agency_connector.database import metadata
from foundation.inserting import inserting

local_users = Table(
    "local_users",
    metadata,
    Column("user_name", String(64), primary_key=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("made_at", BigInteger, nullable=False),
)


def put(connection: Connection, user: str, token_hash: bytes, now: int) -> None:
    """Keep the hash of a user's token in the place of an earlier one."""
    values = {"token_hash": token_hash, "made_at": now}
    connection.execute(
        inserting(connection, local_users)
        .values(user_name=user, **values)
        .on_conflict_do_update(index_elements=[local_users.c.user_name], set_=values)
    )


def user_with(connection: Connection, token_hash: bytes) -> str | None:
    """Return the user whose token has this hash, or None."""
    found = select(local_users.c.user_name).where(local_users.c.token_hash == token_hash)
    user: str | None = connection.execute(found).scalar_one_or_none()
    return user
