"""Reading the record: who queried whom, each reading an entry before its answer leaves.

What is answered is about the entries that the published checkpoint covers, and everything comes
with its number and its proof, so nothing has to be believed of the index but what it leaves out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, func, select

from foundation.problems import Problem
from index_service.agencies.signing import not_the_callers
from index_service.audit import cosigning, storage
from index_service.audit import reading_segments as segments
from index_service.audit.intake import intake, record
from index_service.audit.reading_grants import grant
from index_service.audit.reading_limits import count_reading
from index_service.audit.reading_segments import Listed
from index_service.audit.sequencing import published_head
from index_service.audit.storage import DatabaseTiles
from index_service.caller_statements import own_statement, require_timely
from index_service.installation import Installation
from index_service.lookups.storage import side_records
from index_service.spans import CLOCK_SLACK_MS
from protocol import canonical, documents
from protocol.commitments import commit_to_tokens
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import new_entry_salt
from protocol.envelopes import BadEnvelope
from protocol.log.proofs import Head, inclusion_proof
from protocol.log.tile_tree import TileHashes
from protocol.signed_api import Caller
from protocol.tokens import RECORD_BYTES, TOKEN_BYTES
from schemas.audit import (
    AuditStatement,
    EntriesReading,
    EntriesRequest,
    Filter,
    FoundLookup,
    PersonReading,
    PersonRequest,
    ReadEntry,
    ReadingOf,
)
from schemas.entries import AuditReading
from schemas.envelopes import Envelope
from schemas.lookups import LookupAnswer

PERSON_PAGE: Final = 50
LOOKUP_PAGE: Final = 200
ENTRY_PAGE: Final = 500
_CONFIRMED_WITHIN_MS: Final = 3_600_000
_NO_FILTER: Final = Filter(
    agency=None, purpose=None, officer=None, lookup=None, since=None, until=None
)

T = TypeVar("T", bound=msgspec.Struct)


def read_person(
    connection: Connection, index: Installation, caller: Caller, request: PersonRequest
) -> PersonReading:
    """Return every lookup that could have found a person; Problem if it may not be asked.

    That is every lookup with one of the tokens under which the person would be stored.
    """
    statement = open_statement(index, caller, request.statement, "person")
    if statement.ground is None:
        raise _no_ground()
    tokens = _tokens(statement, request)
    begun = begin(connection, index, caller, statement)
    numbers = segments.with_tokens(connection, tokens, begun.first, begun.end)
    found: list[FoundLookup] = []
    more = None
    for row in side_records_of(connection, numbers):
        sets = segments.read_sets(row.sets)
        if tokens.isdisjoint(segments.tokens_of(sets)):
            continue
        listed = segments.listed_of(row.position, bytes(row.entry), kept=True)
        if listed is None or not _wanted(statement.filter, listed):
            continue
        if len(found) == PERSON_PAGE:
            more = row.position
            break
        answer = canonical.decode(bytes(row.answer), LookupAnswer)
        found.append(
            FoundLookup(
                number=row.position,
                entry=b64u_encode(bytes(row.entry)),
                proof=begun.proof(row.position),
                sets=sets,
                shown=answer.shown,
                shown_salt=answer.shown_salt,
            )
        )
    return begun.finish(request.statement, PersonReading, more, lookups=tuple(found))


def read_entries(
    connection: Connection, index: Installation, caller: Caller, request: EntriesRequest
) -> EntriesReading:
    """Return the lookups that the statement's filter lets through, or every entry.

    Problem 403 `two-people-needed` for lookups without an agency, purpose, officer or lookup, and
    for every entry unless two people confirmed it. Those may then be fetched in bundles for a day.
    """
    claim = _claimed(request.statement)
    if claim.of == "everything":
        statement = open_statement(index, caller, request.statement, "everything")
        _require_two_people(statement)
        begun = begin(connection, index, caller, statement)
        end = min(begun.end, begun.first + ENTRY_PAGE)
        grant(connection, caller.agency, begun.first, begun.end, index.clock())
        return begun.entries(
            request.statement, range(begun.first, end), end if end < begun.end else None
        )
    statement = open_statement(index, caller, request.statement, "lookups")
    narrowed = statement.filter
    if (narrowed.agency, narrowed.purpose, narrowed.officer, narrowed.lookup) == (None,) * 4:
        raise _two_people(
            "All lookups are a complete scan: name an agency, a purpose or a pseudonym, or let a "
            "second person confirm the scan."
        )
    return _filtered(connection, index, caller, statement, request.statement)


def read_own(
    connection: Connection, index: Installation, caller: Caller, request: EntriesRequest
) -> EntriesReading:
    """Return the lookups of the caller's own officers."""
    statement = open_statement(index, caller, request.statement, "own")
    if statement.filter.agency != caller.agency:
        raise not_the_callers(caller.agency)
    return _filtered(connection, index, caller, statement, request.statement)


@dataclass(frozen=True, slots=True)
class Begun:
    """A reading that may be made: its range under the published checkpoint, and what waits."""

    connection: Connection
    index: Installation
    head: Head
    note: bytes
    hashes: TileHashes
    first: int
    end: int
    waiting: int
    waiting_since: int | None

    def proof(self, number: int) -> str:
        """Return the proof that entry `number` stands under the checkpoint."""
        return b64u_encode(b"".join(inclusion_proof(self.hashes, number, self.head.size)))

    def entries(self, signed: Envelope, numbers: Any, more: int | None) -> EntriesReading:
        """Return the answer with these entries."""
        kept = entries_of(self.connection, numbers)
        read = tuple(
            ReadEntry(number=number, entry=b64u_encode(kept[number]), proof=self.proof(number))
            for number in numbers
        )
        return self.finish(signed, EntriesReading, more, entries=read)

    def finish(self, signed: Envelope, answer: type[T], more: int | None, **content: Any) -> T:
        """Record the reading, and return its answer of type `answer` with `content`."""
        recorded = record(
            self.connection,
            self.index.log,
            AuditReading(
                v=1,
                partnership=self.index.partnership,
                at=self.index.clock(),
                salt=new_entry_salt(),
                statement=signed,
            ),
        )
        return answer(
            checkpoint=self.note.decode(),
            erased=segments.erased(self.connection, self.first, self.end),
            waiting=self.waiting,
            waiting_since=self.waiting_since,
            next=more,
            entry=recorded.entry_text,
            receipt=recorded.receipt,
            **content,
        )


def begin(
    connection: Connection, index: Installation, caller: Caller, statement: AuditStatement
) -> Begun:
    """Count the reading and find its range; Problem over the limit or before any checkpoint."""
    count_reading(connection, index.settings.limits, caller.agency, statement.of, index.clock())
    state = storage.state(connection)
    head = published_head(state)
    note = cosigning.published_checkpoint(connection)
    if head is None or note is None:
        raise Problem(404, "no-checkpoint", "The log has not been signed yet: ask again soon.")
    end = head.size if statement.end is None else min(statement.end, head.size)
    unnumbered = select(func.count(), func.min(intake.c.recorded_at))
    waiting, oldest = connection.execute(unnumbered.where(intake.c.position.is_(None))).one()
    unsigned, older = connection.execute(unnumbered.where(intake.c.position >= head.size)).one()
    since = [at for at in (oldest, older) if at is not None]
    return Begun(
        connection=connection,
        index=index,
        head=head,
        note=note,
        hashes=TileHashes(DatabaseTiles(connection), head.size),
        first=min(statement.first, end),
        end=end,
        waiting=waiting + unsigned,
        waiting_since=min(since) if since else None,
    )


def open_statement(
    index: Installation, caller: Caller, signed: Envelope, of: ReadingOf
) -> AuditStatement:
    """Return the statement of a reading after checking that it is the caller's, new, and `of`."""
    statement = own_statement(index, caller, signed, AuditStatement)
    require_timely(statement.signed_at, index.clock())
    if statement.of != of:
        raise _not_as_stated("reading")
    return statement


def side_records_of(connection: Connection, numbers: list[int]) -> Iterator[Any]:
    """Yield the entries with these numbers whose side record is there, in order, with it."""
    for start in range(0, len(numbers), ENTRY_PAGE):
        yield from connection.execute(
            select(intake.c.position, intake.c.entry, side_records.c.sets, side_records.c.answer)
            .join_from(intake, side_records, side_records.c.intake == intake.c.id)
            .where(intake.c.position.in_(numbers[start : start + ENTRY_PAGE]))
            .order_by(intake.c.position)
        ).all()


def entries_of(connection: Connection, numbers: Any) -> dict[int, bytes]:
    """Return the bytes of the entries with these numbers."""
    rows = connection.execute(
        select(intake.c.position, intake.c.entry).where(intake.c.position.in_(list(numbers)))
    )
    return {row.position: bytes(row.entry) for row in rows}


def _filtered(
    connection: Connection,
    index: Installation,
    caller: Caller,
    statement: AuditStatement,
    signed: Envelope,
) -> EntriesReading:
    begun = begin(connection, index, caller, statement)
    numbers: list[int] = []
    more = None
    told = statement.filter
    holding = [
        *(b64u_decode(one, 16) for one in (told.officer, told.lookup) if one is not None),
        *(one.encode() for one in (told.agency, told.purpose) if one is not None),
    ]
    for one in segments.catalogue(connection, begun.first, begun.end, holding=holding):
        if _wanted(told, one.listed):
            if len(numbers) == LOOKUP_PAGE:
                more = one.number
                break
            numbers.append(one.number)
    return begun.entries(signed, numbers, more)


def _wanted(told: Filter, listed: Listed) -> bool:
    return (
        told.agency in (None, listed.agency)
        and told.purpose in (None, listed.purpose)
        and (told.officer is None or b64u_decode(told.officer, 16) == listed.officer)
        and (told.lookup is None or b64u_decode(told.lookup, 16) == listed.lookup)
        and (told.since is None or told.since <= listed.at)
        and (told.until is None or listed.at < told.until)
    )


def _claimed(signed: Envelope) -> AuditStatement:
    try:
        return documents.claimed(signed, AuditStatement)
    except BadEnvelope as error:
        raise Problem(422, "bad-document", f"The statement is refused. {error}") from error


def _tokens(statement: AuditStatement, request: PersonRequest) -> set[bytes]:
    """Return the tokens of all epochs, after checking them against the statement."""
    if [s.epoch for s in request.sets] != [stated.epoch for stated in statement.tokens]:
        raise _not_as_stated("epochs")
    found: set[bytes] = set()
    for stated, given in zip(statement.tokens, request.sets, strict=True):
        joined = b64u_decode(given.tokens, RECORD_BYTES)
        tokens = [joined[at : at + TOKEN_BYTES] for at in range(0, RECORD_BYTES, TOKEN_BYTES)]
        if tokens != sorted(set(tokens)):
            raise Problem(422, "tokens-not-ascending", "Tokens must differ and stand in order.")
        salt = b64u_decode(given.salt, 32)
        if b64u_encode(commit_to_tokens(salt, given.epoch, tokens)) != stated.commitment:
            raise _not_as_stated("token commitment")
        found.update(tokens)
    return found


def _require_two_people(statement: AuditStatement) -> None:
    if statement.ground is None:
        raise _no_ground()
    if statement.filter != _NO_FILTER:
        raise _not_as_stated("filter")
    people = {told.officer for told in statement.confirmations}
    latest = statement.signed_at + CLOCK_SLACK_MS
    if (
        len(people) != 2
        or statement.officer not in people
        or any(
            not statement.signed_at - _CONFIRMED_WITHIN_MS <= told.confirmed_at <= latest
            for told in statement.confirmations
        )
    ):
        raise _two_people(
            "A complete scan is confirmed by two people of the auditor's, each under their own "
            "pseudonym, within the hour."
        )


def _two_people(detail: str) -> Problem:
    return Problem(403, "two-people-needed", detail)


def _no_ground() -> Problem:
    return Problem(
        403, "no-ground", "Name the complaint or the case of misconduct that this is about."
    )


def _not_as_stated(what: str) -> Problem:
    return Problem(422, "not-as-stated", f"The statement's {what} is not that of the request.")
