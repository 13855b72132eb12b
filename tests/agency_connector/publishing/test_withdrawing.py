"""What is withdrawn: what a complete reading no longer shows, and never more than is confirmed."""

import pytest

from tests.agency_connector.publishing.borsetshire import Borsetshire, person


def test_what_a_complete_reading_no_longer_shows_is_withdrawn(town: Borsetshire) -> None:
    town.write(*(person(n) for n in range(10)))
    town.sync()
    town.write(*(person(n) for n in range(8)), person(8, Status="closed"))
    report = town.sync()
    assert report.withdrawn == {"ended": 2}
    assert (len(town.flags()), town.token_rows()) == (8, 8 * 16)
    assert report.marked
    assert town.sync().withdrawn == {}


def test_a_flag_that_should_never_have_stood_is_withdrawn_as_wrong(town: Borsetshire) -> None:
    town.write(person(1), person(2), person(3))
    town.sync()
    town.write(person(1), person(2, Role="Victim"), person(3, DOB="1/1/2015"))
    assert town.sync().withdrawn == {"wrong": 2}
    assert b'"cause":"wrong"' in town.sent()[-1]


def test_a_source_that_fails_withdraws_nothing_and_the_rest_goes_on(town: Borsetshire) -> None:
    town.configure("cases", "others")
    town.write(*(person(n) for n in range(5)))
    town.write(*(person(n) for n in range(10, 15)), source="others")
    town.sync()
    town.write(*(person(n) for n in range(3)))
    text = (town.folder / "others.csv").read_text()
    (town.folder / "others.csv").write_text(text + 'C20,"never closed')
    report = town.sync()
    assert len(report.troubles) == 1
    assert "others" in report.troubles[0]
    assert report.withdrawn == {"ended": 2}
    assert len(town.flags()) == 8
    assert not report.marked
    assert town.mark() == "complete"  # of the reading before, growing older


def test_when_no_source_can_be_read_partners_are_told_that_it_is_paused(town: Borsetshire) -> None:
    town.write(person(1))
    (town.folder / "cases.csv").rename(town.folder / "away.csv")
    assert town.sync().troubles
    assert town.mark() is None
    (town.folder / "away.csv").rename(town.folder / "cases.csv")
    town.sync()
    read_at = town.clock()
    town.clock.advance(60_000)
    (town.folder / "cases.csv").unlink()
    report = town.sync()
    assert (town.mark(), len(town.flags()), report.withdrawn) == ("paused", 1, {})
    assert f'"read_at":{read_at}'.encode() in town.sent("/v1/flags/marks")[-1]


def test_a_record_that_cannot_be_read_keeps_its_flag(town: Borsetshire) -> None:
    """It is there; its flag ends in time all the same."""
    town.write(person(1), person(2))
    town.sync()
    town.write(person(1), person(2, First="x" * 2000))
    report = town.sync()
    assert report.sources[0].refused == {"too-large": 1}
    assert report.withdrawn == {}
    assert len(town.flags()) == 2


def test_a_source_that_is_configured_no_longer_is_withdrawn(town: Borsetshire) -> None:
    town.configure("cases", "others")
    town.write(person(1))
    town.write(person(2), source="others")
    town.sync()
    town.configure("cases")
    assert town.sync().withdrawn == {"ended": 1}


def test_many_withdrawals_wait_until_their_number_is_confirmed(town: Borsetshire) -> None:
    town.write(*(person(n) for n in range(20)))
    town.sync()
    town.write(*(person(n) for n in range(10)), person(30))
    for number in (None, 9):
        report = town.sync(confirmed_withdrawals=number)
        assert report.held == 10
        assert "sync --confirm-withdrawals 10" in report.troubles[0]
        assert not report.marked
        assert len(town.flags()) == 21  # the new one is published all the same
    report = town.sync(confirmed_withdrawals=10)
    assert (report.withdrawn, report.troubles, report.marked) == ({"ended": 10}, [], True)
    assert len(town.flags()) == 11


@pytest.mark.parametrize(("gone", "held"), [(4, 0), (5, 0), (6, 6)])
def test_a_few_withdrawals_need_no_confirmation(town: Borsetshire, gone: int, held: int) -> None:
    """Below the floor of five no share is asked about; above it the share of 0.2 counts."""
    town.write(*(person(n) for n in range(20)))
    town.sync()
    town.write(*(person(n) for n in range(gone, 20)))
    assert town.sync().held == held


def test_who_comes_back_is_published_again(town: Borsetshire) -> None:
    town.write(person(1), person(2))
    town.sync()
    before = town.flags()
    town.write(person(1))
    town.sync()
    town.write(person(1), person(2))
    town.sync()
    assert town.flags() == before
