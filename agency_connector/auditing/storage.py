"""The journal of readings and openings. Everything that tells of a person is sealed in it."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)

from agency_connector.database import metadata
from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.sealing import JournalSeal
from agency_connector.journal.storage import checks
from protocol.log.proofs import Head

readings = Table(
    "journal_readings",
    metadata,
    Column("reading_id", LargeBinary(16), primary_key=True),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("asked", LargeBinary, nullable=False),
    Column("told", LargeBinary),
    # The head that its answer was proved against.
    Column("size", BigInteger),
    Column("root", LargeBinary(32)),
    Column("failed", String(64)),
)


@dataclass(frozen=True, slots=True)
class ReadingJournal:
    """The agency's journal of readings; every method is one transaction, on the disk at its end."""

    installation: Installation

    @property
    def _seal(self) -> JournalSeal:
        return JournalSeal(self.installation.keyring.get(JOURNAL))

    def begin(self, reading: bytes, asked: msgspec.Struct, at: int) -> None:
        """Keep a reading or an opening before anything leaves this machine."""
        sealed = self._seal.seal("reading", reading, asked)
        with self.installation.database.write() as connection:
            connection.execute(
                insert(readings).values(reading_id=reading, asked_at=at, asked=sealed)
            )

    def keep(self, reading: bytes, told: msgspec.Struct, head: Head) -> None:
        """Keep what a reading brought, and the head that it was proved against."""
        sealed = self._seal.seal("told", reading, told)
        with self.installation.database.write() as connection:
            connection.execute(
                update(readings)
                .where(readings.c.reading_id == reading)
                .values(told=sealed, size=head.size, root=head.root)
            )

    def note_failure(self, reading: bytes, code: str) -> None:
        """Note why a reading has no answer; `code` is that of the problem."""
        with self.installation.database.write() as connection:
            connection.execute(
                update(readings).where(readings.c.reading_id == reading).values(failed=code[:64])
            )

    def largest_head(self) -> Head | None:
        """Return the largest head that any reading was proved against, or None."""
        with self.installation.database.read() as connection:
            row = connection.execute(
                select(readings.c.size, readings.c.root)
                .where(readings.c.size.is_not(None))
                .order_by(readings.c.size.desc())
                .limit(1)
            ).one_or_none()
        return None if row is None else Head(row.size, bytes(row.root))


def answered_checks(connection: Connection, since: int, until: int) -> list[bytes]:
    """Return the ids of the checks that were asked in this time (ms UTC) and got an answer."""
    rows = connection.execute(
        select(checks.c.check_id)
        .where(checks.c.asked_at >= since, checks.c.asked_at < until, checks.c.kept.is_not(None))
        .order_by(checks.c.asked_at)
    )
    return [bytes(row.check_id) for row in rows]
