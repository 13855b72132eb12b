"""Hand-over by a person: to a newcomer after comparing digits, to a believed member without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agency_connector.installation import Installation
from agency_connector.receipts import acknowledged
from agency_connector.terminal import Ask
from agency_connector.trust import directory, storage
from agency_connector.trust.anchors import Anchors, partnership_secret
from agency_connector.trust.comparing import compare, fingerprint_of
from agency_connector.trust.directory import ListedAgency, PartnershipView
from agency_connector.trust.storage import EnrolmentRow, PinsRow
from agency_connector.witness import policy
from foundation.operator import OperatorError
from protocol import documents
from protocol import handover as packages
from protocol.encoding import b64u_decode, b64u_encode
from protocol.envelopes import BadEnvelope
from protocol.handover import BadHandover
from protocol.verifier_keys import BadVerifierKey, read_verifier_key, verifier_key
from schemas.agencies import AgencyKeys, Introduction, Signed
from schemas.envelopes import Envelope
from schemas.handover import HandoverContents, HandoverInbox, HandoverPackage, KnownMember
from schemas.operations import INTRODUCE, RECEIVE_HANDOVERS, SEND_HANDOVER


@dataclass(frozen=True, slots=True)
class Sent:
    """A package was left for `recipient`; `compared` says whether digits were needed."""

    recipient: KnownMember
    epoch: int
    compared: bool


@dataclass(frozen=True, slots=True)
class Received:
    """Packages were opened and believed; `kept_ours` are members whose keys they gave otherwise."""

    epochs: tuple[int, ...]
    senders: tuple[str, ...]
    kept_ours: tuple[str, ...]


def send(installation: Installation, agency: str, epoch: int | None, ask: Ask) -> Sent:
    """Hand over `epoch` (None: the one we publish in) to `agency`, and introduce it if it is new.

    Raises DigitsDiffer if the newcomer's person reads out other digits than those of the keys that
    the index lists, OperatorError if it is not enrolled or listed with other keys than we know.
    """
    if agency == installation.agency:
        raise OperatorError("this is our own agency: name the one to hand over to")
    view = directory.refresh(installation)
    anchors = installation.anchors()
    anchor = anchors.epoch(anchors.publish_epoch if epoch is None else epoch)
    listed, listed_keys = _listed(view, agency)
    recipient = anchors.members.get(agency)
    newcomer = recipient is None
    if recipient is None:
        recipient = _compared_newcomer(listed, listed_keys, ask)
    elif listed_keys != recipient.keys:
        raise OperatorError(
            f"the index lists other keys for {agency} than those we know, so nothing was sent: "
            f"someone may be in the middle; phone {agency} and the steward"
        )
    contents = HandoverContents(
        partnership_key=b64u_encode(anchor.partnership_key),
        epoch_descriptor=anchor.envelope,
        index_key=b64u_encode(anchors.index_key),
        log_key=verifier_key(anchors.log_name, anchors.log_key),
        witness_policy=anchors.witness_policy,
        members=tuple({**anchors.members, agency: recipient}.values()),
    )
    package = packages.pack(
        contents,
        partnership=anchors.partnership,
        epoch=anchor.epoch,
        sender=installation.agency,
        sender_keys=installation.keys,
        recipient=agency,
        recipient_keys=recipient.keys,
        signed_at=installation.clock(),
        key=installation.signing_key,
    )
    client = installation.index()
    try:
        if agency not in view.introduced:
            introduction = _introduction(installation, anchors, recipient)
            told = client.call(INTRODUCE, Signed(document=introduction))
            acknowledged.keep(installation, "introduction", introduction, told)
        told = client.call(SEND_HANDOVER, Signed(document=package))
        acknowledged.keep(installation, "hand-over", package, told)
    finally:
        client.close()
    if newcomer:
        with installation.database.write() as connection:
            believed = {**storage.members(connection), agency: recipient}
            storage.believe(connection, believed, installation.clock())
    return Sent(recipient=recipient, epoch=anchor.epoch, compared=newcomer)


def receive(installation: Installation, sender: str | None, ask: Ask) -> Received:
    """Open the newest package for each epoch not held yet, from `sender` or from anybody.

    A sender whose keys are not believed yet has to be compared by phone. Raises DigitsDiffer, and
    OperatorError if a package is not what it should be; then nothing of that package is believed.
    """
    client = installation.index()
    try:
        inbox: HandoverInbox = client.call(RECEIVE_HANDOVERS)
    finally:
        client.close()
    epochs: list[int] = []
    senders: list[str] = []
    kept_ours: set[str] = set()
    for package, envelope in _newest(installation, inbox.packages, sender):
        with installation.database.read() as connection:
            enrolled = storage.require_enrolment(connection)
            believed = storage.members(connection).get(package.sender)
        sender_keys = _sender_keys(package, believed, ask)
        try:
            opened = packages.unpack(
                envelope,
                partnership=enrolled.partnership,
                recipient=installation.agency,
                recipient_keys=installation.keys,
                sender_keys=sender_keys,
                sealing_key=installation.sealing_key,
            )
            contents = opened[1]
            _require_fitting(installation, enrolled, package, contents)
        except BadHandover as error:
            raise OperatorError(
                f"the hand-over from {package.sender} was not taken: {error} Ask its person to "
                "send it again, and tell the steward if that does not help"
            ) from None
        kept_ours |= _believe(installation, enrolled, package, contents)
        epochs.append(package.epoch)
        senders.append(package.sender)
    return Received(tuple(epochs), tuple(dict.fromkeys(senders)), tuple(sorted(kept_ours)))


def _listed(view: PartnershipView, agency: str) -> tuple[ListedAgency, AgencyKeys]:
    """Return the agency to which something can be handed over, with the keys that are listed."""
    listed = view.agencies.get(agency)
    if listed is None:
        raise OperatorError(
            f"the index lists no agency {agency}: check the name, or ask the steward to register it"
        )
    if listed.listed_keys is None:
        raise OperatorError(
            f"{agency} has not enrolled yet: its person runs `agency-connector enrol` first"
        )
    if listed.status != "active":
        raise OperatorError(f"{agency} is suspended at the index: ask the steward why")
    return listed, listed.listed_keys


def _compared_newcomer(listed: ListedAgency, keys: AgencyKeys, ask: Ask) -> KnownMember:
    who = f"{listed.name} ({listed.agency}, {listed.role})"
    compare(ask, who, fingerprint_of(keys))
    return KnownMember(agency=listed.agency, name=listed.name, role=listed.role, keys=keys)


def _introduction(installation: Installation, anchors: Anchors, recipient: KnownMember) -> Envelope:
    return documents.sign(
        Introduction(
            partnership=anchors.partnership,
            introducer=installation.agency,
            agency=recipient.agency,
            name=recipient.name,
            role=recipient.role,
            keys=recipient.keys,
            signed_at=installation.clock(),
        ),
        installation.signing_key,
    )


def _newest(
    installation: Installation, waiting: Sequence[Envelope], sender: str | None
) -> list[tuple[HandoverPackage, Envelope]]:
    """Return for each epoch not held the newest package that claims to be for us, oldest first."""
    with installation.database.read() as connection:
        held = {row.epoch for row in storage.epochs(connection)}
    newest: dict[int, tuple[HandoverPackage, Envelope]] = {}
    for envelope in waiting:
        try:
            package = documents.claimed(envelope, HandoverPackage)
        except BadEnvelope:
            continue
        wanted = sender in (None, package.sender) and package.recipient == installation.agency
        if wanted and package.epoch not in held:
            newest[package.epoch] = (package, envelope)
    return [newest[epoch] for epoch in sorted(newest)]


def _sender_keys(package: HandoverPackage, believed: KnownMember | None, ask: Ask) -> AgencyKeys:
    """Return the sender's keys as believed, or as its person has just read them out."""
    if believed is None:
        compare(ask, f"the person at {package.sender}", fingerprint_of(package.sender_keys))
        return package.sender_keys
    return believed.keys


def _require_fitting(
    installation: Installation,
    enrolled: EnrolmentRow,
    package: HandoverPackage,
    contents: HandoverContents,
) -> None:
    """Raise BadHandover unless the contents agree with what is pinned and with each other."""
    if b64u_decode(contents.index_key, 32) != enrolled.index_key:
        raise BadHandover("It names another key of the index than the enrolment code did.")
    try:
        read_verifier_key(contents.log_key)
    except BadVerifierKey as error:
        raise BadHandover(f"Its log key cannot be used. {error}") from error
    try:
        policy.require_fitting(contents.witness_policy, contents.log_key)
    except OperatorError as error:
        raise BadHandover(f"Its witness policy cannot be used: {error}.") from error
    with installation.database.read() as connection:
        pinned = storage.pins(connection)
    if pinned is not None and pinned.log_key != contents.log_key:
        raise BadHandover(
            f"It names another log key, of {contents.log_key.partition('+')[0]}, than the one that "
            f"is pinned here, of {pinned.log_key.partition('+')[0]}. If a successor was opened, "
            "whoever has not done so runs `agency-connector log successor` first."
        )
    by_agency = {member.agency: member for member in contents.members}
    if len(by_agency) != len(contents.members):
        raise BadHandover("It names a member twice.")
    named = by_agency.get(package.sender)
    if named is None or named.keys != package.sender_keys:
        raise BadHandover("It does not name its own sender among the members.")
    own = by_agency.get(installation.agency)
    if own is not None and own.keys != installation.keys:
        raise BadHandover("It names other keys of ours than those we have.")


def _believe(
    installation: Installation,
    enrolled: EnrolmentRow,
    package: HandoverPackage,
    contents: HandoverContents,
) -> set[str]:
    """Take over the contents in one transaction; return whose keys were kept against them.

    The partnership key is in the keyring before the database says that the epoch is held, so a
    crash leaves at most a key that the repeated command writes again.
    """
    installation.keyring.put(
        partnership_secret(package.epoch), b64u_decode(contents.partnership_key, 32)
    )
    now = installation.clock()
    with installation.database.write() as connection:
        handed = {member.agency: member for member in contents.members}
        known: Mapping[str, KnownMember] = storage.members(connection)
        ourselves = known.get(installation.agency)
        own = KnownMember(
            agency=installation.agency,
            name=installation.settings.agency.name,
            role=enrolled.role,
            keys=installation.keys,
            earlier=() if ourselves is None else ourselves.earlier,
        )
        storage.believe(connection, {**handed, **known, own.agency: own}, now)
        if storage.pins(connection) is None:
            storage.keep_pins(
                connection, PinsRow(contents.log_key, contents.witness_policy, package.sender, now)
            )
        storage.hold_epoch(connection, package.epoch, contents.epoch_descriptor, now)
    return {
        agency
        for agency, member in handed.items()
        if agency in known and known[agency].keys != member.keys
    }
