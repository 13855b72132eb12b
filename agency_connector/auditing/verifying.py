"""Every check of what the index answers to a reading; what fails is an alarm, never left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from agency_connector.lookups.errors import AnswerDisbelieved
from agency_connector.lookups.recorded import recorded
from agency_connector.lookups.verifying import CLOCK_SLACK_MS
from agency_connector.trust.anchors import Anchors
from protocol import documents
from protocol.canonical import NotCanonical
from protocol.commitments import SHOWN, commit_to, commit_to_tokens
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from protocol.entries import read_entry
from protocol.envelopes import BadEnvelope
from protocol.log.checkpoints import open_checkpoint
from protocol.log.errors import LogError
from protocol.log.proofs import Head, check_inclusion
from protocol.membership import read_signed
from protocol.merkle import HASH_BYTES, leaf_hash
from protocol.tokens import TOKEN_BYTES
from protocol.verifier_keys import KeyType, VerifierKey
from schemas.audit import AuditStatement, Filter, FoundLookup, ReadEntry
from schemas.contacts import ContactStatement
from schemas.entries import (
    Administration,
    AuditReading,
    Consultation,
    Disclosure,
    Entry,
    Erasure,
    Refusal,
)
from schemas.envelopes import Envelope
from schemas.lookups import LookupStatement, TokenSet

KINDS: Final = {
    "Consultation": "lookup",
    "Disclosure": "reference resolved",
    "Collection": "flags published",
    "Alteration": "flags changed",
    "Erasure": "flags removed",
    "Combination": "combination",
    "Administration": "administration",
    "Refusal": "refusal",
    "AuditReading": "audit reading",
}


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it was read. `alarm` says what is wrong with it; None if all of it is proved.

    `statement` is that of a lookup, and None for other entries and for one that cannot be read.
    `detail` says of those in a few words what they record.
    """

    number: int
    entry: str
    proof: str
    kind: str
    at: int | None
    statement: LookupStatement | None
    alarm: str | None
    detail: str = ""

    def but(self, alarm: str) -> "Row":
        """Return the row with an alarm, unless it has one."""
        return replace(self, alarm=self.alarm or alarm)


def check_reading(
    checkpoint: str, entry: str, receipt: Envelope, sent: Envelope, anchors: Anchors
) -> Head:
    """Return the head of the answer's checkpoint, signed by the log key that was handed over.

    Raises AnswerDisbelieved unless the reading itself is recorded as we stated it, with a receipt.
    """
    ours = documents.claimed(sent, AuditStatement)
    read = recorded(entry, receipt, anchors, AuditReading)
    if read.statement != sent:
        raise AnswerDisbelieved("the record holds another statement than the one we signed")
    if abs(read.at - ours.signed_at) > CLOCK_SLACK_MS:
        raise AnswerDisbelieved("the record is of another time")
    key = VerifierKey(anchors.log_name, KeyType.ED25519, anchors.log_key)
    try:
        return open_checkpoint(checkpoint.encode(), [key]).checkpoint.head
    except LogError as error:
        raise AnswerDisbelieved(
            "its checkpoint is not signed by the log that was handed over"
        ) from error


def proof_fault(leaf: bytes, number: int, proof: str, head: Head) -> str | None:
    """Return what is wrong with an inclusion proof, or None."""
    try:
        joined = b64u_decode(proof)
        hashes = [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
        check_inclusion(leaf, number, head, hashes)
    except (EncodingError, LogError):
        return "it is not proved: its proof does not lead to the signed checkpoint"
    return None


def read_row(read: ReadEntry | FoundLookup, head: Head, anchors: Anchors) -> Row:
    """Return the entry after checking its proof, its form, and the signature of who asked."""
    try:
        content = b64u_decode(read.entry)
        entry = read_entry(content)
    except (EncodingError, NotCanonical):
        return Row(read.number, read.entry, read.proof, "?", None, None, "it cannot be read")
    row = Row(
        number=read.number,
        entry=read.entry,
        proof=read.proof,
        kind=_kind(entry),
        at=entry.at,
        statement=None,
        alarm=proof_fault(leaf_hash(content), read.number, read.proof, head),
        detail=_detail(entry),
    )
    if entry.partnership != anchors.partnership:
        return row.but("it is of another partnership")
    return _with_statement(row, entry, anchors) if isinstance(entry, Consultation) else row


def check_lookup(row: Row, found: FoundLookup, ours: frozenset[bytes]) -> Row:
    """Check the side record of a found lookup against its entry, and that it meets our tokens."""
    entry = _entry_of(row)
    if row.statement is None or not isinstance(entry, Consultation):
        return row.but("it is no lookup")
    stated = [(told.epoch, told.commitment) for told in row.statement.tokens]
    try:
        opened = [(told.epoch, _committed(told)) for told in found.sets]
        shown = b64u_encode(commit_to(SHOWN, b64u_decode(found.shown_salt, 32), found.shown))
    except EncodingError:
        return row.but("its side record cannot be read")
    if opened != stated:
        return row.but("the tokens shown for it are not those that its statement commits to")
    if shown != entry.shown:
        return row.but("what is said to have been answered is not what the entry commits to")
    if ours.isdisjoint(token for told in found.sets for token in split(told)):
        return row.but("it has none of the person's tokens, and was not asked for")
    return row


def check_filter(row: Row, told: Filter) -> Row:
    """Check that an entry is one that was asked for."""
    asked = row.statement
    if row.alarm is not None:
        return row
    if asked is None or row.at is None:
        return row.but("it is no lookup, and was not asked for")
    wanted = (
        told.agency in (None, asked.agency)
        and told.purpose in (None, asked.purpose)
        and told.officer in (None, asked.officer)
        and told.lookup in (None, asked.lookup)
        and (told.since is None or told.since <= row.at)
        and (told.until is None or row.at < told.until)
    )
    return row if wanted else row.but("it was not asked for")


def order_faults(numbers: Sequence[int], first: int, end: int) -> list[str]:
    """Return what is wrong with the order of an answer's numbers, all below `end`."""
    if list(numbers) != sorted(set(numbers)):
        return ["the index gives entries twice or out of order"]
    if any(not first <= number < end for number in numbers):
        return ["the index gives entries outside the range that was asked for"]
    return []


def gaps(numbers: Sequence[int], first: int, end: int) -> list[str]:
    """Return which of the entries from `first` to just before `end` are not among `numbers`."""
    missing = sorted(set(range(first, end)) - set(numbers))
    if not missing:
        return []
    shown = ", ".join(str(number) for number in missing[:5])
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return [f"the index left out entry {shown}{more}, though every entry was asked for"]


def split(told: TokenSet) -> list[bytes]:
    """Return the tokens of a set in their order."""
    joined = b64u_decode(told.tokens)
    return [joined[at : at + TOKEN_BYTES] for at in range(0, len(joined), TOKEN_BYTES)]


def _committed(told: TokenSet) -> str:
    salt = b64u_decode(told.salt, 32)
    return b64u_encode(commit_to_tokens(salt, told.epoch, split(told)))


def _entry_of(row: Row) -> Entry | None:
    try:
        return read_entry(b64u_decode(row.entry))
    except (EncodingError, NotCanonical):
        return None


def _contact(entry: Entry) -> ContactStatement | None:
    """Return the step of a contact request that the entry is about, if it is about one."""
    if not isinstance(entry, Disclosure):
        return None
    try:
        return documents.claimed(entry.statement, ContactStatement)
    except BadEnvelope:
        return None


def _kind(entry: Entry) -> str:
    return "contact request" if _contact(entry) else KINDS[type(entry).__name__]


def _detail(entry: Entry) -> str:
    match entry:
        case Disclosure() if (step := _contact(entry)) is not None:
            return f"{step.agency} to {step.recipient}: {step.step}"
        case Administration():
            return f"{entry.act}{f' ({entry.agency})' if entry.agency else ''}"
        case Refusal():
            return f"{entry.agency}: {entry.operation}, {entry.code}"
        case Erasure():
            return f"{entry.count} of {entry.agency}"
        case AuditReading():
            try:
                asked = documents.claimed(entry.statement, AuditStatement)
            except BadEnvelope:
                return "its statement cannot be read"
            return f"{asked.agency}: {asked.of}, by {asked.officer}"
        case _:
            return ""


def _with_statement(row: Row, entry: Consultation, anchors: Anchors) -> Row:
    try:
        claim = documents.claimed(entry.statement, LookupStatement)
    except BadEnvelope:
        return row.but("its statement cannot be read")
    row = replace(row, statement=claim)
    member = anchors.members.get(claim.agency)
    if member is None:
        return row.but(f"nobody we know vouches for the keys of {claim.agency}")
    try:
        read_signed(member, entry.statement, LookupStatement, lambda told: told.signed_at)
    except BadEnvelope:
        return row.but(f"its statement is not signed with a key that we know of {claim.agency}")
    if claim.partnership != anchors.partnership:
        return row.but("its statement is of another partnership")
    return row
