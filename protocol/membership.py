"""Whose keys to believe: a chain of signed introductions from keys that were handed over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from protocol import documents
from protocol.encoding import b64u_decode
from protocol.envelopes import BadEnvelope
from protocol.fingerprints import key_id
from schemas.agencies import AgencyKeys, Introduction, KeyChange
from schemas.envelopes import Envelope
from schemas.handover import KnownMember

D = TypeVar("D", Introduction, KeyChange)


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


def extend(
    believed: Mapping[str, KnownMember],
    partnership: str,
    introductions: Iterable[Envelope],
    key_changes: Iterable[Envelope],
) -> Membership:
    """Return who is believed after following `introductions` and `key_changes` from `believed`.

    An introduction adds an agency not yet known, if a believed member signed it. It never
    replaces the keys of a known one: only a change signed with that agency's own old key does.
    The order in which the documents come makes no difference.
    """
    introduced, unreadable = _claims(introductions, Introduction)
    changed, also_unreadable = _claims(key_changes, KeyChange)
    members = dict(believed)
    while _grow(members, partnership, introduced) or _follow(members, partnership, changed):
        pass
    doubts = {doubt.agency: doubt for doubt in unreadable + also_unreadable}
    for claim, envelope in introduced:
        doubt = _doubt(claim, envelope, members, partnership, changed)
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
        if _is_signed(envelope, Introduction, signing_key_of(introducer.keys)):
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
        if known is None or claim.partnership != partnership or claim.keys == known.keys:
            continue
        if _is_signed(envelope, KeyChange, signing_key_of(known.keys)):
            members[claim.agency] = KnownMember(
                agency=known.agency, name=known.name, role=known.role, keys=claim.keys
            )
            return True
    return False


def _doubt(
    claim: Introduction,
    envelope: Envelope,
    members: Mapping[str, KnownMember],
    partnership: str,
    changed: Sequence[tuple[KeyChange, Envelope]],
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
    if known.keys != claim.keys and not _leads_to(claim.keys, known.keys, changed):
        return Doubt(
            claim.agency,
            f"{claim.introducer} is said to vouch for other keys of {claim.agency} than those we "
            "know. We keep to ours: phone both before you do anything.",
        )
    return None


def _leads_to(
    start: AgencyKeys, end: AgencyKeys, changed: Sequence[tuple[KeyChange, Envelope]]
) -> bool:
    at, steps = start, len(changed)
    while at != end and steps:
        steps -= 1
        signing = signing_key_of(at)
        for claim, envelope in changed:
            if claim.old_key == key_id(signing) and _is_signed(envelope, KeyChange, signing):
                at = claim.keys
                break
    return at == end


def _is_signed(envelope: Envelope, kind: type[D], public: bytes) -> bool:
    try:
        documents.read(envelope, kind, public)
    except BadEnvelope:
        return False
    return True
