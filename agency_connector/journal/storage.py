"""The journal's tables. Everything that tells of a person or an officer is sealed in them."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from agency_connector.database import metadata

ID_BYTES = 16

checks = Table(
    "journal_checks",
    metadata,
    Column("check_id", LargeBinary(ID_BYTES), primary_key=True),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("asked", LargeBinary, nullable=False),
    Column("prepared", LargeBinary),
    Column("kept", LargeBinary),
    # The code of the last failure: `unreachable`, `too-wide`; never words.
    Column("failed", String(64)),
)
resolutions = Table(
    "journal_resolutions",
    metadata,
    Column("resolution_id", LargeBinary(ID_BYTES), primary_key=True),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("quoted", LargeBinary, nullable=False),
    Column("resolved", LargeBinary),
    Column("failed", String(64)),
)
# Which years have a pseudonym key in the keyring: destroyed with the journal's own retention.
pseudonym_years = Table(
    "pseudonym_years",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("made_at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check's sealed parts: as begun, as sent (None before), as answered (None before)."""

    asked: bytes
    prepared: bytes | None
    kept: bytes | None


@dataclass(frozen=True, slots=True)
class ResolutionRow:
    """A quoted reference's sealed parts: as typed, and as answered (None before)."""

    quoted: bytes
    resolved: bytes | None


def begin(connection: Connection, check: bytes, asked_at: int, asked: bytes) -> bool:
    """Keep a check before it is made; False if this id is in the journal already."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    begun = connection.execute(
        make(checks)
        .values(check_id=check, asked_at=asked_at, asked=asked)
        .on_conflict_do_nothing(index_elements=[checks.c.check_id])
        .returning(checks.c.check_id)
    )
    return begun.first() is not None


def find(connection: Connection, check: bytes) -> CheckRow | None:
    """Return a check's sealed parts, or None."""
    row = connection.execute(select(checks).where(checks.c.check_id == check)).one_or_none()
    return None if row is None else CheckRow(row.asked, row.prepared, row.kept)


def prepare(connection: Connection, check: bytes, prepared: bytes) -> None:
    """Keep what is about to be sent, unless something stands there: then that is what is sent."""
    connection.execute(
        update(checks)
        .where(checks.c.check_id == check, checks.c.prepared.is_(None))
        .values(prepared=prepared)
    )


def keep(connection: Connection, check: bytes, kept: bytes) -> None:
    """Keep the verified answer, unless one stands there."""
    connection.execute(
        update(checks)
        .where(checks.c.check_id == check, checks.c.kept.is_(None))
        .values(kept=kept, failed=None)
    )


def note_failure(connection: Connection, check: bytes, code: str) -> None:
    """Note why a check has no answer."""
    connection.execute(
        update(checks)
        .where(checks.c.check_id == check, checks.c.kept.is_(None))
        .values(failed=code[:64])
    )


def begin_resolution(connection: Connection, resolution: bytes, at: int, quoted: bytes) -> None:
    """Keep that a reference was quoted, before the index is asked."""
    connection.execute(
        insert(resolutions).values(resolution_id=resolution, asked_at=at, quoted=quoted)
    )


def keep_resolution(connection: Connection, resolution: bytes, resolved: bytes) -> None:
    """Keep the verified answer to a quoted reference."""
    this = resolutions.c.resolution_id == resolution
    connection.execute(update(resolutions).where(this).values(resolved=resolved, failed=None))


def note_failed_resolution(connection: Connection, resolution: bytes, code: str) -> None:
    """Note why a quoted reference has no answer."""
    this = resolutions.c.resolution_id == resolution
    connection.execute(update(resolutions).where(this).values(failed=code[:64]))


def find_resolution(connection: Connection, resolution: bytes) -> ResolutionRow | None:
    """Return a quoted reference's sealed parts, or None."""
    this = resolutions.c.resolution_id == resolution
    row = connection.execute(select(resolutions).where(this)).one_or_none()
    return None if row is None else ResolutionRow(row.quoted, row.resolved)


def claim_year(connection: Connection, year: int, now: int) -> bool:
    """Say that this transaction makes the pseudonym key of `year`; False if one was made before.

    Others who claim the same year wait until this transaction ends.
    """
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    claimed = connection.execute(
        make(pseudonym_years)
        .values(year=year, made_at=now)
        .on_conflict_do_nothing(index_elements=[pseudonym_years.c.year])
        .returning(pseudonym_years.c.year)
    )
    return claimed.first() is not None
