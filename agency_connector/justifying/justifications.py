"""Which checks are asked for a justification, and what has become of each.

The draw for an officer's check number c is HMAC(journal key, officer, c): it is the same however
often it is asked for, and c goes on only when a check was let pass, was justified, or was
abandoned, which is recorded. So there is nothing to be gained by going back and trying again.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.records import Beside
from agency_connector.journal.sealing import JournalSeal
from agency_connector.justifying import storage
from agency_connector.justifying.storage import JustificationRow, Kind, State
from protocol.encoding import b64u_decode, b64u_encode
from schemas.checks import CheckRequest

DUE_MS: Final = 24 * 60 * 60_000
SHORTEST: Final = 20
LONGEST: Final = 2000


class About(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be justified: whose check, and what they asked for."""

    user: str
    wanted: CheckRequest
    beside: Beside

    def __repr__(self) -> str:
        return "About(<sealed>)"


class Given(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A justification in the officer's words, and the check that it is of."""

    text: str
    check: str

    def __repr__(self) -> str:
        return "Given(<sealed>)"


@dataclass(frozen=True, slots=True, repr=False)
class Justification:
    """A justification. Times are ms UTC; `given` is None until it is given."""

    id: str
    kind: Kind
    state: State
    asked_at: int
    due_at: int | None
    settled_at: int | None
    about: About
    given: Given | None


class Justifications:
    """The justifications of one agency. Every method is one transaction of its own."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._database = installation.database
        self._seal = JournalSeal(installation.keyring.get(JOURNAL))

    def drawn(self, user: str, wanted: CheckRequest, beside: Beside) -> str | None:
        """Return the id of the justification that is asked for before this check, or None.

        While one is pending it is asked for before any further check. Call it once for each check
        that would be made otherwise; of the same check again it says the same.
        """
        officer, check_id = self._seal.row_of(user), b64u_decode(wanted.check, storage.ID_BYTES)
        with self._database.write() as connection:
            turn = storage.turn_of(connection, officer)
            for waiting in storage.pending(connection, officer):
                if waiting.kind == "drawn":
                    return b64u_encode(waiting.id)
            if turn.last_check == check_id:
                return None
            if not self._is_drawn(user, turn.counter):
                storage.end_turn(connection, officer, turn.counter + 1, check_id)
                return None
            row = secrets.token_bytes(storage.ID_BYTES)
            about = About(user=user, wanted=wanted, beside=beside)
            storage.add(connection, self._row("drawn", row, officer, about))
        return b64u_encode(row)

    def owe(self, user: str, wanted: CheckRequest, beside: Beside) -> bool:
        """Keep that a check made at once is to be justified within a day, under the check's id.

        Called before the check is made: one that was made and is not owed for there never is.
        False if it was owed for before.
        """
        officer, row = self._seal.row_of(user), b64u_decode(wanted.check, storage.ID_BYTES)
        about = About(user=user, wanted=wanted, beside=beside)
        with self._database.write() as connection:
            storage.turn_of(connection, officer)
            if storage.find(connection, row) is not None:
                return False
            storage.add(connection, self._row("at-once", row, officer, about))
        return True

    def take_back(self, justification: str) -> None:
        """Owe no longer: the check was not made after all."""
        with self._database.write() as connection:
            storage.take_back(connection, b64u_decode(justification, storage.ID_BYTES))

    def pending(self, user: str) -> tuple[Justification, ...]:
        """Return what the officer is asked for, oldest first."""
        with self._database.read() as connection:
            rows = storage.pending(connection, self._seal.row_of(user))
        return tuple(self._open(row) for row in rows)

    def find(self, user: str, justification: str) -> Justification | None:
        """Return a justification of this officer, or None."""
        with self._database.read() as connection:
            row = storage.find(connection, b64u_decode(justification, storage.ID_BYTES))
        if row is None or row.officer != self._seal.row_of(user):
            return None
        return self._open(row)

    def give(self, told: Justification, text: str, check: str) -> None:
        """Keep the officer's words; `check` is the one that was made. The first words stay."""
        row = b64u_decode(told.id, storage.ID_BYTES)
        given = self._seal.seal("justified", row, Given(text=text, check=check))
        self._settle(told, "given", given, check)

    def defer(self, told: Justification, check: str) -> None:
        """Record that the check was made at once, so that it is owed for under its own id."""
        self._settle(told, "deferred", None, check)

    def abandon(self, told: Justification) -> None:
        """Record that the officer did without the check."""
        self._settle(told, "abandoned", None, None)

    def _settle(
        self, told: Justification, state: State, given: bytes | None, check: str | None
    ) -> None:
        officer = self._seal.row_of(told.about.user)
        row = b64u_decode(told.id, storage.ID_BYTES)
        with self._database.write() as connection:
            turn = storage.turn_of(connection, officer)
            at = self._installation.clock()
            if storage.settle(connection, row, state, at, given) and told.kind == "drawn":
                passed = None if check is None else b64u_decode(check, storage.ID_BYTES)
                storage.end_turn(connection, officer, turn.counter + 1, passed)

    def _is_drawn(self, user: str, counter: int) -> bool:
        one_in = self._installation.settings.checks.justify_one_in
        return one_in > 0 and self._seal.draw(user, counter) % one_in == 0

    def _row(self, kind: Kind, row: bytes, officer: bytes, about: About) -> JustificationRow:
        now = self._installation.clock()
        return JustificationRow(
            id=row,
            officer=officer,
            kind=kind,
            state="pending",
            asked_at=now,
            due_at=now + DUE_MS if kind == "at-once" else None,
            settled_at=None,
            about=self._seal.seal("justify", row, about),
            given=None,
        )

    def _open(self, row: JustificationRow) -> Justification:
        given = row.given
        return Justification(
            id=b64u_encode(row.id),
            kind=row.kind,
            state=row.state,
            asked_at=row.asked_at,
            due_at=row.due_at,
            settled_at=row.settled_at,
            about=self._seal.open("justify", row.id, row.about, About),
            given=None if given is None else self._seal.open("justified", row.id, given, Given),
        )
