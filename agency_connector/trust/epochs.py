"""Opening epochs: the founder's first one, later ones, and which one flags are published in."""

import secrets
from dataclasses import dataclass

from agency_connector.installation import Installation
from agency_connector.matching.scheme import SCHEME
from agency_connector.receipts import acknowledged
from agency_connector.terminal import Ask
from agency_connector.transport import Refused, SignedClient
from agency_connector.trust import storage
from agency_connector.trust.anchors import partnership_secret
from agency_connector.trust.comparing import compare
from agency_connector.trust.storage import EnrolmentRow, PinsRow
from foundation.operator import OperatorError
from protocol import documents
from protocol.encoding import b64u_decode
from protocol.envelopes import BadEnvelope
from protocol.epochs import PARTNERSHIP_KEY_BYTES, partnership_key_fingerprint
from protocol.fingerprints import fingerprint40
from protocol.verifier_keys import BadVerifierKey, read_verifier_key
from schemas.agencies import Directory, IndexIdentity, Introduction, Signed
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.evaluation import EvaluatorIdentity
from schemas.handover import KnownMember
from schemas.operations import (
    DIRECTORY,
    EVALUATOR_IDENTITY,
    INDEX_IDENTITY,
    INTRODUCE,
    OPEN_EPOCH,
)

FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True)
class _EvaluatorKeys:
    signing: str
    public: str


def found(installation: Installation, ask: Ask, closes_at: int) -> EpochDescriptor:
    """Found the partnership: compare the operators' keys by phone, make its key and epoch 1.

    `closes_at` is in ms UTC. May be repeated after a crash. Raises DigitsDiffer if the digits are
    not those of the keys at hand, OperatorError if somebody else has founded it.
    """
    with installation.database.read() as connection:
        enrolled = storage.require_enrolment(connection)
        pinned = storage.pins(connection)
        held = {row.epoch: row.envelope for row in storage.epochs(connection)}
    if pinned is not None and pinned.handed_over_by != installation.agency:
        raise OperatorError(
            f"{pinned.handed_over_by} has handed over to this agency: the partnership is founded, "
            "and a later epoch is opened with `agency-connector epoch open`"
        )
    index = installation.index()
    try:
        directory: Directory = index.call(DIRECTORY)
        introduced = _is_introduced(installation, directory)
        if pinned is None or FIRST_EPOCH not in held:
            log_key = _compared_log_key(index.call(INDEX_IDENTITY), enrolled, ask)
            evaluator = _compared_evaluator(installation, enrolled.partnership, FIRST_EPOCH, ask)
            if not introduced:
                introduction = _own_introduction(installation, enrolled)
                told = index.call(INTRODUCE, Signed(document=introduction))
                acknowledged.keep(installation, "introduction", introduction, told, log=log_key)
            held[FIRST_EPOCH] = _make_epoch(
                installation, enrolled.partnership, FIRST_EPOCH, evaluator, closes_at,
                founding=(log_key, enrolled),
            )  # fmt: skip
        if held[FIRST_EPOCH] not in directory.epochs:
            told = index.call(OPEN_EPOCH, Signed(document=held[FIRST_EPOCH]))
            acknowledged.keep(installation, "epoch", held[FIRST_EPOCH], told)
    finally:
        index.close()
    return documents.claimed(held[FIRST_EPOCH], EpochDescriptor)


def open_later(installation: Installation, epoch: int, ask: Ask, closes_at: int) -> EpochDescriptor:
    """Open `epoch` with a new partnership key and the evaluator's new key, compared by phone.

    May be repeated after a crash. If the index refuses the epoch it is not held either.
    """
    anchors = installation.anchors()
    held = {anchor.epoch: anchor.envelope for anchor in anchors.epochs}
    if epoch not in held:
        if epoch < anchors.epochs[0].epoch:
            raise OperatorError(
                f"epoch {anchors.epochs[0].epoch} is held already: open a later one"
            )
        evaluator = _compared_evaluator(installation, anchors.partnership, epoch, ask)
        held[epoch] = _make_epoch(installation, anchors.partnership, epoch, evaluator, closes_at)
    index = installation.index()
    try:
        if held[epoch] not in index.call(DIRECTORY).epochs:
            told = index.call(OPEN_EPOCH, Signed(document=held[epoch]))
            acknowledged.keep(installation, "epoch", held[epoch], told)
    except Refused as refused:
        if refused.status < 500 and epoch not in {anchor.epoch for anchor in anchors.epochs}:
            forget(installation, epoch)
        raise
    finally:
        index.close()
    return documents.claimed(held[epoch], EpochDescriptor)


def use(installation: Installation, epoch: int | None) -> int:
    """Publish in `epoch` from now on; None for the newest that is held. Returns which it is."""
    anchors = installation.anchors()
    if epoch is not None:
        anchors.epoch(epoch)
    with installation.database.write() as connection:
        storage.publish_in(connection, epoch)
    return epoch or anchors.epochs[0].epoch


def forget(installation: Installation, epoch: int) -> None:
    """Hold `epoch` no longer: its partnership key is destroyed here.

    Raises OperatorError for the only epoch.
    """
    anchors = installation.anchors()
    anchors.epoch(epoch)
    if len(anchors.epochs) == 1:
        raise OperatorError(
            f"epoch {epoch} is the only one this connector holds: receive or open another first"
        )
    with installation.database.write() as connection:
        storage.forget_epoch(connection, epoch)
    installation.keyring.remove(partnership_secret(epoch))


def _is_introduced(installation: Installation, directory: Directory) -> bool:
    """Return whether the founder's introduction is ours; OperatorError if it is another's."""
    for envelope in directory.introductions:
        try:
            told = documents.read(envelope, Introduction, installation.signing_key.public)
        except BadEnvelope:
            continue
        if told.agency == installation.agency:
            return True
    if directory.introductions:
        raise OperatorError(
            "this partnership has been founded already: ask a member to run `agency-connector "
            f"handover send {installation.agency}`, then run `agency-connector handover receive`"
        )
    return False


def _compared_log_key(identity: IndexIdentity, enrolled: EnrolmentRow, ask: Ask) -> str:
    """Return the log's verifier key after the steward's person has read out the index's digits."""
    try:
        _, log_public = read_verifier_key(identity.log_key)
    except BadVerifierKey as error:
        raise OperatorError(f"the index's log key cannot be used: {error}") from None
    compare(
        ask,
        f"the steward, {enrolled.steward} (`index-service fingerprint`),",
        fingerprint40(enrolled.index_key, log_public),
    )
    return identity.log_key


def _compared_evaluator(
    installation: Installation, partnership: str, epoch: int, ask: Ask
) -> _EvaluatorKeys:
    """Return the evaluator's keys after its operator has read out their digits."""
    client = SignedClient(
        installation.settings.evaluator.url,
        f"evaluator/{partnership}",
        installation.signing_key,
        None,
        installation.clock,
    )
    try:
        identity: EvaluatorIdentity = client.meet(
            EVALUATOR_IDENTITY, lambda told: b64u_decode(told.signing_key, 32)
        )
    finally:
        client.close()
    if identity.partnership != partnership:
        raise OperatorError(
            f"the evaluator at {client.url} is that of {identity.partnership}, not of "
            f"{partnership}: correct evaluator.url in connector.toml"
        )
    for listed in identity.epochs:
        if listed.epoch == epoch:
            break
    else:
        raise OperatorError(
            f"the evaluator has no key for epoch {epoch} yet: ask its operator to make one"
        )
    compare(
        ask,
        f"the evaluator's operator (the digits of epoch {epoch})",
        fingerprint40(b64u_decode(identity.signing_key, 32), b64u_decode(listed.public_key, 32)),
    )
    return _EvaluatorKeys(signing=identity.signing_key, public=listed.public_key)


def _own_introduction(installation: Installation, enrolled: EnrolmentRow) -> Envelope:
    return documents.sign(
        Introduction(
            partnership=enrolled.partnership,
            introducer=installation.agency,
            agency=installation.agency,
            name=installation.settings.agency.name,
            role=enrolled.role,
            keys=installation.keys,
            signed_at=installation.clock(),
        ),
        installation.signing_key,
    )


def _make_epoch(
    installation: Installation,
    partnership: str,
    epoch: int,
    evaluator: _EvaluatorKeys,
    closes_at: int,
    founding: tuple[str, EnrolmentRow] | None = None,
) -> Envelope:
    """Make and hold the epoch's key and descriptor; with `founding` the first pins too.

    The key is in the keyring before the database says that the epoch is held.
    """
    key = secrets.token_bytes(PARTNERSHIP_KEY_BYTES)
    installation.keyring.put(partnership_secret(epoch), key)
    now = installation.clock()
    envelope = documents.sign(
        EpochDescriptor(
            partnership=partnership,
            epoch=epoch,
            scheme=SCHEME,
            evaluator_public_key=evaluator.public,
            evaluator_signing_key=evaluator.signing,
            partnership_key_fingerprint=partnership_key_fingerprint(key),
            opens_at=now,
            closes_at=closes_at,
        ),
        installation.signing_key,
    )
    with installation.database.write() as connection:
        if founding is not None:
            log_key, enrolled = founding
            storage.keep_pins(connection, PinsRow(log_key, "", installation.agency, now))
            own = KnownMember(
                agency=installation.agency,
                name=installation.settings.agency.name,
                role=enrolled.role,
                keys=installation.keys,
            )
            storage.believe(connection, {own.agency: own}, now)
        storage.hold_epoch(connection, epoch, envelope, now)
    return envelope
