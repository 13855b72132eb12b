"""A draw cannot be rolled again, and what is owed stays owed; on both databases."""

from collections.abc import Callable

import pytest

from agency_connector.installation import JOURNAL
from agency_connector.journal.records import Beside
from agency_connector.journal.sealing import JournalSeal
from agency_connector.justifying import storage
from agency_connector.justifying.justifications import DUE_MS, Justifications
from schemas.checks import CheckRequest, TypedParticulars
from tests.agency_connector.bare import BareConnector
from tests.agency_connector.lookups.county import new_id
from tests.conftest import FakeClock

NOTHING = Beside()
Opens = Callable[[int], Justifications]


def wanted(check: str = "", name: str = "Shula Quillfeather") -> CheckRequest:
    """What an officer asks for."""
    return CheckRequest(
        check=check or new_id(),
        particulars=TypedParticulars(full_name=name),
        purpose="safeguarding",
        reason="Zanzibarian welfare",
    )


@pytest.fixture
def opens(bare: BareConnector) -> Opens:
    """Opens the justifications of a connector that asks for one in so many."""
    return lambda one_in: Justifications(bare.opens(f"[checks]\njustify_one_in = {one_in}\n"))


def test_none_is_drawn_if_the_setting_is_nought(opens: Opens) -> None:
    of = opens(0)
    assert [of.drawn("jo", wanted(), NOTHING) for _ in range(20)] == [None] * 20


def test_about_one_in_n_is_drawn(opens: Opens) -> None:
    """300 of 3,000 are expected; 200 to 400 is more than six standard deviations either way."""
    of = opens(10)
    seal = JournalSeal(of._installation.keyring.get(JOURNAL))
    assert 200 < sum(seal.draw("jo", count) % 10 == 0 for count in range(3000)) < 400


def test_a_pending_one_stays_whatever_else_is_tried(opens: Opens) -> None:
    of = opens(1)
    first = of.drawn("jo", wanted(), NOTHING)
    assert first is not None
    for _ in range(5):
        assert of.drawn("jo", wanted(name="Somebody Else"), NOTHING) == first
    [waiting] = of.pending("jo")
    assert waiting.about.wanted.particulars.full_name == "Shula Quillfeather"
    assert waiting.given is None
    assert of.drawn("ed", wanted(), NOTHING) != first


def test_a_draw_is_the_same_however_often_it_is_asked_for(opens: Opens) -> None:
    """What fails before the check is made does not use a draw up: the same number draws the same.

    Of two installations on one database with one key neither can be played against the other.
    """
    of, again = opens(3), opens(3)
    for _ in range(30):
        check = new_id()
        first = of.drawn("jo", wanted(check), NOTHING)
        assert again.drawn("jo", wanted(check), NOTHING) == first
        if first is not None:
            found = of.find("jo", first)
            assert found is not None
            of.abandon(found)


def test_an_abandoned_one_is_recorded_and_the_next_check_draws_anew(opens: Opens) -> None:
    of = opens(1)
    first = of.drawn("jo", wanted(), NOTHING)
    assert first is not None
    told = of.find("jo", first)
    assert told is not None
    of.abandon(told)
    again = of.find("jo", first)
    assert again is not None
    assert (again.state, again.given) == ("abandoned", None)
    assert of.pending("jo") == ()
    second = of.drawn("jo", wanted(), NOTHING)
    assert second not in (None, first)


def test_what_was_given_stays_as_it_was_first_given(opens: Opens) -> None:
    of, check = opens(1), new_id()
    told = of.find("jo", of.drawn("jo", wanted(check), NOTHING) or "")
    assert told is not None
    of.give(told, "The first words, which are long enough", check)
    of.give(told, "Other words, which come too late for it", check)
    of.abandon(told)
    again = of.find("jo", told.id)
    assert again is not None
    assert again.given is not None
    assert (again.state, again.given.text) == ("given", "The first words, which are long enough")
    assert of.drawn("jo", wanted(check), NOTHING) is None, "this check was justified"


def test_a_check_at_once_is_owed_for_once_and_within_a_day(opens: Opens, clock: FakeClock) -> None:
    of, check = opens(0), new_id()
    assert of.owe("jo", wanted(check), NOTHING)
    assert not of.owe("jo", wanted(check), NOTHING)
    [waiting] = of.pending("jo")
    assert (waiting.kind, waiting.due_at) == ("at-once", clock() + DUE_MS)
    of.take_back(check)
    assert of.pending("jo") == ()


def test_what_is_owed_does_not_stand_in_for_what_is_drawn(opens: Opens) -> None:
    of = opens(1)
    owed = new_id()
    of.owe("jo", wanted(owed), NOTHING)
    drawn = of.drawn("jo", wanted(), NOTHING)
    assert drawn not in (None, owed)
    told = of.find("jo", owed)
    assert told is not None
    of.give(told, "There was a fire and a child in it", told.about.wanted.check)
    assert [each.id for each in of.pending("jo")] == [drawn]


def test_another_officers_is_not_there(opens: Opens) -> None:
    of = opens(1)
    drawn = of.drawn("jo", wanted(), NOTHING)
    assert drawn is not None
    assert of.find("ed", drawn) is None
    assert of.find("jo", new_id()) is None


def test_nothing_of_it_is_readable_in_the_database(opens: Opens) -> None:
    of = opens(1)
    told = of.find("jo-the-officer", of.drawn("jo-the-officer", wanted(), NOTHING) or "")
    assert told is not None
    of.give(told, "Zanzibarian words that say more about it", told.about.wanted.check)
    with of._database.read() as connection:
        [row] = [storage.find(connection, r[0]) for r in connection.exec_driver_sql(
            "SELECT justification_id FROM justifications")]  # fmt: skip
    assert row is not None
    told_of = repr(row).encode() + row.about + (row.given or b"") + repr(told).encode()
    for canary in (b"Quillfeather", b"anzibarian", b"jo-the-officer"):
        assert canary not in told_of
