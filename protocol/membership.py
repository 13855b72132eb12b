"""Whose keys to believe: a chain of signed introductions from keys that were handed over."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from protocol import documents
from protocol.encoding import b64u_decode
from protocol.envelopes import BadEnvelope
from protocol.fingerprints import key_id
from schemas.agencies import AgencyKeys, Introduction, KeyChange
from schemas.envelopes import Envelope
from schemas.handover import EarlierKey, KnownMember

D = TypeVar("D", Introduction, KeyChange)
T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something the index lists that no believed key backs: shown to a person, never used."""

    agency: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The members whose keys are believed, by agency, and what was refused."""

    members: Mapping[str, KnownMember]
    doubts: tuple[Doubt, ...]


def signing_key_of(keys: AgencyKeys) -> bytes:
    """Return the 32-byte Ed25519 public key in `keys`."""
    return b64u_decode(keys.signing, 32)


def read_signed(
    member: KnownMember,
    envelope: Envelope,
    as_type: type[T],
    signed_at: Callable[[T], int] | None = None,
) -> T:
    """Return the document in `envelope`, signed by `member`.

    A key that was replaced counts for what was signed before: `signed_at` tells when a document
    says it was (ms UTC); without it the document is one that has no such time. Raises BadEnvelope.
    """
    for earlier in member.earlier:
        public = b64u_decode(earlier.signing, 32)
        if key_id(public) == documents.signer(envelope):
            document = documents.read(envelope, as_type, public)
            if signed_at is not None and signed_at(document) > earlier.until:
                raise BadEnvelope("It is signed with a key that had been replaced by then.")
            return document
    return documents.read(envelope, as_type, signing_key_of(member.keys))


def extend(
    believed: Mapping[str, KnownMember],
    partnership: str,
    introductions: Iterable[Envelope],
    key_changes: Iterable[Envelope],
) -> Membership:
    """Return who is believed after following `introductions` and `key_changes` from `believed`.

    An introduction adds an agency not yet known, if a believed member signed it. It never
    replaces the keys of a known one: only a change signed with that agency's own old key does,
    and a key that was replaced never comes back. The order of the documents makes no difference.
    """
    introduced, unreadable = _claims(introductions, Introduction)
    changed, also_unreadable = _claims(key_changes, KeyChange)
    members = dict(believed)
    while _grow(members, partnership, introduced) or _follow(members, partnership, changed):
        pass
    doubts = {doubt.agency: doubt for doubt in unreadable + also_unreadable}
    for claim, _ in introduced:
        doubt = _doubt(claim, members, partnership)
        if doubt is not None:
            doubts[claim.agency] = doubt
    return Membership(members=members, doubts=tuple(doubts.values()))


def _claims(
    envelopes: Iterable[Envelope], kind: type[D]
) -> tuple[list[tuple[D, Envelope]], list[Doubt]]:
    claims: list[tuple[D, Envelope]] = []
    doubts: list[Doubt] = []
    for envelope in envelopes:
        try:
            claims.append((documents.claimed(envelope, kind), envelope))
        except BadEnvelope as error:
            doubts.append(Doubt("(unreadable)", f"A {kind.__name__} cannot be read. {error}"))
    return claims, doubts


def _grow(
    members: dict[str, KnownMember],
    partnership: str,
    introduced: Sequence[tuple[Introduction, Envelope]],
) -> bool:
    """Add the agencies that believed members introduce; return whether there were any."""
    before = len(members)
    for claim, envelope in introduced:
        introducer = members.get(claim.introducer)
        if claim.agency in members or introducer is None or claim.partnership != partnership:
            continue
        if _is_introduced(envelope, introducer):
            members[claim.agency] = KnownMember(
                agency=claim.agency, name=claim.name, role=claim.role, keys=claim.keys
            )
    return len(members) > before


def _follow(
    members: dict[str, KnownMember],
    partnership: str,
    changed: Sequence[tuple[KeyChange, Envelope]],
) -> bool:
    """Follow one change of keys signed with a believed old key; return whether there was one."""
    for claim, envelope in changed:
        known = members.get(claim.agency)
        if known is None or claim.partnership != partnership or _was_held(known, claim.keys):
            continue
        if _is_changed(envelope, known):
            replaced = EarlierKey(signing=known.keys.signing, until=claim.signed_at)
            members[claim.agency] = msgspec.structs.replace(
                known, keys=claim.keys, earlier=(*known.earlier, replaced)
            )
            return True
    return False


def _doubt(
    claim: Introduction, members: Mapping[str, KnownMember], partnership: str
) -> Doubt | None:
    known = members.get(claim.agency)
    if claim.partnership != partnership:
        return Doubt(claim.agency, f"{claim.agency} is introduced to another partnership.")
    if known is None:
        return Doubt(
            claim.agency,
            f"The keys listed for {claim.agency} are vouched for by nobody we know. Nothing of "
            "theirs is shown until a member hands over to them or introduces them again.",
        )
    # An introduction from before a change of keys is no contradiction.
    earlier = {key.signing for key in known.earlier}
    if known.keys != claim.keys and claim.keys.signing not in earlier:
        return Doubt(
            claim.agency,
            f"{claim.introducer} is said to vouch for other keys of {claim.agency} than those we "
            "know. We keep to ours: phone both before you do anything.",
        )
    return None


def _was_held(known: KnownMember, keys: AgencyKeys) -> bool:
    """Return whether the signing key is or was the member's."""
    return keys.signing in {known.keys.signing, *(earlier.signing for earlier in known.earlier)}


def _is_introduced(envelope: Envelope, introducer: KnownMember) -> bool:
    try:
        read_signed(introducer, envelope, Introduction, lambda told: told.signed_at)
    except BadEnvelope:
        return False
    return True


def _is_changed(envelope: Envelope, known: KnownMember) -> bool:
    try:
        documents.read(envelope, KeyChange, signing_key_of(known.keys))
    except BadEnvelope:
        return False
    return True
