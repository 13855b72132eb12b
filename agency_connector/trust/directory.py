"""The partnership as the index lists it, with only what believed keys back; the rest as doubts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from agency_connector.installation import Installation
from agency_connector.trust import anchors as trust_anchors
from agency_connector.trust import storage
from agency_connector.trust.anchors import Anchors
from agency_connector.witness import policy
from agency_connector.witness.key import witness_signing_key
from foundation.operator import OperatorError
from protocol import canonical, documents, membership
from protocol.envelopes import BadEnvelope
from protocol.log.witness import witness_key
from protocol.membership import Doubt
from protocol.verifier_keys import VerifierKey
from schemas.agencies import (
    AgencyKeys,
    AgencyRole,
    AgencyStatus,
    Desk,
    Directory,
    Introduction,
    Publication,
    Steward,
)
from schemas.agreements import Agreement, Purpose
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.handover import KnownMember
from schemas.operations import DIRECTORY
from schemas.witnesses import WitnessDeclaration

Members = Mapping[str, KnownMember]
DeskKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ListedAgency:
    """A partner. `believed` says whether its keys are; if not, nothing that it signs is used.

    Name and role of a believed one are those that were vouched for; `status`, `hidden_desk`,
    `publications` and `listed_keys` are the index's word and no more.
    """

    agency: str
    name: str
    role: AgencyRole
    status: AgencyStatus
    believed: bool
    hidden_desk: bool
    publications: tuple[Publication, ...]
    listed_keys: AgencyKeys | None


@dataclass(frozen=True, slots=True)
class PartnershipView:
    """The partnership as far as it is believed. `seen_at` is when it was fetched, ms UTC.

    `desks` holds by (agency, desk id) the visible desks that are listed and that their believed
    agencies signed. `epochs` are descriptors signed by believed members, newest first. `witnesses`
    are the keys that believed agencies declare to cosign the log with.
    """

    partnership: str
    steward: Steward
    agencies: Mapping[str, ListedAgency]
    desks: Mapping[DeskKey, Desk]
    purposes: tuple[Purpose, ...]
    agreements: tuple[Agreement, ...]
    epochs: tuple[EpochDescriptor, ...]
    introduced: frozenset[str]
    witnesses: Mapping[str, VerifierKey]
    doubts: tuple[Doubt, ...]
    seen_at: int

    def name_of(self, agency: str) -> str:
        """Return an agency's name for a page, or its id if it is not listed."""
        listed = self.agencies.get(agency)
        return agency if listed is None else listed.name


@dataclass(frozen=True, slots=True)
class _Judgement:
    view: PartnershipView
    members: Members
    new_desks: tuple[tuple[Desk, Envelope], ...]


def refresh(installation: Installation) -> PartnershipView:
    """Fetch the directory, believe what can be believed, keep it, and return the view.

    Raises what `SignedClient.call` raises, and OperatorError if nothing was handed over yet.
    """
    installation.anchors()
    client = installation.index()
    try:
        directory: Directory = client.call(DIRECTORY)
    finally:
        client.close()
    now = installation.clock()
    public = witness_signing_key(installation.keyring).public
    with installation.database.write() as connection:
        anchors = trust_anchors.load(connection, installation.keyring)
        judged = _judge(connection, anchors, directory, now)
        own = witness_key(anchors.agency, anchors.partnership, public)
        policy.grow(connection, own, anchors.agency, judged.view.witnesses, now)
        storage.believe(connection, judged.members, now)
        for desk, envelope in judged.new_desks:
            storage.see_desk(connection, desk, envelope)
        storage.keep_directory(connection, canonical.encode(directory), now)
    return judged.view


def last_seen(installation: Installation) -> PartnershipView:
    """Return the view of the directory as last fetched; OperatorError if it never was."""
    with installation.database.read() as connection:
        anchors = trust_anchors.load(connection, installation.keyring)
        seen = storage.seen_directory(connection)
        if seen is None:
            raise OperatorError(
                "the directory has not been fetched yet: run `agency-connector status`"
            )
        content, seen_at = seen
        return _judge(connection, anchors, canonical.decode(content, Directory), seen_at).view


def verified_desk(envelope: Envelope, anchors: Anchors, view: PartnershipView) -> Desk | None:
    """Return the desk in `envelope`, which came with an answer, or None if it may not be shown.

    It may be if its believed agency signed it and no newer version is known.
    """
    desk = _signed_desk(envelope, anchors.partnership, anchors.members)
    if isinstance(desk, Doubt):
        return None
    known = view.desks.get((desk.agency, desk.desk))
    if known is not None and (known.version > desk.version):
        return None
    if known is not None and known.version == desk.version and known != desk:
        return None
    return desk


def _judge(
    connection: Connection, anchors: Anchors, directory: Directory, seen_at: int
) -> _Judgement:
    if directory.partnership != anchors.partnership:
        raise OperatorError(
            f"the index now calls itself {directory.partnership}, and this connector belongs to "
            f"{anchors.partnership}: nothing was taken over; phone the steward"
        )
    grown = membership.extend(
        anchors.members, anchors.partnership, directory.introductions, directory.key_changes
    )
    known_desks = storage.seen_desks(connection)
    desks, desk_doubts = _desks(directory.desks, anchors.partnership, grown.members, known_desks)
    epochs, epoch_doubts = _epochs(directory.epochs, anchors, grown.members)
    witnesses, witness_doubts = _witnesses(directory.witnesses, anchors.partnership, grown.members)
    agencies = {listed.agency: listed for listed in _listed(directory, grown.members)}
    doubts = (
        *grown.doubts,
        *_key_doubts(agencies.values(), grown.members),
        *desk_doubts,
        *epoch_doubts,
        *witness_doubts,
        *_changed_witnesses(connection, anchors, witnesses),
    )
    view = PartnershipView(
        partnership=directory.partnership,
        steward=directory.steward,
        agencies=agencies,
        desks={key: desk for key, (desk, _) in desks.items()},
        purposes=directory.purposes,
        agreements=directory.agreements,
        epochs=epochs,
        introduced=_introduced(directory.introductions, anchors.partnership, grown.members),
        witnesses=witnesses,
        doubts=tuple(dict.fromkeys(doubts)),
        seen_at=seen_at,
    )
    new = tuple(pair for key, pair in desks.items() if known_desks.get(key) != pair[1])
    return _Judgement(view=view, members=grown.members, new_desks=new)


def _listed(directory: Directory, members: Members) -> Iterable[ListedAgency]:
    for listed in directory.agencies:
        known = members.get(listed.agency)
        yield ListedAgency(
            agency=listed.agency,
            name=listed.name if known is None else known.name,
            role=listed.role if known is None else known.role,
            status=listed.status,
            believed=known is not None,
            hidden_desk=listed.hidden_desk,
            publications=listed.publications,
            listed_keys=listed.keys,
        )


def _key_doubts(agencies: Iterable[ListedAgency], members: Members) -> Iterable[Doubt]:
    for listed in agencies:
        known = members.get(listed.agency)
        if known is not None and listed.listed_keys not in (None, known.keys):
            yield Doubt(
                listed.agency,
                f"The index lists other keys for {listed.agency} than those we know. We keep to "
                f"ours: phone {listed.agency} and the steward before you do anything.",
            )


def _introduced(
    introductions: Iterable[Envelope], partnership: str, members: Members
) -> frozenset[str]:
    """Return the believed agencies that a believed member's listed introduction speaks for."""
    found = set()
    for envelope in introductions:
        try:
            claim = documents.claimed(envelope, Introduction)
            introducer, agency = members[claim.introducer], members[claim.agency]
            membership.read_signed(introducer, envelope, Introduction, lambda told: told.signed_at)
        except (BadEnvelope, KeyError):
            continue  # `membership.extend` has made a doubt of it
        if claim.partnership == partnership and claim.keys == agency.keys:
            found.add(claim.agency)
    return frozenset(found)


def _desks(
    envelopes: Iterable[Envelope],
    partnership: str,
    members: Members,
    known: Mapping[DeskKey, Envelope],
) -> tuple[Mapping[DeskKey, tuple[Desk, Envelope]], tuple[Doubt, ...]]:
    """Return the listed desks that may be shown, and doubts about those that may not.

    `known` are the newest versions seen so far: they were verified then, also if their agency has
    changed its keys since.
    """
    shown: dict[DeskKey, tuple[Desk, Envelope]] = {}
    doubts: list[Doubt] = []
    for envelope in envelopes:
        if envelope in known.values():
            desk = documents.claimed(envelope, Desk)
        else:
            read = _signed_desk(envelope, partnership, members)
            if isinstance(read, Doubt):
                doubts.append(read)
                continue
            desk = read
        key = (desk.agency, desk.desk)
        earlier = known.get(key)
        if earlier is not None and earlier != envelope:
            seen = documents.claimed(earlier, Desk)
            if seen.version >= desk.version:
                doubts.append(
                    Doubt(
                        desk.agency,
                        f"The index shows version {desk.version} of the desk {desk.desk} of "
                        f"{desk.agency}; we have seen another version {seen.version} and keep to "
                        f"that: phone {desk.agency} and the steward.",
                    )
                )
                shown[key] = (seen, earlier)
                continue
        shown[key] = (desk, envelope)
    return shown, tuple(doubts)


def _signed_desk(envelope: Envelope, partnership: str, members: Members) -> Desk | Doubt:
    try:
        claim = documents.claimed(envelope, Desk)
    except BadEnvelope as error:
        return Doubt("(unreadable)", f"A desk cannot be read. {error}")
    member = members.get(claim.agency)
    if member is None:
        return Doubt(
            claim.agency,
            f"The desk {claim.desk} of {claim.agency} is not shown, because nobody we know has "
            f"vouched for the keys of {claim.agency}.",
        )
    try:
        desk = membership.read_signed(member, envelope, Desk, lambda told: told.signed_at)
    except BadEnvelope:
        return Doubt(
            claim.agency,
            f"The desk {claim.desk} of {claim.agency} is not shown, because {claim.agency} has not "
            f"signed it with the key we know: phone {claim.agency} on a number you know.",
        )
    if desk.partnership != partnership:
        return Doubt(claim.agency, f"A desk of {claim.agency} is for another partnership.")
    return desk


def _witnesses(
    envelopes: Iterable[Envelope], partnership: str, members: Members
) -> tuple[Mapping[str, VerifierKey], tuple[Doubt, ...]]:
    """Return the witness keys that believed agencies declare, and doubts about other documents."""
    declared: dict[str, VerifierKey] = {}
    doubts: list[Doubt] = []
    for envelope in envelopes:
        agency = "(unreadable)"
        try:
            agency = documents.claimed(envelope, WitnessDeclaration).agency
            declared[agency] = policy.read_declaration(envelope, partnership, members[agency])
        except (BadEnvelope, KeyError, policy.NotDeclared):
            doubts.append(
                Doubt(
                    agency,
                    f"A key that {agency} is said to countersign the log with is not used, because "
                    "it is not declared with keys of theirs that we know.",
                )
            )
    return declared, tuple(doubts)


def _changed_witnesses(
    connection: Connection, anchors: Anchors, declared: Mapping[str, VerifierKey]
) -> Iterable[Doubt]:
    pinned = policy.pinned(connection)
    held = {} if pinned is None else pinned.policy.witnesses
    for agency, key in declared.items():
        if agency in held and held[agency] != key and agency != anchors.agency:
            yield Doubt(
                agency,
                f"{agency} declares another key to countersign the log with than the one pinned "
                f"here. Ours stays: phone {agency}, and if they have a new key run "
                f"`agency-connector witness policy --accept {agency}`.",
            )


def _epochs(
    envelopes: Iterable[Envelope], anchors: Anchors, members: Members
) -> tuple[tuple[EpochDescriptor, ...], tuple[Doubt, ...]]:
    held = {anchor.epoch: anchor for anchor in anchors.epochs}
    believed: dict[int, EpochDescriptor] = {e: held[e].descriptor for e in held}
    doubts: list[Doubt] = []
    for envelope in envelopes:
        if any(envelope == anchor.envelope for anchor in anchors.epochs):
            continue
        read = _signed_epoch(envelope, anchors.partnership, members)
        if isinstance(read, Doubt):
            doubts.append(read)
            continue
        signer, descriptor = read
        if descriptor.epoch in held:
            doubts.append(
                Doubt(
                    signer,
                    f"The index lists another descriptor of epoch {descriptor.epoch} than the one "
                    f"that was handed over. We keep to ours: phone {signer} and the steward.",
                )
            )
            continue
        believed.setdefault(descriptor.epoch, descriptor)
    newest_first = sorted(believed.values(), key=lambda told: told.epoch, reverse=True)
    return tuple(newest_first), tuple(doubts)


def _signed_epoch(
    envelope: Envelope, partnership: str, members: Members
) -> tuple[str, EpochDescriptor] | Doubt:
    """Return who signed the descriptor, and the descriptor."""
    for agency, member in members.items():
        try:
            descriptor = membership.read_signed(member, envelope, EpochDescriptor)
        except BadEnvelope:
            continue
        if descriptor.partnership == partnership:
            return agency, descriptor
    return Doubt(
        "(epoch)", "An epoch that the index lists is not used. No member we know has signed it."
    )
