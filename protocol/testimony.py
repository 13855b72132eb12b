"""What an entry says beside its place in the tree: who signed it, and what it commits to."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from protocol import canonical, documents, receipts
from protocol.commitments import SHOWN, WITHHELD, commit, commit_to, commit_to_tokens
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from protocol.envelopes import BadEnvelope
from protocol.fingerprints import key_id
from protocol.verifier_keys import BadVerifierKey, VerifierKey
from protocol.verifier_keys import read as read_verifier_key
from schemas.agencies import AgencyKeys, Desk, Introduction, KeyChange
from schemas.audit import AuditStatement
from schemas.contacts import ContactStatement
from schemas.entries import Administration, Combination, Consultation, Entry
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.evaluation import EvaluatorCounts
from schemas.flags import PublicationStatement
from schemas.lookups import LookupAnswer, LookupStatement, ResolutionStatement, TokenSet
from schemas.witnesses import WitnessDeclaration

_ENROLLED: Final = "key"
_COUNTED: Final = "evaluations-counted"
_KINDS: Final = {name: kind for kind, name in documents.PAYLOAD_TYPES.items()}
_OWN: Final = (
    LookupStatement,
    PublicationStatement,
    ResolutionStatement,
    ContactStatement,
    AuditStatement,
    Desk,
    KeyChange,
    WitnessDeclaration,
)
# A request that was under way when its key was replaced may be recorded after the replacement.
_UNDER_WAY_MS: Final = 300_000
_TOKEN_BYTES: Final = 16


_ERASED: Final = re.compile(r"([0-9]+) of before ([0-9]+)", re.ASCII)
_RECOVERED: Final = re.compile(r"entries ([0-9]+) to ([0-9]+) from the mirror", re.ASCII)


class BadTestimony(ValueError):
    """The entry says something that is not so; the message says what."""


@dataclass(frozen=True, slots=True)
class SideRecord:
    """The erasable part of a consultation, as it is kept; `withheld` without its padding."""

    sets: bytes
    answer: bytes
    withheld: bytes
    withheld_salt: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """What stands signed in an entry, and the key of `agency` that it claims to be signed with."""

    envelope: Envelope
    public: bytes
    agency: str


def check_signed(signed: Signed) -> msgspec.Struct:
    """Return the document, after its signature, its form and for whom it speaks were checked.

    Raises BadTestimony.
    """
    kind = _KINDS.get(signed.envelope.payload_type)
    if kind is None:
        raise BadTestimony("it carries a document of an unknown type")
    try:
        document = documents.read(signed.envelope, kind, signed.public)
    except BadEnvelope as error:
        raise BadTestimony(f"the signed document in it is not good: {error}") from error
    if isinstance(document, Introduction):
        signer: str | None = document.introducer
    else:
        signer = document.agency if isinstance(document, _OWN) else None
    if signer is not None and signer != signed.agency:
        raise BadTestimony(f"it speaks for {signer} and is signed by {signed.agency}")
    return document


@dataclass(slots=True)
class _Key:
    agency: str
    public: bytes
    replaced_at: int | None = None


def enrolled_note(keys: AgencyKeys) -> str:
    """Return the note of an enrolment's entry: the id of the signing key, and the key itself."""
    return f"{_ENROLLED} {key_id(b64u_decode(keys.signing, 32))} {keys.signing}"


def erased_note(count: int, before: int) -> str:
    """Return the note of the entry that says: side records of before `before` (ms) were erased."""
    return f"{count} of before {before}"


def recovered_note(first: int, last: int) -> str:
    """Return the note of the entry that says: these entries came back without what was beside."""
    return f"entries {first} to {last} from the mirror"


@dataclass(slots=True)
class Absences:
    """Which side records may be missing: those that the log says were erased, or were lost."""

    erased_before: int = 0
    recovered: list[tuple[int, int]] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Take up what `entry` says of it, if anything."""
        if not isinstance(entry, Administration):
            return
        if entry.act == "side-records-erased" and (said := _ERASED.fullmatch(entry.note or "")):
            self.erased_before = max(self.erased_before, int(said[2]))
        if entry.act == "log-recovered" and (said := _RECOVERED.fullmatch(entry.note or "")):
            self.recovered.append((int(said[1]), int(said[2])))

    def cause(self, number: int, at: int) -> Literal["erased", "lost"]:
        """Return why entry `number`, of time `at` (ms), has none; BadTestimony if it should."""
        if at < self.erased_before:
            return "erased"
        if any(first <= number <= last for first, last in self.recovered):
            return "lost"
        raise BadTestimony("its side record is missing, and no entry says that it was erased")


@dataclass(slots=True)
class Keys:
    """The agencies' keys as the log enrols, declares and replaces them, entry by entry.

    `witnesses` are all keys that agencies declared to cosign with. Without `signatures` nothing
    that is signed in an entry is checked, which costs most of the time that checking takes. With
    `later`, it gets what remains to be checked of entries that enrol no keys.
    """

    signatures: bool = True
    later: Callable[[Signed], None] | None = None
    witnesses: dict[tuple[str, bytes], VerifierKey] = field(default_factory=dict)
    _enrolled: dict[str, _Key] = field(default_factory=dict)
    _evaluators: dict[str, bytes] = field(default_factory=dict)

    def check(self, entry: Entry) -> None:
        """Check whatever is signed in `entry`, and then take up the key it enrols, if it does.

        Raises BadTestimony for a statement that is not signed by a key enrolled at the time.
        """
        envelope = _envelope_of(entry)
        if isinstance(entry, Administration) and entry.act == _COUNTED:
            self._check_counts(envelope)
            return
        if envelope is not None and not (self.signatures or isinstance(entry, Administration)):
            return
        signed = None if envelope is None else self._signed(envelope, entry.at)
        if signed is not None and self.later is not None and not isinstance(entry, Administration):
            self.later(signed)
            return
        document = None if signed is None else check_signed(signed)
        if isinstance(entry, Administration):
            if isinstance(document, KeyChange):
                self._enrol(document.agency, b64u_decode(document.keys.signing, 32), entry.at)
            elif isinstance(document, WitnessDeclaration):
                self._declare(document)
            elif isinstance(document, EpochDescriptor):
                public = b64u_decode(document.evaluator_signing_key, 32)
                self._evaluators[key_id(public)] = public
            elif entry.act == "agency-enrolled":
                self._enrol_named(entry)

    def check_desk(self, envelope: Envelope) -> None:
        """Check that a desk is signed by its own agency, with any key that it ever had."""
        key = self._enrolled.get(documents.signer(envelope))
        try:
            if key is not None and documents.read(envelope, Desk, key.public).agency == key.agency:
                return
        except BadEnvelope:
            pass
        raise BadTestimony("a desk in its side record is not signed by its agency")

    def _signed(self, envelope: Envelope, at: int) -> Signed:
        key = self._enrolled.get(documents.signer(envelope))
        if key is None or (key.replaced_at is not None and at > key.replaced_at + _UNDER_WAY_MS):
            raise BadTestimony("it is signed with a key that was not enrolled at the time")
        return Signed(envelope, key.public, key.agency)

    def _check_counts(self, envelope: Envelope | None) -> None:
        signer = None if envelope is None else documents.signer(envelope)
        public = self._evaluators.get(signer or "")
        if envelope is None or public is None:
            raise BadTestimony("it is signed with a key that no epoch names as the evaluator's")
        try:
            documents.read(envelope, EvaluatorCounts, public)
        except BadEnvelope as error:
            raise BadTestimony(f"the evaluator's counts in it are not good: {error}") from error

    def _declare(self, document: WitnessDeclaration) -> None:
        try:
            key = read_verifier_key(document.witness_key)
        except BadVerifierKey as error:
            raise BadTestimony(f"the key that it declares is not good: {error}") from error
        self.witnesses[key.name, key.key_id] = key

    def _enrol_named(self, entry: Administration) -> None:
        word, _, named = (entry.note or "").partition(" ")
        named, _, encoded = named.partition(" ")
        try:
            public = b64u_decode(encoded, 32)
        except EncodingError as error:
            raise BadTestimony("it enrols no key") from error
        if word != _ENROLLED or entry.agency is None or key_id(public) != named:
            raise BadTestimony("the key that it enrols is not the one that it names")
        self._enrol(entry.agency, public, entry.at)

    def _enrol(self, agency: str, public: bytes, at: int) -> None:
        for key in self._enrolled.values():
            if key.agency == agency and key.replaced_at is None:
                key.replaced_at = at
        self._enrolled[key_id(public)] = _Key(agency, public)


def check_side_record(
    entry: Consultation,
    encoded: bytes,
    side: SideRecord,
    keys: Keys,
    logs: Sequence[VerifierKey],
) -> None:
    """Check that `side` is what the entry, whose bytes are `encoded`, commits to.

    `logs` are this log and those that it succeeds. Raises BadTestimony if the tokens, the shown
    or the withheld result are not those, or if the receipt or a desk that was answered with is
    not signed by one of `logs` or by the desk's agency.
    """
    statement = documents.claimed(entry.statement, LookupStatement)
    try:
        sets = msgspec.json.decode(side.sets, type=tuple[TokenSet, ...])
        answer = canonical.decode(side.answer, LookupAnswer)
        opened = [(s.epoch, _opened(s)) for s in sets]
    except ValueError as error:
        raise BadTestimony("its side record cannot be read") from error
    if opened != [(stated.epoch, stated.commitment) for stated in statement.tokens]:
        raise BadTestimony("the tokens in its side record are not those it commits to")
    shown = commit_to(SHOWN, b64u_decode(answer.shown_salt, 32), answer.shown)
    if b64u_encode(shown) != entry.shown:
        raise BadTestimony("the answer in its side record is not the one it commits to")
    if answer.entry != b64u_encode(encoded):
        raise BadTestimony("the answer in its side record carries another entry")
    if keys.signatures:
        _check_receipt(answer.receipt, entry, encoded, logs)
        for desk in answer.desks:
            keys.check_desk(desk)
    if b64u_encode(commit(WITHHELD, side.withheld_salt, side.withheld)) != entry.withheld:
        raise BadTestimony("the withheld result in its side record is not the one it commits to")


def _check_receipt(
    receipt: Envelope, entry: Entry, encoded: bytes, logs: Iterable[VerifierKey]
) -> None:
    signer = {key_id(log.public): log for log in logs}.get(documents.signer(receipt))
    if signer is None:
        raise BadTestimony("the receipt in its side record is not signed by the log")
    try:
        told = receipts.check(receipt, encoded, signer.name, signer.public)
    except receipts.BadReceipt as error:
        raise BadTestimony(f"the receipt in its side record is not good: {error}") from error
    if told.recorded_at != entry.at:
        raise BadTestimony("the receipt in its side record is of another time")


def _opened(token_set: TokenSet) -> str:
    joined = b64u_decode(token_set.tokens)
    tokens = [joined[at : at + _TOKEN_BYTES] for at in range(0, len(joined), _TOKEN_BYTES)]
    return b64u_encode(commit_to_tokens(b64u_decode(token_set.salt, 32), token_set.epoch, tokens))


def _envelope_of(entry: Entry) -> Envelope | None:
    if isinstance(entry, Administration):
        return entry.document
    return None if isinstance(entry, Combination) else entry.statement
