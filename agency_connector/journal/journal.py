"""The journal as the use cases see it: checks and quoted references, by id, sealed underneath."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal import storage
from agency_connector.journal.records import (
    Act,
    Answered,
    Asked,
    Came,
    CameOfIt,
    Kept,
    Outcome,
    Prepared,
    Quoted,
    Replies,
    Reply,
    Resolved,
)
from agency_connector.journal.sealing import JournalSeal
from agency_connector.receipts import storage as receipts
from foundation.database import Database
from protocol.encoding import b64u_encode

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Check:
    """A check in the journal: as begun, as sent (None before), as answered (None before).

    `came_of_it`: what its officer said of it, oldest first.
    """

    asked: Asked
    prepared: Prepared | None
    kept: Kept | None
    id: str = ""
    came_of_it: tuple[Came, ...] = ()


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
            officer = self.seal.row_of(asked.user)
            if storage.begin(connection, check, officer, asked.asked_at, sealed):
                return asked
            row = storage.find(connection, check)
        return asked if row is None else self._open("asked", check, row.asked, Asked)

    def find(self, check: bytes) -> Check | None:
        """Return a check, or None if the journal has none of this id."""
        with self.database.read() as connection:
            row = storage.find(connection, check)
        return None if row is None else self._check(row)

    def of_officer(self, user: str, since: int, before: int, most: int) -> tuple[Check, ...]:
        """Return the last `most` checks of `user` with since <= asked_at < before, newest first."""
        with self.database.read() as connection:
            rows = storage.of_officer(connection, self.seal.row_of(user), since, before, most)
        return tuple(self._check(row) for row in rows)

    def say_what_came(self, check: bytes, user: str, outcome: Outcome, at: int) -> bool:
        """Keep what came of a check of `user`; False if they have no such check."""
        with self.database.write() as connection:
            row = storage.find(connection, check)
            found = None if row is None else self._check(row)
            if found is None or found.asked.user != user or found.kept is None:
                return False
            if not found.came_of_it or found.came_of_it[-1].outcome != outcome:
                told = CameOfIt(told=(*found.came_of_it, Came(outcome=outcome, at=at)))
                sealed = self.seal.seal("came-of-it", check, told)
                storage.keep_what_came(connection, check, sealed)
        return True

    def note_act(self, act_id: bytes, act: Act) -> None:
        """Keep that something was done with a check."""
        with self.database.write() as connection:
            storage.put_act(connection, act_id, act.at, self.seal.seal("act", act_id, act))

    def find_act(self, act_id: bytes) -> Act | None:
        """Return what was done, or None if there is no such act."""
        with self.database.read() as connection:
            sealed = storage.find_act(connection, act_id)
        return None if sealed is None else self._open("act", act_id, sealed, Act)

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

    def replies_to(self, resolution: bytes) -> tuple[Reply, ...]:
        """Return what was answered about a quoted reference, oldest first."""
        with self.database.read() as connection:
            row = storage.find_resolution(connection, resolution)
        return () if row is None else self._replies(resolution, row)

    def reply(self, resolution: bytes, user: str, answered: Answered, at: int) -> bool:
        """Keep what `user` answered about a reference quoted to them; False if there is none."""
        with self.database.write() as connection:
            row = storage.find_resolution(connection, resolution)
            if row is None or row.resolved is None:
                return False
            if self._open("quoted", resolution, row.quoted, Quoted).user != user:
                return False
            before = self._replies(resolution, row)
            if not before or before[-1].answered != answered:
                told = Replies(told=(*before, Reply(answered=answered, at=at)))
                sealed = self.seal.seal("replied", resolution, told)
                storage.keep_reply(connection, resolution, sealed)
        return True

    def _replies(self, resolution: bytes, row: storage.ResolutionRow) -> tuple[Reply, ...]:
        if row.replied is None:
            return ()
        return self._open("replied", resolution, row.replied, Replies).told

    def _check(self, row: storage.CheckRow) -> Check:
        check = row.check
        came = row.came_of_it and self._open("came-of-it", check, row.came_of_it, CameOfIt)
        return Check(
            asked=self._open("asked", check, row.asked, Asked),
            prepared=row.prepared and self._open("prepared", check, row.prepared, Prepared),  # type: ignore[arg-type]  # sealed bytes are never empty
            kept=row.kept and self._open("kept", check, row.kept, Kept),  # type: ignore[arg-type]  # as above
            id=b64u_encode(check),
            came_of_it=came.told if came else (),
        )

    def _open(self, column: str, row: bytes, sealed: bytes, as_type: type[T]) -> T:
        return self.seal.open(column, row, sealed, as_type)
