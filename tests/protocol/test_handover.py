"""The hand-over package opens for its recipient, from the sender it was compared with, only."""

import secrets
from dataclasses import dataclass, replace

import pytest

from protocol import documents, handover
from protocol.encoding import b64u_encode
from protocol.epochs import partnership_key_fingerprint
from protocol.handover import BadHandover
from protocol.keys import SigningKey
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.handover import HandoverContents
from tests.protocol.members import AT, PARTNERSHIP, Someone

KEY = secrets.token_bytes(32)


@dataclass(frozen=True)
class Scene:
    """A sender, a recipient, and what the sender puts into the package."""

    sender: Someone
    recipient: Someone
    partnership_key: bytes = KEY
    fixed_key: bytes = KEY
    described_epoch: int = 1
    signer: SigningKey | None = None

    def descriptor(self) -> Envelope:
        document = EpochDescriptor(
            partnership=PARTNERSHIP,
            epoch=self.described_epoch,
            scheme="1",
            evaluator_public_key=b64u_encode(b"\x01" * 32),
            evaluator_signing_key=b64u_encode(b"\x02" * 32),
            partnership_key_fingerprint=partnership_key_fingerprint(self.fixed_key),
            opens_at=AT,
            closes_at=AT + 1,
        )
        return documents.sign(document, self.signer or self.sender.key)

    def package(self, recipient: Someone | None = None) -> Envelope:
        contents = HandoverContents(
            partnership_key=b64u_encode(self.partnership_key),
            epoch_descriptor=self.descriptor(),
            index_key=b64u_encode(b"\x03" * 32),
            log_key="log+00000000+" + "A" * 44,
            witness_policy="",
            members=(self.sender.known,),
        )
        return handover.pack(
            contents,
            partnership=PARTNERSHIP,
            epoch=1,
            sender=self.sender.name,
            sender_keys=self.sender.keys,
            recipient=self.recipient.name,
            recipient_keys=(recipient or self.recipient).keys,
            signed_at=AT,
            key=self.sender.key,
        )

    def unpack(
        self, package: Envelope, by: Someone | None = None, expected: Someone | None = None
    ) -> HandoverContents:
        reader = by or self.recipient
        _, contents, _ = handover.unpack(
            package,
            partnership=PARTNERSHIP,
            recipient=reader.name,
            recipient_keys=reader.keys,
            sender_keys=(expected or self.sender).keys,
            sealing_key=reader.sealing,
        )
        return contents


@pytest.fixture
def scene() -> Scene:
    return Scene(Someone("police"), Someone("council"))


def test_the_recipient_gets_what_was_put_in(scene: Scene) -> None:
    assert scene.unpack(scene.package()).partnership_key == b64u_encode(KEY)


def test_a_package_signed_by_another_key_is_refused(scene: Scene) -> None:
    with pytest.raises(BadHandover, match="spoke to"):
        scene.unpack(scene.package(), expected=Someone("police"))


def test_a_package_for_another_agency_is_refused(scene: Scene) -> None:
    with pytest.raises(BadHandover, match="this agency's keys"):
        scene.unpack(scene.package(), by=Someone("health"))


def test_a_package_sealed_to_swapped_keys_is_refused(scene: Scene) -> None:
    swapped = scene.package(recipient=Someone("council"))
    with pytest.raises(BadHandover, match="this agency's keys"):
        scene.unpack(swapped)


def test_a_partnership_key_that_the_descriptor_does_not_fix_is_refused(scene: Scene) -> None:
    other = replace(scene, fixed_key=secrets.token_bytes(32))
    with pytest.raises(BadHandover, match="not the one of epoch 1"):
        other.unpack(other.package())


def test_a_descriptor_signed_by_nobody_in_the_package_is_refused(scene: Scene) -> None:
    other = replace(scene, signer=SigningKey.generate())
    with pytest.raises(BadHandover, match="signed by nobody"):
        other.unpack(other.package())


def test_a_descriptor_of_another_epoch_is_refused(scene: Scene) -> None:
    other = replace(scene, described_epoch=2)
    with pytest.raises(BadHandover, match="another partnership or epoch"):
        other.unpack(other.package())


def test_what_is_sealed_is_bound_to_partnership_epoch_sender_and_recipient() -> None:
    told = {
        handover.info("a", 1, "b", "c"),
        handover.info("x", 1, "b", "c"),
        handover.info("a", 2, "b", "c"),
        handover.info("a", 1, "x", "c"),
        handover.info("a", 1, "b", "x"),
        handover.info("a", 1, "bc", ""),
    }
    assert len(told) == 6


def test_an_epoch_opened_with_a_key_replaced_since_is_handed_over(scene: Scene) -> None:
    old = scene.sender.key
    scene.sender.changes_keys()
    later = replace(scene, signer=old)
    known, scene.sender.earlier = scene.sender.earlier, ()
    with pytest.raises(BadHandover, match="signed by nobody"):
        later.unpack(later.package())
    scene.sender.earlier = known
    assert later.unpack(later.package()).partnership_key == b64u_encode(KEY)
