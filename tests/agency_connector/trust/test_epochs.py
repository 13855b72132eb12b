"""Epochs: founded once by the first agency, opened by members, and one chosen to publish in."""

import pytest

from agency_connector.transport import Refused
from agency_connector.trust import epochs, storage
from agency_connector.trust.comparing import DigitsDiffer
from foundation.operator import OperatorError
from protocol.epochs import require_key
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import Refuse


def closing(town: Town) -> int:
    return town.clock() + 10**10


def test_the_founder_publishes_its_introduction_and_a_descriptor_of_its_key(town: Town) -> None:
    founder = town.founded("oakshire")
    anchor = founder.anchors().epoch(1)
    require_key(anchor.descriptor, anchor.partnership_key)
    assert town.index.epochs == [anchor.envelope]
    assert len(town.index.introductions) == 1


def test_founding_again_asks_nothing_and_changes_nothing(town: Town) -> None:
    founder = town.founded("oakshire")
    before = founder.anchors()
    epochs.found(founder, town.typing(), closing(town))
    assert founder.anchors() == before
    assert (len(town.index.epochs), len(town.index.introductions)) == (1, 1)


def test_founding_that_was_cut_off_before_the_descriptor_arrived_sends_it_again(
    town: Town,
) -> None:
    founder = town.founded("oakshire")
    kept = town.index.epochs.pop()
    epochs.found(founder, town.typing(), closing(town))
    assert town.index.epochs == [kept]


def test_a_partnership_is_founded_once(town: Town) -> None:
    town.founded("oakshire")
    second = town.enrolled("elmham")
    with pytest.raises(OperatorError, match="founded already"):
        epochs.found(second, town.typing(), closing(town))
    with pytest.raises(OperatorError, match="nobody has handed over"):
        second.anchors()


@pytest.mark.parametrize("wrong", ["index", "evaluator"])
def test_nothing_is_founded_on_digits_that_differ(town: Town, wrong: str) -> None:
    founder = town.enrolled("oakshire")
    digits = {"index": town.index.digits(), "evaluator": town.evaluator.digits()}
    digits[wrong] = "1" * 40
    with pytest.raises(DigitsDiffer):
        epochs.found(founder, town.typing(*digits.values()), closing(town))
    assert town.index.introductions == town.index.epochs == []


def test_an_evaluator_without_a_key_for_the_epoch_is_said(town: Town) -> None:
    founder = town.founded("oakshire")
    with pytest.raises(OperatorError, match="no key for epoch 3"):
        epochs.open_later(founder, 3, town.typing(), closing(town))


def test_a_later_epoch_has_keys_of_its_own(town: Town) -> None:
    founder = town.founded("oakshire")
    epochs.open_later(founder, 2, town.typing(town.evaluator.digits(2)), closing(town))
    anchors = founder.anchors()
    assert anchors.epoch(1).partnership_key != anchors.epoch(2).partnership_key
    assert anchors.epoch(2).evaluator_public_key == town.evaluator.publics[2]


def test_an_epoch_that_the_index_refuses_is_not_held(town: Town) -> None:
    founder = town.founded("oakshire")

    def two_live(_: object) -> object:
        raise Refuse(409, "two-epochs-live", "Two epochs are live.")

    town.index.lies["open-epoch"] = two_live
    with pytest.raises(Refused, match="Two epochs are live"):
        epochs.open_later(founder, 2, town.typing(town.evaluator.digits(2)), closing(town))
    assert [anchor.epoch for anchor in founder.anchors().epochs] == [1]
    assert "partnership-2" not in founder.keyring.names()


def test_flags_are_published_in_the_newest_epoch_unless_a_person_chose(town: Town) -> None:
    founder = town.founded("oakshire")
    epochs.open_later(founder, 2, town.typing(town.evaluator.digits(2)), closing(town))
    assert founder.anchors().publish_epoch == 2
    assert epochs.use(founder, 1) == 1
    assert founder.anchors().publish_epoch == 1
    assert epochs.use(founder, None) == 2
    assert founder.anchors().publish_epoch == 2


def test_an_epoch_that_is_not_held_cannot_be_used(town: Town) -> None:
    founder = town.founded("oakshire")
    with pytest.raises(OperatorError, match="epoch 7 was not handed over"):
        epochs.use(founder, 7)


def test_forgetting_an_epoch_destroys_its_key_here(town: Town) -> None:
    founder = town.founded("oakshire")
    epochs.open_later(founder, 2, town.typing(town.evaluator.digits(2)), closing(town))
    epochs.forget(founder, 1)
    assert [anchor.epoch for anchor in founder.anchors().epochs] == [2]
    assert "partnership-1" not in founder.keyring.names()


def test_the_only_epoch_is_not_forgotten(town: Town) -> None:
    founder = town.founded("oakshire")
    with pytest.raises(OperatorError, match="only one"):
        epochs.forget(founder, 1)
    with founder.database.read() as connection:
        assert len(storage.epochs(connection)) == 1
