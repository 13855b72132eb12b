"""Our own desks: signed when they change, once, and never under a name that tells."""

from dataclasses import replace

import msgspec
import pytest

from agency_connector.installation import Installation
from agency_connector.settings import DeskSettings
from agency_connector.transport import Unreachable
from agency_connector.trust import own_desks
from foundation.operator import OperatorError
from protocol import documents
from protocol.keys import SigningKey
from schemas.agencies import Desk, OpenHours
from tests.agency_connector.conftest import Town

FRONT = DeskSettings(
    id="front", name="Front desk", phone="0161 496 0000", hours=("mon-tue 09:00-17:00",)
)


def with_desks(installation: Installation, *desks: DeskSettings) -> Installation:
    settings = msgspec.structs.replace(installation.settings, desks=desks)
    return replace(installation, settings=settings)


def outcomes(installation: Installation) -> list[tuple[int, str]]:
    return [(one.desk.version, one.outcome) for one in own_desks.sign_all(installation)]


def test_a_desk_is_signed_with_our_key_and_taken_by_the_index(town: Town) -> None:
    founder = with_desks(town.founded("oakshire"), FRONT)
    assert outcomes(founder) == [(1, "signed")]
    envelope = town.index.desks["oakshire", "front"]
    desk = documents.read(envelope, Desk, founder.signing_key.public)
    assert desk.hours == (
        OpenHours(day=0, opens="09:00", closes="17:00"),
        OpenHours(day=1, opens="09:00", closes="17:00"),
    )
    assert own_desks.unsigned(founder) == ()


def test_an_unchanged_desk_is_not_signed_again(town: Town) -> None:
    founder = with_desks(town.founded("oakshire"), FRONT)
    own_desks.sign_all(founder)
    town.clock.advance(1000)
    assert outcomes(founder) == [(1, "unchanged")]


def test_a_changed_desk_gets_the_next_version(town: Town) -> None:
    founder = with_desks(town.founded("oakshire"), FRONT)
    own_desks.sign_all(founder)
    founder = with_desks(founder, msgspec.structs.replace(FRONT, phone="0161 496 0009"))
    assert own_desks.unsigned(founder) == ("front",)
    assert outcomes(founder) == [(2, "signed")]


def test_a_new_key_of_ours_signs_the_desks_anew(town: Town) -> None:
    founder = with_desks(town.founded("oakshire"), FRONT)
    own_desks.sign_all(founder)
    key = SigningKey.generate()
    assert own_desks.unsigned(replace(founder, signing_key=key)) == ("front",)


def test_a_desk_that_did_not_arrive_is_laid_before_the_index_again(town: Town) -> None:
    founder = with_desks(town.founded("oakshire"), FRONT)
    nowhere = msgspec.structs.replace(
        founder.settings, index=msgspec.structs.replace(founder.settings.index,
                                                        url="http://127.0.0.1:1"),
    )  # fmt: skip
    with pytest.raises(Unreachable):
        own_desks.sign_all(replace(founder, settings=nowhere))
    assert own_desks.unsigned(founder) == ("front",)
    assert outcomes(founder) == [(1, "signed")]


def test_a_desk_that_arrived_before_a_crash_gets_a_higher_version(town: Town) -> None:
    """The index takes only what is newer; our database may come from a backup."""
    founder = with_desks(town.founded("oakshire"), FRONT)
    own_desks.sign_all(founder)
    with founder.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM own_desks")
    assert outcomes(founder) == [(2, "signed")]


@pytest.mark.parametrize("name", ["Domestic Abuse", "Drug Treatment"])
def test_a_visible_desk_may_not_name_a_category(town: Town, name: str) -> None:
    founder = with_desks(town.founded("oakshire"), msgspec.structs.replace(FRONT, name=name))
    with pytest.raises(OperatorError, match="may not be called that"):
        own_desks.sign_all(founder)
    assert town.index.desks == {}


def test_a_hidden_desk_may(town: Town) -> None:
    hidden = msgspec.structs.replace(FRONT, name="Domestic Abuse", visibility="hidden")
    assert outcomes(with_desks(town.founded("oakshire"), hidden)) == [(1, "signed")]


def test_a_desk_is_withdrawn_by_saying_so_not_by_deleting_it(town: Town) -> None:
    founder = with_desks(town.founded("oakshire"), FRONT)
    own_desks.sign_all(founder)
    with pytest.raises(OperatorError, match="withdrawn = true"):
        own_desks.sign_all(with_desks(founder))
    founder = with_desks(founder, msgspec.structs.replace(FRONT, withdrawn=True))
    assert outcomes(founder) == [(2, "signed")]
    assert own_desks.sign_all(with_desks(founder)) == ()


@pytest.mark.parametrize("hours", ["fri-mon 09:00-17:00", "mon 17:00-09:00", "mon 09:00-09:00"])
def test_hours_that_end_before_they_begin_are_said(town: Town, hours: str) -> None:
    founder = with_desks(town.founded("oakshire"), msgspec.structs.replace(FRONT, hours=(hours,)))
    with pytest.raises(OperatorError, match="end before they begin"):
        own_desks.sign_all(founder)
