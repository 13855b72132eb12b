"""Each signed request is taken once: the nonces that a program has already accepted."""

from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, String, Table, delete
from sqlalchemy.dialects import postgresql, sqlite

from foundation.statements import Asked, Statement

KEPT_MS: Final = 15 * 60 * 1000
"""Longer than any request stays acceptable: twice `protocol.http_signatures.WINDOW_S`, and more."""


def nonce_table(metadata: MetaData) -> Table:
    """Return the table `nonces` on a program's own metadata; its migrations create it.

    `keyid` are the 22 characters that name a key, `nonce` 16 bytes, `received_at` milliseconds UTC.
    """
    return Table(
        "nonces",
        metadata,
        Column("keyid", String(22), primary_key=True),
        Column("nonce", LargeBinary(16), primary_key=True),
        Column("received_at", BigInteger, nullable=False, index=True),
        sqlite_with_rowid=False,
    )


_NONCES = nonce_table(MetaData())
_REMEMBER: Final = Statement(
    {
        "sqlite": sqlite.insert(_NONCES).on_conflict_do_nothing().returning(_NONCES.c.keyid),
        "postgresql": postgresql.insert(_NONCES)
        .on_conflict_do_nothing()
        .returning(_NONCES.c.keyid),
    }
)


def remember(connection: Connection, keyid: str, nonce: bytes, now: int) -> bool:
    """Keep a nonce; False if it is already there.

    Of two transactions with one nonce the second waits for the first to end, and is told False if
    that committed.
    """
    return bool(ask(connection, keyid, nonce, now).rows())


def ask(connection: Connection, keyid: str, nonce: bytes, now: int) -> Asked:
    """Keep a nonce without waiting for it; no rows if it is already there."""
    return _REMEMBER.later(connection, keyid=keyid, nonce=nonce, received_at=now)


def forget_old_nonces(connection: Connection, now: int) -> int:
    """Delete the nonces whose requests are too old to be sent again; return how many."""
    old = delete(_NONCES).where(_NONCES.c.received_at < now - KEPT_MS)
    return connection.execute(old).rowcount
