"""The journal of readings and openings. Everything that tells of a person is sealed in it."""

from dataclasses import dataclass
from typing import Final

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

from agency_connector.auditing.records import Told
from agency_connector.database import metadata
from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.sealing import JournalSeal
from agency_connector.journal.storage import checks
from agency_connector.receipts import storage as receipts
from protocol import documents
from protocol.encoding import b64u_encode
from protocol.log.proofs import Head
from schemas.audit import BUNDLES_OPEN_MS, AuditStatement
from schemas.entries import ReceiptStatement

# What a scan opened is asked for this much earlier than it lapses, since two clocks differ.
_MARGIN_MS: Final = 600_000

readings = Table(
    "journal_readings",
    metadata,
    Column("reading_id", LargeBinary(16), primary_key=True),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("asked", LargeBinary, nullable=False),
    Column("told", LargeBinary),
    # The head that its answer was proved against, and of which log.
    Column("log", String(200)),
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

    def keep(self, reading: bytes, told: Told, head: Head) -> None:
        """Keep what a reading brought, and the head that it was proved against.

        From now on its receipt is followed.
        """
        sealed = self._seal.seal("told", reading, told)
        log = documents.claimed(told.receipt, ReceiptStatement).log
        with self.installation.database.write() as connection:
            connection.execute(
                update(readings)
                .where(readings.c.reading_id == reading)
                .values(told=sealed, log=log, size=head.size, root=head.root)
            )
            receipts.expect(connection, "reading", b64u_encode(reading), told.receipt)

    def told(self, reading: bytes) -> Told | None:
        """Return what a reading brought, or None."""
        query = select(readings.c.told).where(readings.c.reading_id == reading)
        with self.installation.database.read() as connection:
            sealed = connection.execute(query).scalar_one_or_none()
        return None if sealed is None else self._seal.open("told", reading, bytes(sealed), Told)

    def scanned_to(self, now: int) -> int:
        """Return how many of the first entries a complete scan read lately; 0 if there is none.

        These may be fetched in bundles at `now`, ms UTC.
        """
        since = now - BUNDLES_OPEN_MS + _MARGIN_MS
        query = select(readings).where(readings.c.asked_at > since, readings.c.told.is_not(None))
        furthest = 0
        with self.installation.database.read() as connection:
            rows = connection.execute(query.order_by(readings.c.size.desc())).all()
        for row in rows:
            if row.size <= furthest:
                break
            told = self._seal.open("told", row.reading_id, bytes(row.told), Told)
            asked = documents.claimed(told.statement, AuditStatement)
            if asked.of == "everything" and asked.first == 0:
                end = row.size if asked.end is None else asked.end
                furthest = max(furthest, min(end, row.size))
        return furthest

    def note_failure(self, reading: bytes, code: str) -> None:
        """Note why a reading has no answer; `code` is that of the problem."""
        with self.installation.database.write() as connection:
            connection.execute(
                update(readings).where(readings.c.reading_id == reading).values(failed=code[:64])
            )

    def largest_head(self, log: str) -> Head | None:
        """Return the largest head of `log` that any reading was proved against, or None."""
        with self.installation.database.read() as connection:
            row = connection.execute(
                select(readings.c.size, readings.c.root)
                .where(readings.c.log == log)
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
