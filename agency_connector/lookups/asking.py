"""Checking a name, end to end: journal, tokens, statement, lookup, verification, findings."""

from dataclasses import dataclass
from typing import Final

from agency_connector.installation import Installation
from agency_connector.journal.journal import Check, Journal
from agency_connector.journal.records import (
    Asked,
    Before,
    Beside,
    Came,
    Findings,
    Kept,
    Prepared,
    Typed,
)
from agency_connector.lookups import answer as words
from agency_connector.lookups import partnership, token_sets, verifying
from agency_connector.lookups.errors import CheckRefused, code_of
from agency_connector.lookups.findings import findings, unverified
from agency_connector.lookups.officers import pseudonym
from agency_connector.receipts import storage as receipts
from agency_connector.trust.directory import PartnershipView
from foundation.operator import PlainError
from protocol import commitments, documents
from protocol.commitments import PARTICULARS, commit_to, new_salt
from protocol.encoding import b64u_decode, b64u_encode
from schemas.checks import CheckAnswer, CheckRequest, TypedParticulars, WiderRequest
from schemas.lookups import LookupAnswer, LookupRequest, LookupStatement, StatedTokens
from schemas.operations import LOOK_UP

_CHECK_BYTES: Final = 16
_RESEND_MS: Final = 240_000
"""How long a signed request may be sent again: less than the five minutes that the index allows."""
NOTHING_BESIDE: Final = Beside()


def check(
    installation: Installation, user: str, request: CheckRequest, beside: Beside = NOTHING_BESIDE
) -> CheckAnswer:
    """Check a name for `user`, the officer as this machine knows them.

    `beside` is kept in the journal with it; of a request that comes again the first one's stands.
    The same request again gets the first answer, and there is one record. What was typed is in the
    journal, sealed and on the disk, before anything leaves this machine; nothing of an answer is
    returned before all of it is verified and kept. Raises OperatorError or StorageUnavailable, one
    clear line each (`errors.problem_of` makes a problem document of it); then nothing is shown.
    """
    check_id = b64u_decode(request.check, _CHECK_BYTES)
    typed = Typed(particulars=request.particulars, reason=request.reason)
    journal = Journal.of(installation)
    before = journal.find(check_id)
    if before is None:
        now = installation.clock()
        token_sets.person_of(typed.particulars, now)
        asked = _begun(installation, user, request.purpose, typed, None, now, beside=beside)
        stands = journal.begin(check_id, asked)
        before = Check(asked=stands, prepared=None, kept=None)
    asked = before.asked
    if (asked.user, asked.typed, asked.purpose, asked.follows) != (
        user,
        typed,
        request.purpose,
        None,
    ):
        raise _differs()
    return _answered(installation, journal, check_id, before)


def look_wider(installation: Installation, user: str, request: WiderRequest) -> CheckAnswer:
    """Look wider for the person of an earlier check of `user`: a second, recorded step.

    Raises as `check` does; CheckRefused if there is no such check, or nothing to widen.
    """
    check_id = b64u_decode(request.check, _CHECK_BYTES)
    journal = Journal.of(installation)
    narrow = journal.find(b64u_decode(request.follows, _CHECK_BYTES))
    if narrow is None or narrow.kept is None or narrow.asked.user != user:
        raise CheckRefused(
            404, "no-such-check", "there is no check of yours to widen: check the name first"
        )
    if narrow.asked.breadth != "narrow" or not narrow.kept.findings.can_look_wider:
        raise CheckRefused(
            422, "nothing-to-widen", "this check cannot be widened: add details and check again"
        )
    before = journal.find(check_id)
    if before is None:
        told = narrow.asked
        asked = _begun(
            installation, user, told.purpose, told.typed, request.follows, installation.clock(),
            officer=told.officer, beside=told.beside,
        )  # fmt: skip
        before = Check(asked=journal.begin(check_id, asked), prepared=None, kept=None)
    if (before.asked.user, before.asked.follows) != (user, request.follows):
        raise _differs()
    return _answered(installation, journal, check_id, before)


@dataclass(frozen=True, slots=True, repr=False)
class Told:
    """A check that was answered, as its officer may see it again.

    `agencies` are those of `answer.involved`, in its order, since two may have one name.
    `came_of_it`: what they said of it, oldest first.
    """

    answer: CheckAnswer
    agencies: tuple[str, ...]
    particulars: TypedParticulars
    purpose: str
    beside: Beside
    came_of_it: tuple[Came, ...]
    asked_at: int
    time_zone: str


def told_before(installation: Installation, user: str, check_id: str) -> Told | None:
    """Return what `user` was told, from the journal, or None if there is no such answer.

    Another user's check is as if it were not there. Whether a team is open is computed anew.
    """
    found = Journal.of(installation).find(b64u_decode(check_id, _CHECK_BYTES))
    if found is None or found.kept is None or found.asked.user != user:
        return None
    told, asked = found.kept.findings, found.asked
    return Told(
        answer=_in_words(installation, check_id, asked, told),
        agencies=tuple(hit.agency for hit in told.found if hit.desk is not None),
        particulars=asked.typed.particulars,
        purpose=asked.purpose,
        beside=asked.beside,
        came_of_it=found.came_of_it,
        asked_at=asked.asked_at,
        time_zone=told.time_zone,
    )


def _begun(
    installation: Installation,
    user: str,
    purpose: str,
    typed: Typed,
    follows: str | None,
    now: int,
    officer: str | None = None,
    *,
    beside: Beside,
) -> Asked:
    anchors = installation.anchors()
    epochs = token_sets.searchable_epochs(anchors, now)
    return Asked(
        user=user,
        officer=officer or pseudonym(installation, user, now),
        purpose=purpose,
        typed=typed,
        breadth="narrow" if follows is None else "wide",
        follows=follows,
        particulars_salt=b64u_encode(new_salt()),
        sets=tuple(token_sets.new_salts(anchor) for anchor in epochs),
        asked_at=now,
        beside=beside,
    )


def _answered(
    installation: Installation, journal: Journal, check_id: bytes, before: Check
) -> CheckAnswer:
    kept = before.kept
    if kept is None:
        try:
            kept = journal.keep(check_id, _carried_out(installation, journal, check_id, before))
        except PlainError as error:
            journal.note_failure(check_id, code_of(error))
            raise
    return _in_words(installation, b64u_encode(check_id), before.asked, kept.findings)


def _in_words(installation: Installation, check: str, asked: Asked, told: Findings) -> CheckAnswer:
    """Return the answer in words, with what has become of its receipt since."""
    with installation.database.read() as connection:
        receipt = receipts.named(connection, check)
    number = None if receipt is None or receipt.verified_at is None else receipt.position
    return words.in_words(check, asked.breadth, asked.follows, told, installation.clock(), number)


def _carried_out(
    installation: Installation, journal: Journal, check_id: bytes, before: Check
) -> Kept:
    asked = before.asked
    expansion = token_sets.expansion_of(asked.typed, asked.asked_at)
    view = partnership.seen(installation)
    sent = before.prepared
    if sent is None:
        sent = journal.prepare(check_id, _prepared(installation, check_id, asked, view))
    if abs(installation.clock() - sent.signed_at) > _RESEND_MS:
        raise CheckRefused(
            409,
            "check-lapsed",
            "this check was begun some minutes ago and got no answer: check the name again",
        )
    answer = _looked_up(installation, sent)
    anchors = installation.anchors()
    verifying.check_answer(answer, sent, anchors)
    zone = partnership.time_zone(installation)
    found = _found_before(journal, asked)
    told = findings(answer, asked, sent, expansion, anchors, view, zone, found)
    if unverified(told.found) or not view.agencies.keys() >= _partners(answer):
        # A newcomer, a new key or a new desk since the directory was fetched, or a lie.
        view = partnership.seen(installation, not_older_than=0)
        anchors = installation.anchors()
        told = findings(answer, asked, sent, expansion, anchors, view, zone, found)
    return Kept(answer=answer, findings=told)


def _prepared(
    installation: Installation, check_id: bytes, asked: Asked, view: PartnershipView
) -> Prepared:
    now = installation.clock()
    call_back = partnership.own_desk(installation).desk
    try:
        relied_on = partnership.agreements(installation, view, asked.purpose, now)
    except CheckRefused:
        # It may have come into force since the directory was fetched.
        view = partnership.seen(installation, not_older_than=0)
        relied_on = partnership.agreements(installation, view, asked.purpose, now)
    anchors = installation.anchors()
    expansion = token_sets.expansion_of(asked.typed, asked.asked_at)
    keys = token_sets.keys_of(expansion, asked.breadth)
    made = token_sets.make_sets(installation, anchors, keys, asked.sets)
    signed_at = installation.clock()
    statement = LookupStatement(
        partnership=anchors.partnership,
        agency=anchors.agency,
        lookup=b64u_encode(check_id),
        purpose=asked.purpose,
        officer=asked.officer,
        breadth=asked.breadth,
        follows=asked.follows,
        agreements=relied_on,
        call_back=call_back,
        particulars=b64u_encode(
            commit_to(PARTICULARS, b64u_decode(asked.particulars_salt, 32), asked.typed)
        ),
        tokens=_stated(asked, made),
        asked_at=asked.asked_at,
        signed_at=signed_at,
    )
    request = LookupRequest(
        statement=documents.sign(statement, installation.signing_key), sets=made.sets
    )
    return Prepared(request=request, places=made.places, signed_at=signed_at)


def _stated(asked: Asked, made: token_sets.Sets) -> tuple[StatedTokens, ...]:
    return tuple(
        StatedTokens(
            epoch=salts.epoch,
            scheme=salts.scheme,
            commitment=b64u_encode(
                commitments.commit_to_tokens(
                    b64u_decode(salts.salt, 32), salts.epoch, token_sets.split(token_set)
                )
            ),
        )
        for salts, token_set in zip(asked.sets, made.sets, strict=True)
    )


def _looked_up(installation: Installation, sent: Prepared) -> LookupAnswer:
    client = installation.index()
    try:
        answer: LookupAnswer = client.call(LOOK_UP, sent.request)
    finally:
        client.close()
    return answer


def _found_before(journal: Journal, asked: Asked) -> tuple[Before, ...]:
    """Return the partners that the check which this one follows has shown."""
    if asked.follows is None:
        return ()
    before = journal.find(b64u_decode(asked.follows, _CHECK_BYTES))
    if before is None or before.kept is None:
        return ()
    shown = {hit.agency: hit.partner for hit in before.kept.findings.found}
    return tuple(Before(agency=agency, partner=name) for agency, name in shown.items())


def _partners(answer: LookupAnswer) -> set[str]:
    return {state.agency for state in answer.shown.partners} | {*answer.shown.never_show}


def _differs() -> CheckRefused:
    return CheckRefused(
        409, "check-differs", "this check's id was used for another check: start a new one"
    )
