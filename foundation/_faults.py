"""Tells apart why a database cannot be used, and says for each what to do."""

import sqlite3
from typing import Final

from sqlalchemy import exc

from foundation.operator import PlainError


class StorageUnavailable(PlainError):
    """The database is locked, full, lost or cannot be opened; the transaction did not commit.

    (Only a connection lost during COMMIT leaves that open, so what is sent again must carry the
    id it had.) The message is one line that says what to do.
    """


_BUSY: Final = (
    "the database {name} is locked by another program or a long task: "
    "wait and try again, or find out what holds it"
)
_FULL: Final = "the disk of the database {name} is full: make room, then try again"
_READ_ONLY: Final = "the database {name} can only be read: let this program's user write to it"
_DAMAGED: Final = (
    "the file {name} is not a database or is damaged: keep a copy of it and restore a backup"
)
_DISK: Final = "the disk of the database {name} reports an error: check the disk, then try again"
_CANNOT_OPEN: Final = (
    "the database {name} cannot be opened: check that its folder exists "
    "and that this user may write there"
)

_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_OPEN,
}

_REFUSED: Final = (
    "no database answers for {name}: check that the PostgreSQL server runs and the address is right"
)
_LOST: Final = (
    "the connection to the database {name} was lost: check that the PostgreSQL server runs, "
    "then try again"
)
_SIGN_IN: Final = (
    "the PostgreSQL server does not let this program into {name}: check the user, "
    "the password and pg_hba.conf"
)
_MISSING: Final = "there is no database {name}: create it with `createdb`, encoding UTF8"
_CROWDED: Final = (
    "the PostgreSQL server of {name} has no room for another connection or task: "
    "raise max_connections or its memory, or run fewer workers"
)
_STANDBY: Final = (
    "the database {name} is read-only, perhaps a standby: give the address of the primary"
)

# By SQLSTATE, or its first two characters (PostgreSQL, appendix A); the longer entry goes first.
_POSTGRESQL: Final = {
    "53100": _FULL,
    "53": _CROWDED,
    "40001": _BUSY,
    "40P01": _BUSY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "57P01": _LOST,
    "57P02": _LOST,
    "57P03": _REFUSED,
    "25006": _STANDBY,
    "28": _SIGN_IN,
    "3D000": _MISSING,
    "08": _LOST,
    "58": _DISK,
}


def explain(
    error: exc.DBAPIError, dialect: str, name: str, *, reading: bool
) -> StorageUnavailable | None:
    """Return what `error` means to whoever runs the program; None if it is a mistake in a query.

    `name` is where the database is, without its password. `reading` says that writes are refused
    on purpose, so that an attempted write is such a mistake.
    """
    if reading and _refused_write(error):
        return None
    message = _of_sqlite(error) if dialect == "sqlite" else _of_postgresql(error)
    return None if message is None else StorageUnavailable(message.format(name=name))


def _refused_write(error: exc.DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    state = getattr(error.orig, "sqlstate", None)
    return code == sqlite3.SQLITE_READONLY or state == "25006"


def _of_sqlite(error: exc.DBAPIError) -> str | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    # The low byte is the primary result code (https://sqlite.org/rescode.html).
    return None if code is None else _SQLITE.get(code & 0xFF)


def _of_postgresql(error: exc.DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    if error.connection_invalidated:
        return _LOST
    if not isinstance(error, exc.OperationalError):
        return None
    return _of_libpq(str(error.orig))


def _of_libpq(text: str) -> str:
    """A failed connection has no SQLSTATE, only libpq's words."""
    if "password" in text or "authentication" in text or "pg_hba" in text:
        return _SIGN_IN
    if "database" in text and "does not exist" in text:
        return _MISSING
    if "too many" in text or "remaining connection slots" in text:
        return _CROWDED
    return _REFUSED
