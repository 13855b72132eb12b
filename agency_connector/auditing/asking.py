"""Asking the index for a reading: journal, statement, answer, verification, alarms."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from agency_connector.alarms import raise_alarm
from agency_connector.auditing import verifying
from agency_connector.auditing.records import Question, Told
from agency_connector.auditing.storage import ReadingJournal
from agency_connector.installation import Installation
from agency_connector.lookups import partnership
from agency_connector.lookups.errors import CheckRefused, code_of
from agency_connector.lookups.officers import pseudonym
from agency_connector.receipts import storage as receipts
from agency_connector.trust.anchors import Anchors
from agency_connector.trust.directory import PartnershipView
from agency_connector.witness import storage as witness
from foundation.operator import PlainError
from protocol import documents
from protocol.commitments import GROUND, commit, new_salt
from protocol.encoding import b64u_decode, b64u_encode
from protocol.log.proofs import Head
from schemas.audit import AuditStatement, Confirmation, Filter, ReadingOf
from schemas.checks import TypedParticulars
from schemas.envelopes import Envelope
from schemas.lookups import StatedTokens
from schemas.operations import Operation

NO_FILTER: Final = Filter(
    agency=None, purpose=None, officer=None, lookup=None, since=None, until=None
)
READING_BYTES: Final = 16
_GROUND_LENGTH: Final = (3, 120)
_WAITS_TOO_LONG_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms somebody reads: who, on what ground, which range, and what confirms it."""

    user: str
    ground: str | None = None
    filter: Filter = NO_FILTER
    first: int = 0
    end: int | None = None
    second: str | None = None
    particulars: TypedParticulars | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A verified answer: the head it is proved against, and what is wrong with it as a whole.

    `reading` names it, in its statement and at its receipt.
    """

    reading: str
    answer: Any
    head: Head
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """One person's readings at one connector, with what the connector believes at the time."""

    installation: Installation
    view: PartnershipView
    anchors: Anchors

    @classmethod
    def at(cls, installation: Installation) -> "Reader":
        """Return a reader with the partnership as it stands; raises as `partnership.seen` does."""
        view = partnership.seen(installation)
        return cls(installation, view, installation.anchors())

    def ask(
        self,
        operation: Operation,
        of: ReadingOf,
        terms: Terms,
        request: Callable[[Envelope], msgspec.Struct],
        *,
        tokens: tuple[StatedTokens, ...] = (),
        subject: str | None = None,
        rows: str,
    ) -> Answered:
        """State, ask, verify and keep one reading.

        `request` makes the message of the signed statement; `rows` is the answer's field whose
        numbers the journal keeps. Raises OperatorError, one clear line; then nothing is shown.
        """
        installation = self.installation
        journal = ReadingJournal(installation)
        reading = secrets.token_bytes(READING_BYTES)
        salt = None if terms.ground is None else new_salt()
        question = self._question(of, terms, salt)
        journal.begin(reading, question, question.asked_at)
        statement = self._statement(reading, of, terms, question, tokens, subject)
        sent = documents.sign(statement, installation.signing_key)
        # Whoever else runs here sees greater heads meanwhile.
        seen = self.seen()
        try:
            answer = self._called(operation, request(sent))
            head = verifying.check_reading(
                answer.checkpoint, answer.entry, answer.receipt, sent, self.anchors
            )
        except PlainError as error:
            journal.note_failure(reading, code_of(error))
            raise
        alarms = (*_head_faults(seen, head), *self._waiting(answer))
        told = Told(
            statement=sent,
            checkpoint=answer.checkpoint,
            entry=answer.entry,
            receipt=answer.receipt,
            numbers=tuple(row.number for row in getattr(answer, rows)),
            alarms=alarms,
        )
        journal.keep(reading, told, head)
        return Answered(b64u_encode(reading), answer, head, alarms)

    def seen(self) -> tuple[Head, ...]:
        """Return the greatest heads of the log that were read, followed and countersigned here."""
        log = self.anchors.log_name
        with self.installation.database.read() as connection:
            followed = receipts.last_read(connection, log)
            cosigned = witness.last(connection, log)
        heads = (
            ReadingJournal(self.installation).largest_head(log),
            None if followed is None else followed.head,
            None if cosigned is None else cosigned.head,
        )
        return tuple(head for head in heads if head is not None)

    def alarm(self, sentences: tuple[str, ...]) -> None:
        """Raise the connector's alarm if a reading showed something that must not be."""
        if not sentences:
            return
        with self.installation.database.write() as connection:
            raise_alarm(
                connection,
                kind="audit-reading",
                subject=self.anchors.log_name,
                sentence="A reading of the log showed what an honest index never answers: "
                f"{sentences[0]}. Phone another member and the steward before you rely on it.",
                now=self.installation.clock(),
            )

    def _question(self, of: ReadingOf, terms: Terms, salt: bytes | None) -> Question:
        now = self.installation.clock()
        if terms.ground is not None:
            shortest, longest = _GROUND_LENGTH
            if not (shortest <= len(terms.ground) <= longest and terms.ground.isprintable()):
                raise CheckRefused(
                    422, "no-ground",
                    f"the reference of the complaint or the case has {shortest} to {longest} "
                    "characters: give it as your case system has it",
                )  # fmt: skip
        return Question(
            user=terms.user,
            officer=pseudonym(self.installation, terms.user, now),
            of=of,
            ground=terms.ground,
            salt=None if salt is None else b64u_encode(salt),
            particulars=terms.particulars,
            second=terms.second,
            filter=terms.filter,
            asked_at=now,
        )

    def _statement(
        self,
        reading: bytes,
        of: ReadingOf,
        terms: Terms,
        asked: Question,
        tokens: tuple[StatedTokens, ...],
        subject: str | None,
    ) -> AuditStatement:
        now = self.installation.clock()
        confirmations: tuple[Confirmation, ...] = ()
        if terms.second is not None:
            second = pseudonym(self.installation, terms.second, now)
            confirmations = tuple(
                Confirmation(officer=officer, confirmed_at=now)
                for officer in (asked.officer, second)
            )
        ground = None
        if asked.ground is not None and asked.salt is not None:
            ground = b64u_encode(commit(GROUND, b64u_decode(asked.salt), asked.ground.encode()))
        return AuditStatement(
            partnership=self.anchors.partnership,
            agency=self.anchors.agency,
            reading=b64u_encode(reading),
            officer=asked.officer,
            of=of,
            ground=ground,
            subject=subject,
            tokens=tokens,
            filter=terms.filter,
            first=terms.first,
            end=terms.end,
            confirmations=confirmations,
            signed_at=now,
        )

    def _called(self, operation: Operation, message: msgspec.Struct) -> Any:
        client = self.installation.index()
        try:
            return client.call(operation, message)
        finally:
            client.close()

    def _waiting(self, answer: Any) -> tuple[str, ...]:
        since = answer.waiting_since
        if since is None or self.installation.clock() - since < _WAITS_TOO_LONG_MS:
            return ()
        stopped = (
            f"{answer.waiting} entries have waited for a number for more than an hour: what was "
            "done since is missing here, and the index's worker may have stopped"
        )
        return (stopped,)


def _head_faults(seen: Sequence[Head], head: Head) -> tuple[str, ...]:
    """Hold the head of an answer to those that this connector had seen before it asked."""
    largest = max((one.size for one in seen), default=0)
    if head.size < largest:
        older = (
            f"the index answers from a checkpoint of {head.size} entries and has shown one of "
            f"{largest} before: what came since is missing here"
        )
        return (older,)
    if any(one.size == head.size and one.root != head.root for one in seen):
        return (f"the log shows two different histories of {head.size} entries",)
    return ()
