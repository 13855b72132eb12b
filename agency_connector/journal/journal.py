"""The journal as the use cases see it: checks and quoted references, by id, sealed underneath."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal import storage
from agency_connector.journal.records import Asked, Kept, Prepared, Quoted, Resolved
from agency_connector.journal.sealing import JournalSeal
from agency_connector.receipts import storage as receipts
from foundation.database import Database
from protocol.encoding import b64u_encode

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Check:
    """A check in the journal: as begun, as sent (None before), as answered (None before)."""

    asked: Asked
    prepared: Prepared | None
    kept: Kept | None


@dataclass(frozen=True, slots=True)
class Journal:
    """One agency's journal. Every method is one transaction of its own, on the disk at its end."""

    database: Database
    seal: JournalSeal

    @classmethod
    def of(cls, installation: Installation) -> "Journal":
        """Return the journal of an installation; OperatorError if the keyring has no key for it."""
        return cls(installation.database, JournalSeal(installation.keyring.get(JOURNAL)))

    def begin(self, check: bytes, asked: Asked) -> Asked:
        """Keep a check before anything leaves this machine; return what stands under its id."""
        sealed = self.seal.seal("asked", check, asked)
        with self.database.write() as connection:
            if storage.begin(connection, check, asked.asked_at, sealed):
                return asked
            row = storage.find(connection, check)
        return asked if row is None else self._open("asked", check, row.asked, Asked)

    def find(self, check: bytes) -> Check | None:
        """Return a check, or None if the journal has none of this id."""
        with self.database.read() as connection:
            row = storage.find(connection, check)
        if row is None:
            return None
        return Check(
            asked=self._open("asked", check, row.asked, Asked),
            prepared=row.prepared and self._open("prepared", check, row.prepared, Prepared),  # type: ignore[arg-type]  # sealed bytes are never empty
            kept=row.kept and self._open("kept", check, row.kept, Kept),  # type: ignore[arg-type]  # as above
        )

    def prepare(self, check: bytes, prepared: Prepared) -> Prepared:
        """Keep what is about to be sent; return what stands: two who do this send the same."""
        sealed = self.seal.seal("prepared", check, prepared)
        with self.database.write() as connection:
            storage.prepare(connection, check, sealed)
            row = storage.find(connection, check)
        if row is None or row.prepared is None:
            return prepared
        return self._open("prepared", check, row.prepared, Prepared)

    def keep(self, check: bytes, kept: Kept) -> Kept:
        """Keep a verified answer; return what stands: the first stays."""
        sealed = self.seal.seal("kept", check, kept)
        with self.database.write() as connection:
            storage.keep(connection, check, sealed)
            row = storage.find(connection, check)
            if row is None or row.kept is None:
                return kept
            stands = self._open("kept", check, row.kept, Kept)
            receipts.expect(connection, "lookup", b64u_encode(check), stands.answer.receipt)
        return stands

    def note_failure(self, check: bytes, code: str) -> None:
        """Note why a check has no answer; `code` is that of the problem."""
        with self.database.write() as connection:
            storage.note_failure(connection, check, code)

    def begin_resolution(self, resolution: bytes, quoted: Quoted) -> None:
        """Keep that a reference was quoted, before the index is asked."""
        sealed = self.seal.seal("quoted", resolution, quoted)
        with self.database.write() as connection:
            storage.begin_resolution(connection, resolution, quoted.asked_at, sealed)

    def keep_resolution(self, resolution: bytes, resolved: Resolved) -> None:
        """Keep the verified answer to a quoted reference."""
        sealed = self.seal.seal("resolved", resolution, resolved)
        with self.database.write() as connection:
            storage.keep_resolution(connection, resolution, sealed)
            name, receipt = b64u_encode(resolution), resolved.resolution.receipt
            receipts.expect(connection, "resolution", name, receipt)

    def note_failed_resolution(self, resolution: bytes, code: str) -> None:
        """Note why a quoted reference has no answer."""
        with self.database.write() as connection:
            storage.note_failed_resolution(connection, resolution, code)

    def find_resolution(self, resolution: bytes) -> tuple[Quoted, Resolved | None] | None:
        """Return a quoted reference and its answer, or None if the journal has none of this id."""
        with self.database.read() as connection:
            row = storage.find_resolution(connection, resolution)
        if row is None:
            return None
        quoted = self._open("quoted", resolution, row.quoted, Quoted)
        if row.resolved is None:
            return quoted, None
        return quoted, self._open("resolved", resolution, row.resolved, Resolved)

    def _open(self, column: str, row: bytes, sealed: bytes, as_type: type[T]) -> T:
        return self.seal.open(column, row, sealed, as_type)
