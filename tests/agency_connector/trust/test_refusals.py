"""Refusals of enrolment and of what was handed over, each with nothing else wrong."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete

from agency_connector.installation import Installation
from agency_connector.transport import NotGenuine, Refused
from agency_connector.trust import directory, handover, key_change, own_desks, storage
from agency_connector.trust.enrolment import enrol
from foundation.operator import OperatorError
from protocol import documents
from protocol import handover as packages
from protocol.encoding import b64u_encode
from protocol.handover import BadHandover
from protocol.keys import SealingKey, SigningKey
from schemas.agencies import AgencyKeys
from schemas.handover import HandoverContents
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import Refuse

replace = msgspec.structs.replace


def opened(town: Town, agency: str = "oakshire") -> Installation:
    return Installation.open(town.init(agency), clock=town.clock)


def second_time(**changed: Any) -> Callable[[Any], Any]:
    """A lie that is told from the second answer on."""
    asked: list[None] = []

    def lie(honest: Any) -> Any:
        asked.append(None)
        return honest if len(asked) == 1 else replace(honest, **changed)

    return lie


@pytest.mark.parametrize(
    "changed",
    [
        {"partnership": "southgate"},
        {"index_key": b64u_encode(SigningKey.from_bytes(b"\x07" * 32).public)},
    ],
    ids=["partnership", "index_key"],
)
def test_the_code_is_not_sent_to_an_index_of_two_accounts(
    town: Town, changed: dict[str, str]
) -> None:
    """What it said before it had to sign is what its key was looked up by."""
    installation = opened(town)
    town.index.lies["index-identity"] = second_time(**changed)
    with pytest.raises(NotGenuine, match="two accounts of itself, and the code was not sent"):
        enrol(installation, town.typing(town.codes["oakshire"]))
    assert "enrol" not in [name for name, _ in town.index.received]


@pytest.mark.parametrize("changed", [{"agency": "elmham"}, {"partnership": "southgate"}])
def test_an_enrolment_of_another_is_not_kept(town: Town, changed: dict[str, str]) -> None:
    installation = opened(town)
    town.index.lies["enrol"] = lambda honest: replace(honest, **changed)
    with pytest.raises(OperatorError, match="phone the steward"):
        enrol(installation, town.typing(town.codes["oakshire"]))
    with installation.database.read() as connection:
        assert storage.enrolment(connection) is None


def test_a_connector_without_epochs_was_handed_nothing(town: Town) -> None:
    """Half of a hand-over is none: what to do is the same, and nothing is guessed."""
    founder = town.founded("oakshire")
    with founder.database.write() as connection:
        storage.forget_epoch(connection, 1)
    with pytest.raises(OperatorError, match="nobody has handed over"):
        founder.anchors()


def test_a_connector_without_pins_was_handed_nothing(town: Town) -> None:
    founder = town.founded("oakshire")
    with founder.database.write() as connection:
        connection.execute(delete(storage._pins))
    with pytest.raises(OperatorError, match="nobody has handed over"):
        founder.anchors()


def test_a_partners_keyring_is_refused_before_anything_is_said_with_it(town: Town) -> None:
    founder = town.founded("oakshire")
    partner = town.joined("elmham", founder)
    asked = len(town.index.received)
    swapped = Installation(
        home=partner.home, settings=partner.settings, database=partner.database,
        keyring=partner.keyring, signing_key=founder.signing_key,
        sealing_key=founder.sealing_key, clock=partner.clock,
    )  # fmt: skip
    with pytest.raises(OperatorError, match="are those of oakshire, and this connector is that of"):
        swapped.anchors()
    assert len(town.index.received) == asked
    assert partner.anchors().agency == "elmham"


def refusing(status: int, code: str) -> Callable[[Any], Any]:
    """A lie that is a refusal: whatever was done, it was not."""

    def refuse(_: Any) -> Any:
        raise Refuse(status, code, "No.")

    return refuse


@pytest.mark.parametrize("code", ["unknown-key", "storage-unavailable"])
def test_new_keys_are_not_taken_over_until_the_index_has_them(town: Town, code: str) -> None:
    """An index that knows neither key, or says something else, leaves the old keys in force."""
    founder = town.founded("oakshire")
    status = 401 if code == "unknown-key" else 422
    town.index.lies["change-keys"] = refusing(status, code)
    if code == "unknown-key":
        town.index.lies["directory"] = refusing(401, "unknown-key")
    with pytest.raises(Refused) as refused:
        key_change.change(founder)
    assert refused.value.code == code
    assert Installation.open(founder.home, clock=town.clock).keys == founder.keys


def test_a_desk_that_the_index_refuses_is_not_signed_in_a_higher_version(town: Town) -> None:
    """Only a version that is known is settled by a higher one."""
    founder = town.founded("oakshire")
    path = founder.home / "connector.toml"
    path.write_text(
        path.read_text() + '[[desks]]\nid = "front"\nname = "Front desk"\nphone = "0161 496 0000"\n'
    )
    again = Installation.open(founder.home, clock=town.clock)
    town.index.lies["sign-desk"] = refusing(422, "category-in-name")
    with pytest.raises(Refused) as refused:
        own_desks.sign_all(again)
    assert refused.value.code == "category-in-name"
    assert [name for name, _ in town.index.received].count("sign-desk") == 1
    assert own_desks.unsigned(again) == ("front",)
    again.close()


def listed_as(agency: str, **changed: Any) -> Callable[[Any], Any]:
    """A directory in which one agency stands otherwise."""

    def lie(honest: Any) -> Any:
        agencies = tuple(
            replace(one, **changed) if one.agency == agency else one for one in honest.agencies
        )
        return replace(honest, agencies=agencies)

    return lie


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"keys": None}, "has not enrolled yet"), ({"status": "suspended"}, "is suspended")],
)
def test_nothing_is_handed_over_to_who_is_suspended_or_not_enrolled(
    town: Town, changed: dict[str, Any], says: str
) -> None:
    founder = town.founded("oakshire")
    town.enrolled("elmham")
    town.index.lies["directory"] = listed_as("elmham", **changed)
    with pytest.raises(OperatorError, match=says):
        handover.send(founder, "elmham", None, town.typing())
    assert "elmham" not in directory.refresh(founder).introduced
    assert "send-handover" not in [name for name, _ in town.index.received]


def test_before_the_directory_was_fetched_nothing_was_seen(town: Town) -> None:
    founder = town.founded("oakshire")
    with pytest.raises(OperatorError, match="has not been fetched yet"):
        directory.last_seen(founder)


def test_a_desk_that_came_with_an_answer_is_checked_like_a_listed_one(town: Town) -> None:
    """Each changed in one thing alone, and signed with the agency's own key."""
    founder = town.founded("oakshire")
    path = founder.home / "connector.toml"
    path.write_text(
        path.read_text() + '[[desks]]\nid = "front"\nname = "Front desk"\nphone = "0161 496 0000"\n'
    )
    again = Installation.open(founder.home, clock=town.clock)
    (signed,) = own_desks.sign_all(again)
    view, anchors = directory.refresh(again), again.anchors()
    key = again.signing_key

    def shown(**changed: Any) -> bool:
        envelope = documents.sign(replace(signed.desk, **changed), key)
        return directory.verified_desk(envelope, anchors, view) is not None

    assert shown()
    assert shown(version=2, phone="0161 496 0001")
    assert shown(desk="back")
    assert not shown(phone="0161 496 0001")  # a second content of the version that is known
    assert not shown(version=2, partnership="southgate")
    assert not shown(version=2, agency="nobody")
    newer = directory.PartnershipView(
        **{**{f.name: getattr(view, f.name) for f in fields(view)},
           "desks": {("oakshire", "front"): replace(signed.desk, version=3)}}
    )  # fmt: skip
    older = documents.sign(replace(signed.desk, version=2), key)
    assert directory.verified_desk(older, anchors, newer) is None
    again.close()


def _twice(contents: HandoverContents) -> HandoverContents:
    return replace(contents, members=(*contents.members, contents.members[0]))


def _without(agency: str) -> Callable[[HandoverContents], HandoverContents]:
    return lambda contents: replace(
        contents, members=tuple(one for one in contents.members if one.agency != agency)
    )


def _other_keys(agency: str) -> Callable[[HandoverContents], HandoverContents]:
    other = AgencyKeys(
        signing=b64u_encode(SigningKey.from_bytes(b"\x07" * 32).public),
        sealing=b64u_encode(SealingKey.from_bytes(b"\x08" * 32).public),
    )
    return lambda contents: replace(
        contents,
        members=tuple(
            replace(one, keys=other) if one.agency == agency else one for one in contents.members
        ),
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_twice, "names a member twice"),
        (_other_keys("elmham"), "other keys of ours"),
        (lambda contents: replace(contents, log_key="no key"), "log key cannot be used"),
        (lambda contents: replace(contents, index_key="A" * 43), "another key of the index"),
        (_without("oakshire"), "its own sender"),
        (_other_keys("oakshire"), "its own sender"),
    ],
    ids=["twice", "ours", "log", "index", "no sender", "sender"],
)
def test_of_contents_that_do_not_fit_nothing_is_believed(
    town: Town, change: Callable[[HandoverContents], HandoverContents], says: str
) -> None:
    """The package is a believed sender's, signed and sealed as it should be; its program erred."""
    founder, newcomer = town.founded("oakshire"), town.enrolled("elmham")
    sent = handover.send(founder, "elmham", None, town.typing(town.digits(newcomer)))
    assert sent.compared
    with newcomer.database.read() as connection:
        enrolled = storage.require_enrolment(connection)
    (envelope,) = town.index.packages
    package, contents, *_ = packages.unpack(
        envelope, partnership=enrolled.partnership, recipient="elmham",
        recipient_keys=newcomer.keys, sender_keys=founder.keys, sealing_key=newcomer.sealing_key,
    )  # fmt: skip
    handover._require_fitting(newcomer, enrolled, package, contents)
    with pytest.raises(BadHandover, match=says):
        handover._require_fitting(newcomer, enrolled, package, change(contents))
