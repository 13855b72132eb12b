"""An index that lies: it signs every answer with its true key, and still succeeds in nothing.

It may swap keys, desks, descriptors and packages for ones of its own making. Each test has it lie
in one place and looks at what the connector believes, shows and sends.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from agency_connector.installation import Installation
from agency_connector.transport import NotGenuine
from agency_connector.trust import directory, epochs, handover, own_desks, standing
from agency_connector.trust.comparing import DigitsDiffer
from foundation.operator import OperatorError
from protocol import documents
from protocol import handover as packages
from protocol.encoding import b64u_encode
from protocol.epochs import partnership_key_fingerprint
from protocol.keys import SealingKey, SigningKey
from protocol.verifier_keys import verifier_key
from schemas.agencies import AgencyKeys, Desk, Directory, Introduction, KeyChange
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.handover import HandoverContents, HandoverInbox, HandoverPackage, KnownMember
from schemas.operations import EVALUATOR_IDENTITY
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import swapped

FAKE = SigningKey.from_bytes(b"\x07" * 32)
FAKE_SEALING = SealingKey.from_bytes(b"\x08" * 32)
FAKE_KEYS = AgencyKeys(signing=b64u_encode(FAKE.public), sealing=b64u_encode(FAKE_SEALING.public))


# What is believed does not depend on the kind of database.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


def add_desk(installation: Installation, phone: str = "0161 496 0000") -> None:
    """Write a desk into connector.toml and publish it."""
    path = installation.home / "connector.toml"
    text = path.read_text().partition("[[desks]]\nid")[0]
    path.write_text(
        text + f'[[desks]]\nid = "front"\nname = "Front desk"\nphone = "{phone}"\n'
        'hours = ["mon-fri 09:00-17:00"]\n'
    )
    again = Installation.open(installation.home, clock=installation.clock)
    own_desks.sign_all(again)
    again.close()


@pytest.fixture
def founder(town: Town) -> Installation:
    return town.founded("oakshire")


@pytest.fixture
def member(town: Town, founder: Installation) -> Installation:
    member = town.joined("elmham", founder)
    add_desk(member)
    return member


def lie_in_directory(town: Town, **fields: Callable[[Any], Any]) -> None:
    """Have the index change these fields of the directory."""

    def lie(honest: Directory) -> Directory:
        changed = {name: change(getattr(honest, name)) for name, change in fields.items()}
        return msgspec.structs.replace(honest, **changed)

    town.index.lies["directory"] = lie


def forged_desk(honest: Envelope, phone: str, key: SigningKey = FAKE) -> Envelope:
    desk = documents.claimed(honest, Desk)
    return documents.sign(msgspec.structs.replace(desk, phone=phone, version=9), key)


def with_keys(agency: str, keys: AgencyKeys) -> Callable[[Any], Any]:
    return lambda listed: tuple(
        msgspec.structs.replace(one, keys=keys) if one.agency == agency else one for one in listed
    )


def sentences(view: directory.PartnershipView) -> str:
    return " ".join(doubt.sentence for doubt in view.doubts)


def test_an_honest_index_raises_no_doubt(
    town: Town, founder: Installation, member: Installation
) -> None:
    """The control: without a lie the desk is shown and nothing is doubted."""
    view = directory.refresh(founder)
    assert view.doubts == ()
    assert view.desks["elmham", "front"].phone == "0161 496 0000"
    assert directory.last_seen(founder) == view


def test_swapped_keys_of_a_member_are_not_believed(
    town: Town, founder: Installation, member: Installation
) -> None:
    lie_in_directory(town, agencies=with_keys("elmham", FAKE_KEYS))
    view = directory.refresh(founder)
    assert founder.anchors().signing_key_of("elmham") == member.signing_key.public
    assert "other keys for elmham" in sentences(view)


def test_swapped_keys_and_a_desk_signed_with_them_show_no_false_phone_number(
    town: Town, founder: Installation, member: Installation
) -> None:
    lie_in_directory(
        town,
        agencies=with_keys("elmham", FAKE_KEYS),
        introductions=lambda all_of: (
            *all_of[:1],
            documents.sign(
                msgspec.structs.replace(documents.claimed(all_of[1], Introduction), keys=FAKE_KEYS),
                FAKE,
            ),
        ),
        desks=lambda desks: tuple(forged_desk(desk, "0999 999 9999") for desk in desks),
    )
    view = directory.refresh(founder)
    assert ("elmham", "front") not in view.desks
    assert founder.anchors().signing_key_of("elmham") == member.signing_key.public
    assert "has not signed it with the key we know" in sentences(view)


def test_a_desk_signed_with_another_members_key_is_not_shown(
    town: Town, founder: Installation, member: Installation
) -> None:
    """A member that conspires with the index cannot speak for another."""
    lie_in_directory(
        town,
        desks=lambda desks: tuple(
            forged_desk(desk, "0999 999 9999", founder.signing_key) for desk in desks
        ),
    )
    assert directory.refresh(founder).desks == {}


def test_a_desk_with_a_changed_number_under_its_old_signature_is_not_shown(
    town: Town, founder: Installation, member: Installation
) -> None:
    def change(desks: tuple[Envelope, ...]) -> tuple[Envelope, ...]:
        return tuple(
            msgspec.structs.replace(desk, payload=forged_desk(desk, "0999 999 9999").payload)
            for desk in desks
        )

    lie_in_directory(town, desks=change)
    assert directory.refresh(founder).desks == {}


def test_an_old_version_of_a_desk_does_not_come_back(
    town: Town, founder: Installation, member: Installation
) -> None:
    old = town.index.desks["elmham", "front"]
    add_desk(member, "0161 496 0111")
    assert directory.refresh(founder).desks["elmham", "front"].phone == "0161 496 0111"
    lie_in_directory(town, desks=lambda _: (old,))
    view = directory.refresh(founder)
    assert view.desks["elmham", "front"].phone == "0161 496 0111"
    assert "another version" in sentences(view)
    assert directory.verified_desk(old, founder.anchors(), view) is None


def test_a_desk_that_comes_with_an_answer_is_verified_too(
    town: Town, founder: Installation, member: Installation
) -> None:
    view = directory.refresh(founder)
    honest = town.index.desks["elmham", "front"]
    assert directory.verified_desk(honest, founder.anchors(), view) == view.desks["elmham", "front"]
    forged = forged_desk(honest, "0999 999 9999")
    assert directory.verified_desk(forged, founder.anchors(), view) is None


def test_an_invented_agency_is_not_believed(town: Town, founder: Installation) -> None:
    invented = Introduction(
        partnership="northgate", introducer="oakshire", agency="phantom", name="Phantom",
        role="member", keys=FAKE_KEYS, signed_at=1,
    )  # fmt: skip
    town.index.register("phantom", "Phantom")
    lie_in_directory(
        town,
        agencies=with_keys("phantom", FAKE_KEYS),
        introductions=lambda honest: (*honest, documents.sign(invented, FAKE)),
    )
    view = directory.refresh(founder)
    assert not view.agencies["phantom"].believed
    assert "vouched for by nobody" in sentences(view)
    assert "phantom" not in founder.anchors().members


def test_a_forged_change_of_keys_is_not_followed(
    town: Town, founder: Installation, member: Installation
) -> None:
    forged = KeyChange(
        partnership="northgate", agency="elmham", old_key=member.signing_key.key_id,
        keys=FAKE_KEYS, signed_at=1,
    )  # fmt: skip
    lie_in_directory(town, key_changes=lambda _: (documents.sign(forged, FAKE),))
    directory.refresh(founder)
    assert founder.anchors().signing_key_of("elmham") == member.signing_key.public


def test_another_descriptor_of_an_epoch_does_not_change_the_evaluators_key(
    town: Town, founder: Installation, member: Installation
) -> None:
    """Not even one that a member has signed: the evaluator's key comes from the hand-over."""
    true = member.anchors().epoch(1)
    for key in (FAKE, founder.signing_key):
        other = msgspec.structs.replace(
            true.descriptor, evaluator_public_key=b64u_encode(b"x" * 32)
        )
        lie_in_directory(town, epochs=lambda _, o=other, k=key: (documents.sign(o, k),))
        view = directory.refresh(member)
        assert member.anchors().epoch(1) == true
        assert view.epochs == (true.descriptor,)
        assert "epoch" in sentences(view)


def test_another_evaluator_is_not_believed(town: Town, member: Installation) -> None:
    town.evaluator.key = FAKE
    with pytest.raises(NotGenuine):
        member.evaluator(member.anchors().epochs[0]).call(EVALUATOR_IDENTITY)


@pytest.mark.parametrize(
    "other",
    [{"sealing": FAKE_SEALING.public}, {"signing": FAKE.public},
     {"sealing": FAKE_SEALING.public, "signing": FAKE.public}],
)  # fmt: skip
def test_nothing_is_sealed_to_swapped_keys_of_a_newcomer(
    town: Town, founder: Installation, other: dict[str, bytes]
) -> None:
    """The digits that the newcomer's person reads out are those of its own keys."""
    newcomer = town.enrolled("elmham")
    lie_in_directory(town, agencies=with_keys("elmham", swapped(newcomer.keys, **other)))
    with pytest.raises(DigitsDiffer):
        handover.send(founder, "elmham", None, town.typing(town.digits(newcomer)))
    assert town.index.packages == []
    assert "elmham" not in founder.anchors().members
    assert len(town.index.introductions) == 1


def test_nothing_is_sealed_to_swapped_keys_of_a_member(
    town: Town, founder: Installation, member: Installation
) -> None:
    """A later epoch goes to believed members without digits, so a difference must stop it."""
    before = list(town.index.packages)
    lie_in_directory(
        town, agencies=with_keys("elmham", swapped(member.keys, sealing=FAKE_SEALING.public))
    )
    with pytest.raises(OperatorError, match="nothing was sent"):
        handover.send(founder, "elmham", None, town.typing())
    assert town.index.packages == before


def forged_package(town: Town, recipient: Installation, **sender: Any) -> Envelope:
    """A package of the index's own making, with a partnership key that it knows."""
    key = bytes(32)
    descriptor = EpochDescriptor(
        partnership="northgate", epoch=1, scheme="1",
        evaluator_public_key=b64u_encode(b"e" * 32), evaluator_signing_key=b64u_encode(FAKE.public),
        partnership_key_fingerprint=partnership_key_fingerprint(key), opens_at=0, closes_at=2**50,
    )  # fmt: skip
    keys: AgencyKeys = sender.get("keys", FAKE_KEYS)
    fake_member = KnownMember(agency="oakshire", name="Oakshire", role="member", keys=FAKE_KEYS)
    contents = HandoverContents(
        partnership_key=b64u_encode(key),
        epoch_descriptor=documents.sign(descriptor, FAKE),
        index_key=b64u_encode(town.index.key.public),
        log_key=town.index.log_vkey,
        witness_policy="",
        members=(msgspec.structs.replace(fake_member, keys=keys),
                 msgspec.structs.replace(fake_member, agency="fake")),
    )  # fmt: skip
    return packages.pack(
        contents, partnership="northgate", epoch=1, sender="oakshire", sender_keys=keys,
        recipient=recipient.agency, recipient_keys=recipient.keys, signed_at=1, key=FAKE,
    )  # fmt: skip


@pytest.mark.parametrize("claimed", ["its own keys", "the sender's keys"])
def test_a_newcomer_takes_no_package_that_the_index_made(
    town: Town, founder: Installation, claimed: str
) -> None:
    """The digits that the member's person reads out are of keys that the index does not have."""
    newcomer = town.enrolled("elmham")
    handover.send(founder, "elmham", None, town.typing(town.digits(newcomer)))
    keys = FAKE_KEYS if claimed == "its own keys" else founder.keys
    package = forged_package(town, newcomer, keys=keys)
    town.index.lies["receive-handovers"] = lambda _: HandoverInbox(packages=(package,))
    with pytest.raises(OperatorError, match=r"in the middle|not signed by the member"):
        handover.receive(newcomer, None, town.typing(town.digits(founder)))
    with pytest.raises(OperatorError, match="nobody has handed over"):
        newcomer.anchors()


def test_a_package_with_the_senders_keys_swapped_inside_is_not_taken(
    town: Town, founder: Installation
) -> None:
    newcomer = town.enrolled("elmham")
    handover.send(founder, "elmham", None, town.typing(town.digits(newcomer)))

    def swap(inbox: HandoverInbox) -> HandoverInbox:
        package = documents.claimed(inbox.packages[0], HandoverPackage)
        return HandoverInbox(
            packages=(
                documents.sign(msgspec.structs.replace(package, sender_keys=FAKE_KEYS), FAKE),
            )
        )

    town.index.lies["receive-handovers"] = swap
    with pytest.raises(DigitsDiffer):
        handover.receive(newcomer, None, town.typing(town.digits(founder)))
    with pytest.raises(OperatorError, match="nobody has handed over"):
        newcomer.anchors()


def conspiring_package(founder: Installation, member: Installation, **swaps: Any) -> Envelope:
    """A package for a later epoch from a true member, with some contents swapped."""
    key = b"\x05" * 32
    anchors = founder.anchors()
    descriptor = msgspec.structs.replace(
        anchors.epochs[0].descriptor, epoch=2,
        partnership_key_fingerprint=partnership_key_fingerprint(key),
    )  # fmt: skip
    contents = HandoverContents(
        partnership_key=b64u_encode(key),
        epoch_descriptor=documents.sign(descriptor, founder.signing_key),
        index_key=b64u_encode(anchors.index_key),
        log_key=verifier_key(anchors.log_name, anchors.log_key),
        witness_policy="",
        members=tuple(anchors.members.values()),
    )
    return packages.pack(
        msgspec.structs.replace(contents, **swaps), partnership="northgate", epoch=2,
        sender=founder.agency, sender_keys=founder.keys, recipient=member.agency,
        recipient_keys=member.keys, signed_at=1, key=founder.signing_key,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("swaps", "says"),
    [
        ({"log_key": verifier_key("northgate.ifi-log", FAKE.public)}, "another log key"),
        ({"index_key": b64u_encode(FAKE.public)}, "another key of the index"),
        ({"partnership_key": b64u_encode(b"\x06" * 32)}, "not the one of epoch 2"),
    ],
)
def test_even_a_members_package_cannot_replace_what_is_pinned(
    town: Town, founder: Installation, member: Installation, swaps: dict[str, Any], says: str
) -> None:
    before = member.anchors()
    package = conspiring_package(founder, member, **swaps)
    town.index.lies["receive-handovers"] = lambda _: HandoverInbox(packages=(package,))
    with pytest.raises(OperatorError, match=says):
        handover.receive(member, None, town.typing())
    assert member.anchors() == before


def test_a_members_package_does_not_replace_a_known_members_keys(
    town: Town, founder: Installation, member: Installation
) -> None:
    third = town.joined("ashby", founder)
    directory.refresh(member)
    others = tuple(
        msgspec.structs.replace(one, keys=FAKE_KEYS) if one.agency == "ashby" else one
        for one in founder.anchors().members.values()
    )
    package = conspiring_package(founder, member, members=others)
    town.index.lies["receive-handovers"] = lambda _: HandoverInbox(packages=(package,))
    assert handover.receive(member, None, town.typing()).kept_ours == ("ashby",)
    assert member.anchors().signing_key_of("ashby") == third.signing_key.public


def test_a_swapped_log_key_is_found_when_the_partnership_is_founded(town: Town) -> None:
    founder = town.enrolled("oakshire")
    true_digits = town.index.digits()
    town.index.log = FAKE
    with pytest.raises(DigitsDiffer):
        epochs.found(founder, town.typing(true_digits, town.evaluator.digits()), 2**50)
    assert town.index.epochs == []


def test_a_log_key_that_is_swapped_later_is_told_and_not_taken(
    town: Town, founder: Installation
) -> None:
    before = founder.anchors().log_key
    town.index.log = FAKE
    told = [line for line in standing.lines(founder) if line.about == "log"]
    assert not told[0].good
    assert founder.anchors().log_key == before


def test_a_swapped_evaluator_is_found_when_an_epoch_is_opened(
    town: Town, founder: Installation
) -> None:
    true_digits = town.evaluator.digits(2)
    town.evaluator.publics[2] = b"\x09" * 32
    with pytest.raises(DigitsDiffer):
        epochs.open_later(founder, 2, town.typing(true_digits), 2**50)
    assert [anchor.epoch for anchor in founder.anchors().epochs] == [1]


def test_an_index_that_calls_itself_another_partnership_changes_nothing(
    town: Town, founder: Installation
) -> None:
    lie_in_directory(town, partnership=lambda _: "southgate")
    with pytest.raises(OperatorError, match="nothing was taken over"):
        directory.refresh(founder)
