"""Streams one SELECT from an agency's database, in a transaction that cannot write.

Nothing that a driver says is repeated, because its messages may quote values and addresses.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, CursorResult, Engine, NullPool, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from agency_connector.sources.columns import Mapping
from agency_connector.sources.files import read_secret
from agency_connector.sources.rows import RowRefused, SourceFailed, SourceRow
from agency_connector.sources.settings import SqlSource

_ROWS_PER_FETCH: Final = 500
_SQLITE_WAIT_SECONDS: Final = 5.0
_SAYS_NO_VALUE: Final = re.compile(r"no such (?:table|column): [\w.]{1,100}", re.ASCII)
_READ_ONLY: Final = {
    "postgresql": {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"},
}
_SET_READ_ONLY: Final = {
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}


@dataclass(frozen=True, slots=True)
class DatabaseReader:
    """A `Source` that runs one query."""

    settings: SqlSource
    base_directory: Path

    @property
    def name(self) -> str:
        """The source's name in the settings."""
        return self.settings.name

    def rows(self) -> Iterator[SourceRow | RowRefused]:
        """Yield the query's rows; see `Source.rows`."""
        engine = self._engine()
        try:
            with engine.connect() as plain, closing(self._stream(plain)) as result:
                settings = self.settings
                mapping = Mapping(self.name, settings.columns, settings.dates, list(result.keys()))
                for number, values in enumerate(result, start=1):
                    yield mapping.row(f"row {number} of the query", values)
        except (SQLAlchemyError, sqlite3.Error, UnicodeDecodeError) as error:
            raise SourceFailed(f"{self.name}: {_explanation(error)}") from None
        finally:
            engine.dispose()

    def _stream(self, plain: Connection) -> CursorResult[tuple[object, ...]]:
        dialect = plain.dialect.name
        connection = plain.execution_options(
            stream_results=True,
            yield_per=_ROWS_PER_FETCH,
            no_parameters=True,  # so that % in the query is the agency's own
            **_READ_ONLY.get(dialect, {}),
        )
        if statement := _SET_READ_ONLY.get(dialect):
            connection.exec_driver_sql(statement)
        return connection.exec_driver_sql(self.settings.query)

    def _engine(self) -> Engine:
        try:
            url = make_url(self._address())
            if url.get_backend_name() == "sqlite":
                return self._sqlite_engine(url)
            return create_engine(url, poolclass=NullPool, hide_parameters=True)
        except ArgumentError:
            raise SourceFailed(
                f"{self.name}: the database's URL is not one that SQLAlchemy knows: write it as "
                "dialect+driver://user@host/database"
            ) from None
        except ImportError as error:
            raise SourceFailed(
                f"{self.name}: the database driver {error.name!r} is not installed: install it "
                "beside the connector"
            ) from None

    def _address(self) -> str:
        if self.settings.url_file is not None:
            return read_secret(self.name, self.base_directory / self.settings.url_file)
        return self.settings.url or ""

    def _sqlite_engine(self, url: URL) -> Engine:
        """Return an engine that opens the file read-only and never creates it."""
        path = self.base_directory / (url.database or "")
        if not path.is_file():
            raise SourceFailed(f"{self.name}: {path}: there is no such database file: check url")
        address = f"file:{quote(str(path))}?mode=ro"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(address, uri=True, timeout=_SQLITE_WAIT_SECONDS)
            connection.execute("PRAGMA query_only = ON")
            return connection

        return create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)


def _explanation(error: Exception) -> str:
    """Return what went wrong and what to do, without the driver's own words."""
    original = error.orig if isinstance(error, DBAPIError) else error
    words = str(original)
    if "locked" in words:
        return "the database is locked by another program: try again when that has finished"
    if found := _SAYS_NO_VALUE.search(words):
        return f"{found.group()}: correct the query"
    kind = type(original).__name__
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    code = f"{kind}, SQLSTATE {state}" if state else kind
    if isinstance(original, sqlite3.DatabaseError) and "not a database" in words:
        return "the file is not an SQLite database: check url"
    return (
        f"the database refused or broke off ({code}): run the query by hand as the connector's "
        "user to see why"
    )
