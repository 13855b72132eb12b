"""The journal's tables. Everything that tells of a person or an officer is sealed in them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    insert,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting

ID_BYTES = 16
OFFICER_BYTES = 32

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
    # Keyed hash of the officer (sealing.JournalSeal.row_of), so that their own checks are found.
    Column("officer_id", LargeBinary(OFFICER_BYTES)),
    Column("came_of_it", LargeBinary),
    Index("ix_journal_checks_officer_id_asked_at", "officer_id", "asked_at"),
)
resolutions = Table(
    "journal_resolutions",
    metadata,
    Column("resolution_id", LargeBinary(ID_BYTES), primary_key=True),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("quoted", LargeBinary, nullable=False),
    Column("resolved", LargeBinary),
    Column("failed", String(64)),
    Column("replied", LargeBinary),
)
# What else was done with the journal: printed, and by whom.
acts = Table(
    "journal_acts",
    metadata,
    Column("act_id", LargeBinary(ID_BYTES), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("act", LargeBinary, nullable=False),
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
    """A check's sealed parts: as begun, as sent (None before), as answered (None before).

    `came_of_it` is what the officer said of it, or None.
    """

    check: bytes
    asked: bytes
    prepared: bytes | None
    kept: bytes | None
    came_of_it: bytes | None


@dataclass(frozen=True, slots=True)
class ResolutionRow:
    """A quoted reference's sealed parts: as typed, as answered, as replied to (None before)."""

    quoted: bytes
    resolved: bytes | None
    replied: bytes | None


def begin(
    connection: Connection, check: bytes, officer: bytes, asked_at: int, asked: bytes
) -> bool:
    """Keep a check before it is made; False if this id is in the journal already."""
    begun = connection.execute(
        inserting(connection, checks)
        .values(check_id=check, officer_id=officer, asked_at=asked_at, asked=asked)
        .on_conflict_do_nothing(index_elements=[checks.c.check_id])
        .returning(checks.c.check_id)
    )
    return begun.first() is not None


def find(connection: Connection, check: bytes) -> CheckRow | None:
    """Return a check's sealed parts, or None."""
    row = connection.execute(select(checks).where(checks.c.check_id == check)).one_or_none()
    return None if row is None else _check_row(row)


def of_officer(
    connection: Connection, officer: bytes, since: int, before: int, most: int
) -> tuple[CheckRow, ...]:
    """Return the officer's last `most` checks of since <= asked_at < before, newest first."""
    asked_at = checks.c.asked_at
    rows = connection.execute(
        select(checks)
        .where(checks.c.officer_id == officer, asked_at >= since, asked_at < before)
        .order_by(asked_at.desc(), checks.c.check_id)
        .limit(most)
    )
    return tuple(_check_row(row) for row in rows)


def keep_what_came(connection: Connection, check: bytes, came_of_it: bytes) -> None:
    """Keep what came of a check in the place of what was said before."""
    connection.execute(
        update(checks).where(checks.c.check_id == check).values(came_of_it=came_of_it)
    )


def put_act(connection: Connection, act_id: bytes, at: int, act: bytes) -> None:
    """Add an act."""
    connection.execute(insert(acts).values(act_id=act_id, at=at, act=act))


def find_act(connection: Connection, act_id: bytes) -> bytes | None:
    """Return an act, sealed, or None."""
    found: bytes | None = connection.execute(
        select(acts.c.act).where(acts.c.act_id == act_id)
    ).scalar_one_or_none()
    return found


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
    return None if row is None else ResolutionRow(row.quoted, row.resolved, row.replied)


def keep_reply(connection: Connection, resolution: bytes, replied: bytes) -> None:
    """Keep what the desk answered in the place of what it answered before."""
    this = resolutions.c.resolution_id == resolution
    connection.execute(update(resolutions).where(this).values(replied=replied))


def claim_year(connection: Connection, year: int, now: int) -> bool:
    """Say that this transaction makes the pseudonym key of `year`; False if one was made before.

    Others who claim the same year wait until this transaction ends.
    """
    claimed = connection.execute(
        inserting(connection, pseudonym_years)
        .values(year=year, made_at=now)
        .on_conflict_do_nothing(index_elements=[pseudonym_years.c.year])
        .returning(pseudonym_years.c.year)
    )
    return claimed.first() is not None


def _check_row(row: Row[Any]) -> CheckRow:
    return CheckRow(row.check_id, row.asked, row.prepared, row.kept, row.came_of_it)
