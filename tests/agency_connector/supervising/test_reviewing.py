"""The sample cannot be steered, nothing is shown before it is recorded, and verdicts are sealed."""

from datetime import date

import pytest
from sqlalchemy import select

from agency_connector.journal.records import Beside
from agency_connector.justifying.justifications import Justifications
from agency_connector.supervising import counting, storage
from agency_connector.supervising.reviewing import OPEN_MS, CannotReview, Supervision, Verdict
from schemas.checks import CheckRequest, TypedParticulars
from tests.agency_connector.lookups.county import new_id
from tests.agency_connector.supervising.conftest import DAY_MS, Office

TODAY = date(2026, 1, 15)


def test_a_sample_is_drawn_once_its_day_is_over_and_is_the_same_each_time(office: Office) -> None:
    made = {office.check() for _ in range(10)}
    assert office.work.sample(TODAY) == ()
    office.clock.advance(DAY_MS)
    drawn = [brief.id for brief in office.work.sample(TODAY)]
    assert len(drawn) == 2
    assert set(drawn) < made
    office.check()
    assert [brief.id for brief in office.work.sample(TODAY)] == drawn
    assert office.work.sample(date(2026, 1, 14)) == ()


def test_a_lot_depends_on_the_key_the_day_and_the_check(office: Office) -> None:
    work, check = office.work, new_id()
    lots = {
        work._lot(TODAY, check),
        work._lot(date(2026, 1, 16), check),
        work._lot(TODAY, new_id()),
    }
    assert len(lots) == 3
    work._key = bytes(32)
    assert work._lot(TODAY, check) not in lots


def test_an_opening_is_recorded_before_anything_can_be_shown(office: Office) -> None:
    check = office.check()
    opening = office.work.open("sgt-grundy", check, "sample")
    with office.installation.database.read() as connection:
        row = connection.execute(select(storage.reviews)).one()
    assert row.kind == "opened"
    assert b"sgt-grundy" not in row.told
    found = office.work.opened("sgt-grundy", opening)
    assert found is not None
    assert found[0].because == "sample"
    assert found[1].asked.typed.particulars.full_name == "Shula Hebden"


def test_an_opening_is_one_supervisors_and_lasts_an_hour(office: Office) -> None:
    opening = office.work.open("sgt-grundy", office.check(), "red-flag")
    assert office.work.opened("sgt-horrobin", opening) is None
    assert office.work.opened("sgt-grundy", new_id()) is None
    office.clock.advance(OPEN_MS)
    assert office.work.opened("sgt-grundy", opening) is None
    with pytest.raises(CannotReview, match="not open any more"):
        office.work.judge("sgt-grundy", opening, "in-order", "")


def test_nobody_looks_at_their_own_check_or_at_one_that_is_not_there(office: Office) -> None:
    with pytest.raises(CannotReview, match="your own"):
        office.work.open("pc-archer", office.check(), "sample")
    with pytest.raises(CannotReview, match="no such check"):
        office.work.open("sgt-grundy", new_id(), "sample")
    with office.installation.database.read() as connection:
        assert storage.count(connection, "opened", 0, 2**60) == 0


def test_verdicts_are_sealed_need_words_and_are_all_kept(office: Office) -> None:
    check = office.check()
    opening = office.work.open("sgt-grundy", check, "sample")
    needs_words: tuple[Verdict, ...] = ("ask", "not-in-order")
    for verdict in needs_words:
        with pytest.raises(CannotReview, match="say in words"):
            office.work.judge("sgt-grundy", opening, verdict, "")
    with pytest.raises(CannotReview, match="shorten"):
        office.work.judge("sgt-grundy", opening, "ask", "x" * 2001)
    office.work.judge("sgt-grundy", opening, "ask", "Why Zanzibar")
    office.clock.advance(1)
    office.work.judge("sgt-grundy", opening, "in-order", "")
    said = Supervision(office.installation).verdicts(0)[check]
    assert [(one.verdict, one.words) for one in said] == [("ask", "Why Zanzibar"), ("in-order", "")]
    with office.installation.database.read() as connection:
        rows = connection.execute(select(storage.reviews)).all()
    assert all(b"Zanzibar" not in row.told and b"sgt" not in row.told for row in rows)
    assert "Zanzibar" not in repr(said)


def test_the_worklist_has_justifications_with_the_check_that_was_made(office: Office) -> None:
    kept, check = Justifications(office.installation), office.check()
    wanted = CheckRequest(
        check=check, particulars=TypedParticulars(), purpose="safeguarding", reason="Now"
    )
    kept.owe("pc-archer", wanted, Beside())
    (waiting,) = office.work.justifications(0, office.clock() + 1)
    assert (waiting.user, waiting.state, waiting.check) == ("pc-archer", "pending", "")
    assert waiting.due_at == office.clock() + DAY_MS
    (found,) = kept.pending("pc-archer")
    kept.give(found, "The child was at the door", check)
    (given,) = office.work.justifications(0, office.clock() + 1)
    assert (given.state, given.check) == ("given", check)
    assert office.work.words_for(check, office.clock()) == ("The child was at the door",)
    assert office.work.words_for(new_id(), office.clock()) == ()


def test_a_month_counts_what_was_done_in_it_alone(office: Office) -> None:
    check = office.check()
    office.check(breadth="wide")
    office.check(at=office.clock() - 31 * DAY_MS)
    opening = office.work.open("sgt-grundy", check, "sample")
    office.work.judge("sgt-grundy", opening, "in-order", "")
    month = counting.month_of(office.installation, date(2026, 1, 1))
    assert (month.checks, month.wider, month.answered, month.openings) == (2, 1, 0, 1)
    assert dict(month.verdicts) == {"in-order": 1}
    assert month.share_of_none == ""
    before = counting.month_of(office.installation, date(2025, 12, 1))
    assert (before.checks, before.openings, dict(before.verdicts)) == (1, 0, {})
    assert counting.next_month(date(2025, 12, 1)) == date(2026, 1, 1)
