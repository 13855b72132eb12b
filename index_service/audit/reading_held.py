"""Who looked my subject up: what the holder of a visible flag reads, and no more than that."""

from typing import Any, Final

from sqlalchemy import Connection, select

from foundation.problems import Problem
from index_service.audit import reading
from index_service.audit import reading_segments as segments
from index_service.flags.storage import flags
from index_service.installation import Installation
from index_service.spans import DAY_MS
from protocol import canonical, documents
from protocol.commitments import SUBJECT, commit
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import read_entry
from protocol.merkle import leaf_hash
from protocol.signed_api import Caller
from protocol.tokens import RECORD_BYTES, TOKEN_BYTES
from schemas.audit import HeldReading, HeldRequest, Notice
from schemas.entries import Consultation
from schemas.lookups import LookupAnswer, LookupStatement

NOTICE_DAYS: Final = 90


def read_held(
    connection: Connection, index: Installation, caller: Caller, request: HeldRequest
) -> HeldReading:
    """Return who looked up the subject of the caller's own visible flag in the last 90 days.

    Narrow lookups only, and only those that showed this flag. Raises Problem 404 `no-such-flag`.
    """
    statement = reading.open_statement(index, caller, request.statement, "held")
    handle = b64u_decode(request.handle, 16)
    opened = b64u_encode(commit(SUBJECT, b64u_decode(request.salt, 32), handle))
    if opened != statement.subject:
        raise Problem(422, "not-as-stated", "The statement's subject is not that of the request.")
    begun = reading.begin(connection, index, caller, statement)
    held = _tokens_of(connection, index, caller.agency, handle)
    since = index.clock() - NOTICE_DAYS * DAY_MS
    every = {token for tokens in held.values() for token in tokens}
    numbers = segments.with_tokens(connection, every, begun.first, begun.end)
    notices: list[Notice] = []
    more = None
    for row in reading.side_records_of(connection, numbers):
        notice = _notice(connection, index, caller.agency, row, held, since)
        if notice is None:
            continue
        if len(notices) == reading.LOOKUP_PAGE:
            more = row.position
            break
        notices.append(
            Notice(**{**notice, "proof": begun.proof(row.position), "number": row.position})
        )
    return begun.finish(request.statement, HeldReading, more, notices=tuple(notices), since=since)


def _tokens_of(
    connection: Connection, index: Installation, agency: str, handle: bytes
) -> dict[int, frozenset[bytes]]:
    """Return the tokens by epoch; Problem if there is no such flag, or at a hidden desk."""
    standing = index.standing.read(connection)
    rows = connection.execute(
        select(flags.c.epoch, flags.c.tokens, flags.c.desk).where(
            flags.c.agency == agency, flags.c.handle == handle
        )
    ).all()
    found = {}
    for row in rows:
        desk = standing.desks.get((agency, row.desk))
        if desk is not None and desk.document.visibility == "visible":
            joined = bytes(row.tokens)
            found[row.epoch] = frozenset(
                joined[at : at + TOKEN_BYTES] for at in range(0, RECORD_BYTES, TOKEN_BYTES)
            )
    if not found:
        raise Problem(
            404,
            "no-such-flag",
            "This agency has no visible flag of this handle: one that was withdrawn, has ended or "
            "stands at a hidden desk cannot be asked about.",
        )
    return found


def _notice(
    connection: Connection,
    index: Installation,
    holder: str,
    row: Any,
    held: dict[int, frozenset[bytes]],
    since: int,
) -> dict[str, Any] | None:
    entry = read_entry(bytes(row.entry))
    if not isinstance(entry, Consultation) or entry.at < since:
        return None
    asked = documents.claimed(entry.statement, LookupStatement)
    if asked.breadth != "narrow":
        return None
    matched = _matched(row, holder, held)
    if not matched:
        return None
    desk = index.standing.read(connection).desks.get((asked.agency, asked.call_back))
    return {
        "leaf": b64u_encode(leaf_hash(bytes(row.entry))),
        "asker": asked.agency,
        "call_back": None if desk is None else desk.envelope,
        "at": entry.at,
        "matched": matched,
    }


def _matched(row: Any, holder: str, held: dict[int, frozenset[bytes]]) -> int:
    """Return how many of the flag's tokens the lookup had, if its answer showed this flag."""
    sets = {told.epoch: segments.tokens_of([told]) for told in segments.read_sets(row.sets)}
    for hit in canonical.decode(bytes(row.answer), LookupAnswer).shown.hits:
        tokens = sets.get(hit.matched.epoch, [])
        at = {tokens[place] for place in hit.matched.positions if place < len(tokens)}
        if hit.agency == holder and at and at <= held.get(hit.matched.epoch, frozenset()):
            return len(at)
    return 0
