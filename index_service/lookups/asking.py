"""A lookup, in one transaction: allowed or refused, recorded, then answered."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection

from foundation.problems import Problem
from foundation.statements import Asked
from index_service.audit.intake import record
from index_service.caller_statements import claimed_statement, require_own, require_timely
from index_service.installation import Installation
from index_service.lookups import limits, storage
from index_service.lookups.reach import Reach, reach_of
from index_service.lookups.storage import Match, ReferenceRow
from index_service.spans import DAY_MS, HOUR_MS
from index_service.standing import Standing
from protocol import canonical, commitments
from protocol.commitments import SHOWN, WITHHELD, commit, commit_to_tokens, new_salt
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from protocol.entries import new_entry_salt
from protocol.references import new_reference
from protocol.signed_api import Caller
from protocol.tokens import LOOKUP_SIZES
from schemas.entries import Consultation
from schemas.lookups import (
    MAX_HITS_PER_AGENCY,
    Hit,
    LookupAnswer,
    LookupRequest,
    LookupStatement,
    Matched,
    ShownResult,
    TokenSet,
    WithheldHit,
    WithheldResult,
)

_WIDEN_WITHIN_MS: Final = 30 * 60_000
_TOKEN_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class _Found:
    """A flag that matched, with the positions of its tokens in the lookup's set."""

    agency: str
    desk: str
    handle: bytes
    matched: Matched


@dataclass(frozen=True, slots=True)
class _Asked:
    """A lookup as it is claimed, and what the database was asked about it."""

    request: LookupRequest
    statement: LookupStatement
    lookup: bytes
    officer: bytes
    digest: bytes
    tokens: Sequence[list[bytes]]
    now: int
    claim: Asked
    counted: Asked
    matches: Callable[[], list[Match]]
    standing: Callable[[], Standing]


def look_up(
    connection: Connection, index: Installation, request: LookupRequest
) -> Callable[[Caller], bytes]:
    """Ask the database all that the lookup needs, at once, before it is known whether it may be.

    What is returned takes the caller, decides, records the lookup and returns the canonical bytes
    of its LookupAnswer. The same lookup again gets the first answer's bytes and leaves no second
    entry. Both raise Problem, with which nothing of it stands: if the lookup may not be made, is
    over a limit, or would show more than ten flags of one agency.
    """
    asked = _ask(connection, index, request)
    return lambda caller: _answer(connection, index, caller, asked)


def _ask(connection: Connection, index: Installation, request: LookupRequest) -> _Asked:
    """Ask in an order that holds: what is claimed waits for a twin, and the rest comes after."""
    now = index.clock()
    statement = claimed_statement(request.statement, LookupStatement)
    lookup, officer = b64u_decode(statement.lookup, 16), b64u_decode(statement.officer, 16)
    digest = hashlib.sha256(canonical.encode(request)).digest()
    tokens = [_tokens(token_set) for token_set in request.sets]
    return _Asked(
        request=request,
        statement=statement,
        lookup=lookup,
        officer=officer,
        digest=digest,
        tokens=tokens,
        now=now,
        claim=storage.claim(
            connection,
            statement.agency,
            lookup,
            digest=digest,
            officer=officer,
            purpose=statement.purpose,
            wide=statement.breadth == "wide",
            now=now,
        ),
        counted=limits.count_lookup(connection, statement.agency, officer, now),
        matches=storage.search(connection, sorted(set().union(*tokens)), now),
        standing=index.standing.ask(connection),
    )


def _answer(connection: Connection, index: Installation, caller: Caller, asked: _Asked) -> bytes:
    request, statement, now = asked.request, asked.statement, asked.now
    require_own(index, caller, request.statement, statement)
    require_timely(statement.signed_at, now)
    if [s.epoch for s in request.sets] != [t.epoch for t in statement.tokens]:
        raise _not_as_stated("epochs")
    if not asked.claim.rows():
        limits.take_back(connection, caller.agency, asked.officer, now)
        return _first_answer(connection, caller.agency, asked.lookup, asked.digest)
    standing = asked.standing()
    token_sets = _token_sets(standing, asked)
    _require_allowed(standing, caller, statement, now)
    _require_something_to_widen(connection, caller, statement, now)
    limits.require_within(index.settings.limits, asked.counted, now)
    reach = reach_of(
        standing,
        asker=caller.agency,
        purpose=statement.purpose,
        epochs=frozenset(token_sets),
        relied_on=frozenset(statement.agreements),
        now=now,
        stale_before=now - index.settings.rules.stale_after_hours * HOUR_MS,
    )
    found = _found(asked.matches(), token_sets, reach)
    shown, withheld, quotes = _results(index, statement, reach, found, now)
    storage.add_references(connection, quotes)
    shown_salt, withheld_salt = new_salt(), new_salt()
    withheld_bytes = canonical.encode(withheld)
    entry = record(
        connection,
        index.log,
        Consultation(
            v=1,
            partnership=index.partnership,
            at=now,
            salt=new_entry_salt(),
            statement=request.statement,
            shown=b64u_encode(commitments.commit_to(SHOWN, shown_salt, shown)),
            withheld=b64u_encode(commit(WITHHELD, withheld_salt, withheld_bytes)),
        ),
    )
    named = sorted({(hit.agency, hit.desk) for hit in shown.hits})
    answer = canonical.encode(
        LookupAnswer(
            shown=shown,
            shown_salt=b64u_encode(shown_salt),
            desks=tuple(reach.desks[desk].envelope for desk in named),
            entry=entry.entry_text,
            receipt=entry.receipt,
        )
    )
    storage.finish(
        connection,
        caller.agency,
        asked.lookup,
        sets=msgspec.json.encode(request.sets),
        answer=answer,
        withheld=withheld_bytes,
        withheld_salt=withheld_salt,
    )
    return answer


def _not_as_stated(what: str) -> Problem:
    return Problem(422, "not-as-stated", f"The statement's {what} is not that of the request.")


def _first_answer(connection: Connection, agency: str, lookup: bytes, digest: bytes) -> bytes:
    before = storage.find(connection, agency, lookup)
    if before is None or before.digest != digest:
        raise Problem(409, "lookup-differs", "This lookup id was used for another lookup.")
    answer = storage.answer_of(connection, agency, lookup)
    if answer is None:
        raise Problem(
            404, "answer-erased", "This lookup's answer has been erased by retention: check again."
        )
    return answer


def _token_sets(standing: Standing, asked: _Asked) -> dict[int, list[bytes]]:
    """Return the tokens of each epoch, after checking them against the statement."""
    live = standing.live_epochs(asked.now)
    found: dict[int, list[bytes]] = {}
    for stated, token_set, tokens in zip(
        asked.statement.tokens, asked.request.sets, asked.tokens, strict=True
    ):
        if token_set.epoch not in live or token_set.epoch in found:
            raise Problem(
                422, "epoch-not-live", f"Epoch {token_set.epoch} is not live, or stands twice."
            )
        if live[token_set.epoch].scheme != stated.scheme:
            raise _not_as_stated("scheme")
        salt = b64u_decode(token_set.salt, 32)
        commitment = commit_to_tokens(salt, token_set.epoch, tokens)
        if b64u_encode(commitment) != stated.commitment:
            raise _not_as_stated("token commitment")
        found[token_set.epoch] = tokens
    return found


def _tokens(token_set: TokenSet) -> list[bytes]:
    try:
        joined = b64u_decode(token_set.tokens)
    except EncodingError as error:
        raise Problem(422, "schema", f"The tokens: {error}.") from error
    tokens = [joined[at : at + _TOKEN_BYTES] for at in range(0, len(joined), _TOKEN_BYTES)]
    if len(joined) % _TOKEN_BYTES or len(tokens) not in LOOKUP_SIZES:
        sizes = ", ".join(str(size) for size in LOOKUP_SIZES)
        raise Problem(422, "token-count", f"A set holds {sizes} tokens of 16 bytes.")
    if tokens != sorted(set(tokens)):
        raise Problem(422, "tokens-not-ascending", "Tokens must differ and stand in order.")
    return tokens


def _require_allowed(
    standing: Standing, caller: Caller, statement: LookupStatement, now: int
) -> None:
    """Refuse what no agreement, purpose or desk of the asker's own supports."""
    if statement.purpose not in standing.purposes:
        raise Problem(422, "unknown-purpose", "The purpose is not on the agreed list.")
    in_force = {
        agreement.agreement
        for agreement in standing.agreements_in_force(now)
        if caller.agency in agreement.parties and statement.purpose in agreement.purposes
    }
    missing = sorted(set(statement.agreements) - in_force)
    if missing:
        raise Problem(
            403,
            "no-agreement",
            f"The agreement {missing[0]} is not in force for this agency and purpose: "
            "fetch the directory again, or speak to the steward.",
        )
    own = standing.desks.get((caller.agency, statement.call_back))
    if own is None or own.document.withdrawn or own.document.visibility != "visible":
        raise Problem(
            422, "no-such-desk", "The call-back desk is not one of this agency's signed desks."
        )


def _require_something_to_widen(
    connection: Connection, caller: Caller, statement: LookupStatement, now: int
) -> None:
    """Refuse a wide lookup without a recent narrow one of the same officer and purpose."""
    if statement.breadth == "narrow":
        if statement.follows is not None:
            raise _not_as_stated("follows")
        return
    if statement.follows is None:
        raise Problem(422, "nothing-to-widen", "Look wider only after a check of the same person.")
    before = storage.find(connection, caller.agency, b64u_decode(statement.follows, 16))
    if (
        before is None
        or before.wide
        or before.officer != b64u_decode(statement.officer, 16)
        or before.purpose != statement.purpose
        or before.at < now - _WIDEN_WITHIN_MS
    ):
        raise Problem(
            422,
            "nothing-to-widen",
            "Look wider within 30 minutes of the same officer's check for the same purpose.",
        )


def _found(matches: list[Match], token_sets: dict[int, list[bytes]], reach: Reach) -> list[_Found]:
    """Return the flags within reach that share a token of their own epoch with the lookup."""
    positions_of = {
        epoch: dict(zip(tokens, range(len(tokens)), strict=True))
        for epoch, tokens in token_sets.items()
    }
    by_flag: dict[int, list[Match]] = defaultdict(list)
    for match in matches:
        if match.token in positions_of.get(match.epoch, ()):
            by_flag[match.flag].append(match)
    found = []
    for flag in sorted(by_flag):
        first = by_flag[flag][0]
        if reach.desk(first.agency, first.desk) is None:
            continue
        position = positions_of[first.epoch]
        positions = tuple(sorted(position[match.token] for match in by_flag[flag]))
        matched = Matched(epoch=first.epoch, positions=positions)
        found.append(_Found(first.agency, first.desk, first.handle, matched))
    return found


def _results(
    index: Installation,
    statement: LookupStatement,
    reach: Reach,
    found: list[_Found],
    now: int,
) -> tuple[ShownResult, WithheldResult, list[ReferenceRow]]:
    expires_at = now + index.settings.rules.reference_days * DAY_MS
    hits: list[Hit] = []
    quotes: list[ReferenceRow] = []
    withheld: list[WithheldHit] = []
    shown_of: dict[str, int] = defaultdict(int)
    withheld_of: dict[str, int] = defaultdict(int)
    for flag in found:
        desk = reach.desks[flag.agency, flag.desk].document
        if desk.visibility == "hidden":
            # A refusal would tell the asker of what is hidden, so the eleventh is left out.
            withheld_of[flag.agency] += 1
            if withheld_of[flag.agency] <= MAX_HITS_PER_AGENCY:
                withheld.append(_withheld(flag))
            continue
        shown_of[flag.agency] += 1
        reference = new_reference()
        hits.append(
            Hit(
                agency=flag.agency,
                desk=flag.desk,
                desk_version=desk.version,
                reference=reference,
                expires_at=expires_at,
                matched=flag.matched,
            )
        )
        quotes.append(_quote(statement, flag, reference, expires_at))
    if any(count > MAX_HITS_PER_AGENCY for count in shown_of.values()):
        raise Problem(
            422,
            "too-wide",
            "More than ten of one partner's people fit: add a date of birth, a postcode or an "
            "identifier and check again.",
        )
    shown = ShownResult(
        lookup=statement.lookup,
        answered_at=now,
        hits=tuple(hits),
        partners=reach.states(),
        never_show=reach.never_show(),
    )
    return shown, WithheldResult(lookup=statement.lookup, hits=tuple(withheld)), quotes


def _withheld(flag: _Found) -> WithheldHit:
    return WithheldHit(
        agency=flag.agency,
        desk=flag.desk,
        handle=b64u_encode(flag.handle),
        matched=flag.matched,
    )


def _quote(
    statement: LookupStatement, flag: _Found, reference: str, expires_at: int
) -> ReferenceRow:
    return ReferenceRow(
        reference=reference,
        asker=statement.agency,
        lookup=b64u_decode(statement.lookup, 16),
        holder=flag.agency,
        handle=flag.handle,
        desk=flag.desk,
        matched=canonical.encode(flag.matched),
        expires_at=expires_at,
    )
