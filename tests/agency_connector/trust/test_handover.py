"""Hand-over: a newcomer believes what a person gave it, after digits were compared both ways."""

import pytest

from agency_connector.installation import Installation
from agency_connector.trust import directory, epochs, handover
from agency_connector.trust.comparing import DigitsDiffer
from foundation.operator import OperatorError
from tests.agency_connector.conftest import Town


def test_the_newcomer_holds_every_anchor_of_the_sender(town: Town) -> None:
    founder = town.founded("oakshire")
    newcomer = town.joined("elmham", founder)
    ours, theirs = newcomer.anchors(), founder.anchors()
    assert ours.epochs == theirs.epochs
    assert ours.epochs[0].partnership_key == theirs.epochs[0].partnership_key
    assert (ours.log_key, ours.log_name, ours.index_key) == (
        town.index.log.public, "northgate.ifi-log", town.index.key.public,
    )  # fmt: skip
    assert ours.members == theirs.members
    assert set(ours.members) == {"oakshire", "elmham"}
    assert ours.epochs[0].evaluator_signing_key == town.evaluator.key.public
    assert ours.epochs[0].evaluator_public_key == town.evaluator.publics[1]


def test_a_third_agency_is_believed_by_all_through_its_introduction(town: Town) -> None:
    founder = town.founded("oakshire")
    second = town.joined("elmham", founder)
    town.joined("ashby", second)
    view = directory.refresh(founder)
    assert view.agencies["ashby"].believed
    assert founder.anchors().signing_key_of("ashby") == town.opened["ashby"].signing_key.public
    assert view.doubts == ()


def test_nobody_is_handed_anything_whose_digits_differ(town: Town) -> None:
    founder = town.founded("oakshire")
    newcomer = town.enrolled("elmham")
    other = town.digits(newcomer)
    other = ("1" if other[0] != "1" else "2") + other[1:]
    with pytest.raises(DigitsDiffer, match="someone may be in the middle"):
        handover.send(founder, "elmham", None, town.typing(other))
    assert town.index.packages == []
    assert "elmham" not in founder.anchors().members


def test_too_few_digits_are_told_from_wrong_ones(town: Town) -> None:
    founder = town.founded("oakshire")
    town.enrolled("elmham")
    with pytest.raises(OperatorError, match="40 digits"):
        handover.send(founder, "elmham", None, town.typing("12345 67890"))


def test_the_newcomer_believes_nothing_if_the_senders_digits_differ(town: Town) -> None:
    founder = town.founded("oakshire")
    newcomer = town.enrolled("elmham")
    handover.send(founder, "elmham", None, town.typing(town.digits(newcomer)))
    with pytest.raises(DigitsDiffer):
        handover.receive(newcomer, None, town.typing("0" * 40))
    with pytest.raises(OperatorError, match="nobody has handed over"):
        newcomer.anchors()


def test_receiving_twice_changes_nothing_and_asks_nothing(town: Town) -> None:
    founder = town.founded("oakshire")
    newcomer = town.joined("elmham", founder)
    before = newcomer.anchors()
    assert handover.receive(newcomer, None, town.typing()).epochs == ()
    assert newcomer.anchors() == before


def test_sending_again_to_a_believed_member_needs_no_digits(town: Town) -> None:
    """Its keys are anchored; only a new epoch is in the package."""
    founder = town.founded("oakshire")
    town.joined("elmham", founder)
    assert not handover.send(founder, "elmham", None, town.typing()).compared


def test_a_later_epoch_reaches_a_member_without_digits(town: Town) -> None:
    founder = town.founded("oakshire")
    member = town.joined("elmham", founder)
    epochs.open_later(founder, 2, town.typing(town.evaluator.digits(2)), town.clock() + 10**10)
    handover.send(founder, "elmham", 2, town.typing())
    assert handover.receive(member, None, town.typing()).epochs == (2,)
    assert [anchor.epoch for anchor in member.anchors().epochs] == [2, 1]
    assert member.anchors().epochs == founder.anchors().epochs


def test_an_opened_installation_takes_up_an_epoch_that_another_process_received(
    town: Town,
) -> None:
    """The page keeps running while a person runs `handover receive`."""
    founder = town.founded("oakshire")
    member = town.joined("elmham", founder)
    page = Installation.open(member.home, clock=town.clock)
    epochs.open_later(founder, 2, town.typing(town.evaluator.digits(2)), town.clock() + 10**10)
    handover.send(founder, "elmham", 2, town.typing())
    handover.receive(member, None, town.typing())
    assert page.anchors() == member.anchors()
    page.close()


def test_a_crash_after_the_key_was_kept_is_mended_by_receiving_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    founder = town.founded("oakshire")
    newcomer = town.enrolled("elmham")
    handover.send(founder, "elmham", None, town.typing(town.digits(newcomer)))
    with monkeypatch.context() as patched:
        patched.setattr(handover.storage, "hold_epoch", _crash)
        with pytest.raises(_Crash):
            handover.receive(newcomer, None, town.typing(town.digits(founder)))
    with pytest.raises(OperatorError, match="nobody has handed over"):
        newcomer.anchors()
    handover.receive(newcomer, None, town.typing(town.digits(founder)))
    assert newcomer.anchors().epochs == founder.anchors().epochs


class _Crash(Exception):
    pass


def _crash(*_: object) -> None:
    raise _Crash


@pytest.mark.parametrize(
    ("agency", "says"),
    [("nowhere", "lists no agency"), ("oakshire", "our own"), ("waiting", "has not enrolled")],
)
def test_whom_nothing_can_be_sent_to_is_said_with_what_to_do(
    town: Town, agency: str, says: str
) -> None:
    founder = town.founded("oakshire")
    town.index.register("waiting", "Waiting")
    with pytest.raises(OperatorError, match=says):
        handover.send(founder, agency, None, town.typing())
