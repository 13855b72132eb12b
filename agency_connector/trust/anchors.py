"""What this connector believes, all of it from a person's hand-over: keys, epochs, the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from agency_connector.trust import storage
from foundation.keyring import Keyring
from foundation.operator import OperatorError
from protocol import membership
from protocol.encoding import b64u_decode
from protocol.verifier_keys import read_verifier_key
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.handover import KnownMember


@dataclass(frozen=True, slots=True)
class EpochAnchor:
    """One epoch as it was handed over: what is needed to make tokens in it.

    `envelope` is the signed `descriptor`. `partnership_key` and the evaluator's keys are 32 bytes:
    `evaluator_public_key` the VOPRF key's ristretto255 element, `evaluator_signing_key` Ed25519.
    """

    descriptor: EpochDescriptor
    envelope: Envelope
    partnership_key: bytes = field(repr=False)

    @property
    def epoch(self) -> int:
        """The epoch's number."""
        return self.descriptor.epoch

    @property
    def evaluator_public_key(self) -> bytes:
        """The element under which the evaluator's proofs are checked."""
        return b64u_decode(self.descriptor.evaluator_public_key, 32)

    @property
    def evaluator_signing_key(self) -> bytes:
        """The key that the evaluator's responses are signed with."""
        return b64u_decode(self.descriptor.evaluator_signing_key, 32)


@dataclass(frozen=True, slots=True)
class Anchors:
    """Everything that is believed. `epochs` are newest first; `members` by agency, ours included.

    `publish_epoch` is the one that flags are published in: the newest, unless a person chose.
    """

    partnership: str
    agency: str
    index_key: bytes
    log_name: str
    log_key: bytes
    witness_policy: str
    members: Mapping[str, KnownMember]
    epochs: tuple[EpochAnchor, ...]
    publish_epoch: int

    def epoch(self, number: int) -> EpochAnchor:
        """Return the anchor of epoch `number`; OperatorError if it was not handed over."""
        for anchor in self.epochs:
            if anchor.epoch == number:
                return anchor
        raise OperatorError(
            f"epoch {number} was not handed over to this connector: ask a member to run "
            f"`agency-connector handover send {self.agency} --epoch {number}`"
        )

    def signing_key_of(self, agency: str) -> bytes | None:
        """Return the believed Ed25519 key of `agency`, 32 bytes, or None if nobody vouched."""
        member = self.members.get(agency)
        return None if member is None else membership.signing_key_of(member.keys)


def partnership_secret(epoch: int) -> str:
    """Return the name in the keyring of the partnership key of `epoch`."""
    return f"partnership-{epoch}"


def load(connection: Connection, keyring: Keyring) -> Anchors:
    """Return the anchors; OperatorError if not enrolled or nothing was handed over yet."""
    enrolled = storage.require_enrolment(connection)
    pinned = storage.pins(connection)
    epochs = storage.epochs(connection)
    if pinned is None or not epochs:
        raise OperatorError(
            "nobody has handed over to this connector yet: ask a member to send a hand-over, then "
            "run `agency-connector handover receive` (the first agency of a partnership runs "
            "`agency-connector epoch found`)"
        )
    log_name, log_key = read_verifier_key(pinned.log_key)
    if any(partnership_secret(row.epoch) not in keyring.names() for row in epochs):
        keyring.refresh()  # a command has received or opened an epoch while this program ran
    newest_first = sorted(epochs, key=lambda row: row.epoch, reverse=True)
    chosen = [row.epoch for row in epochs if row.publishing]
    return Anchors(
        partnership=enrolled.partnership,
        agency=enrolled.agency,
        index_key=enrolled.index_key,
        log_name=log_name,
        log_key=log_key,
        witness_policy=pinned.witness_policy,
        members=storage.members(connection),
        epochs=tuple(
            EpochAnchor(
                descriptor=row.descriptor,
                envelope=row.envelope,
                partnership_key=keyring.get(partnership_secret(row.epoch)),
            )
            for row in newest_first
        ),
        publish_epoch=chosen[0] if chosen else newest_first[0].epoch,
    )
