"""What cannot be read, or is for another partnership, is left out, said, and spoils nothing."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from agency_connector.installation import Installation
from agency_connector.trust import directory, enrolment, epochs, handover, own_desks
from foundation.operator import OperatorError
from protocol import documents
from protocol.keys import SigningKey
from schemas.agencies import Desk, Directory
from schemas.envelopes import Envelope
from schemas.operations import INDEX_IDENTITY
from tests.agency_connector.conftest import Town

replace = msgspec.structs.replace
DESK = """[[desks]]
id = "front"
name = "Front desk"
phone = "0161 496 0000"
"""
OTHER = f"other.example+00000000+{'A' * 44}"
"""It has a verifier key's form, and not the hash of what stands in it."""

# What is believed does not depend on the kind of database.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


def with_desk(agency: Installation) -> Installation:
    """Publish a desk; return the installation that did, which whoever asks closes."""
    path = agency.home / "connector.toml"
    path.write_text(path.read_text() + DESK)
    again = Installation.open(agency.home, clock=agency.clock)
    own_desks.sign_all(again)
    return again


def further(field: str, *envelopes: Envelope) -> Callable[[Directory], Directory]:
    """A directory that lists these too."""
    return lambda honest: replace(honest, **{field: (*getattr(honest, field), *envelopes)})


def doubts(view: directory.PartnershipView) -> list[tuple[str, str]]:
    return [(doubt.agency, doubt.sentence) for doubt in view.doubts]


def test_a_desk_that_may_not_be_shown_leaves_the_others_as_they_are(town: Town) -> None:
    founder = town.founded("oakshire")
    own = with_desk(founder)
    (honest,) = town.index.desks.values()
    desk = documents.claimed(honest, Desk)
    key = own.signing_key
    stranger = SigningKey.generate()
    for listed, agency, says in (
        (replace(honest, payload="e30="), "(unreadable)", "A desk cannot be read."),
        (documents.sign(replace(desk, version=2, partnership="southgate"), key), "oakshire",
         "for another partnership"),
        (documents.sign(replace(desk, agency="nobody"), stranger), "nobody",
         "nobody we know has vouched for the keys of nobody"),
        (documents.sign(replace(desk, version=2), stranger), "oakshire",
         "has not signed it with the key we know"),
    ):  # fmt: skip
        town.index.lies["directory"] = further("desks", listed)
        view = directory.refresh(own)
        [(about, sentence)] = doubts(view)
        assert about == agency
        assert says in sentence
        assert view.desks == {("oakshire", "front"): desk}
    own.close()


def test_an_epoch_of_another_partnership_is_not_used_though_a_member_signed_it(town: Town) -> None:
    founder = town.founded("oakshire")
    true = founder.anchors().epoch(1).descriptor
    other = documents.sign(replace(true, partnership="southgate", epoch=2), founder.signing_key)
    town.index.lies["directory"] = further("epochs", other)
    view = directory.refresh(founder)
    assert view.epochs == (true,)
    assert doubts(view) == [
        ("(epoch)", "An epoch that the index lists is not used. No member we know has signed it.")
    ]


def test_packages_that_cannot_be_read_or_are_anothers_are_passed_over(town: Town) -> None:
    founder, newcomer = town.founded("oakshire"), town.enrolled("elmham")
    handover.send(founder, "elmham", None, town.typing(town.digits(newcomer)))
    (package,) = town.index.packages

    def lie(honest: Any) -> Any:
        other = town.index.introductions[0]
        return replace(honest, packages=(*honest.packages, replace(package, payload="e30="), other))

    town.index.lies["receive-handovers"] = lie
    assert handover.receive(newcomer, "nobody", town.typing()).epochs == ()
    taken = handover.receive(newcomer, "oakshire", town.typing(town.digits(founder)))
    assert (taken.epochs, taken.senders) == ((1,), ("oakshire",))


def test_an_enrolled_connector_stays_in_its_partnership(town: Town) -> None:
    """The same index, by its key, under another partnership's name."""
    founder = town.founded("oakshire")
    client = founder.index()
    identity = client.call(INDEX_IDENTITY)
    client.close()
    enrolment._require_same(founder, identity)
    with pytest.raises(OperatorError, match="another home folder for another partnership"):
        enrolment._require_same(founder, replace(identity, partnership="southgate"))


def test_whoever_was_handed_over_to_does_not_found(town: Town) -> None:
    member = town.joined("elmham", town.founded("oakshire"))
    with pytest.raises(OperatorError, match="oakshire has handed over to this agency"):
        epochs.found(member, town.typing(), town.clock() + 10**10)


def test_an_epoch_before_those_that_are_held_is_not_opened(town: Town) -> None:
    founder = town.founded("oakshire")
    closes_at = town.clock() + 10**10
    epochs.open_later(founder, 2, town.typing(town.evaluator.digits(2)), closes_at)
    epochs.forget(founder, 1)
    with pytest.raises(OperatorError, match="epoch 2 is held already: open a later one"):
        epochs.open_later(founder, 1, town.typing(town.evaluator.digits(1)), closes_at)
    assert [anchor.epoch for anchor in founder.anchors().epochs] == [2]


@pytest.mark.parametrize(
    ("service", "changed", "says"),
    [
        ("index", {"log_key": OTHER}, "the index's log key cannot be used"),
        ("evaluator", {"partnership": "southgate"}, "is that of southgate, not of northgate"),
    ],
)
def test_nothing_is_founded_with_operators_that_do_not_fit(
    town: Town, service: str, changed: dict[str, str], says: str
) -> None:
    founder = town.enrolled("oakshire")
    liar = town.index if service == "index" else town.evaluator
    liar.lies[f"{service}-identity"] = lambda honest: replace(honest, **changed)
    typing = town.typing(town.index.digits(), town.evaluator.digits())
    with pytest.raises(OperatorError, match=says):
        epochs.found(founder, typing, town.clock() + 10**10)
    assert town.index.introductions == town.index.epochs == []
