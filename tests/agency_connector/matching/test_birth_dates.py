"""Dates of birth in the forms of real exports, and those that are none."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_connector.matching import dates
from agency_connector.matching.dates import Birth
from agency_connector.matching.person import Unusable

TODAY = date(2026, 1, 15)
MARCH = date(1985, 3, 27)


@pytest.mark.parametrize(
    "text",
    [
        *("1985-03-27", "1985/03/27", "19850327", "27031985", "1985-03-27T00:00:00"),
        *("1985-03-27 00:00:00.000", "1985-03-27T00:00:00Z", "27/03/1985", "27/3/1985"),
        *("27-03-1985", "27.03.1985", "27 3 1985", "27/03/1985 00:00", "27/3/85"),
        *("27 March 1985", "27th March 1985", "27-Mar-85", "27Mar1985", "March 27, 1985"),
        *("31133", "31133.0", " 27/03/1985 ", "03/27/1985", "1985-27-03"),
    ],
)
def test_every_usual_form_is_the_same_day(text: str) -> None:
    assert dates.read(text, TODAY) == Birth(MARCH, (1985,))


@pytest.mark.parametrize(
    ("text", "year"),
    [("14/01/26", 2026), ("16/01/26", 1926), ("01/02/27", 1927), ("01/02/00", 2000)],
)
def test_a_two_digit_year_is_the_latest_that_is_not_in_the_future(text: str, year: int) -> None:
    found = dates.read(text, TODAY)
    assert isinstance(found, Birth)
    assert found.years == (year,)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("1985", (1985,)),
        ("c. 1985", (1983, 1984, 1985, 1986, 1987)),
        ("03/1985", (1985,)),
        ("Mar 1985", (1985,)),
        ("aged 40", (1985, 1986)),
        ("about aged 40", (1984, 1985, 1986, 1987, 1988)),
    ],
)
def test_a_year_or_an_age_gives_years_and_no_date(text: str, years: tuple[int, ...]) -> None:
    assert dates.read(text, TODAY) == Birth(None, years)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1900-01-01", "date_placeholder"),
        ("01/01/1970", "date_placeholder"),
        ("01/01/70", "date_placeholder"),
        ("31/02/1985", "date_impossible"),
        ("13/13/1985", "date_impossible"),
        ("1985-54-12", "date_impossible"),
        ("00/00/0000", "date_impossible"),
        ("27/03/0085", "date_impossible"),
        ("1492", "date_impossible"),
        ("aged 400", "date_impossible"),
        ("2026-01-16", "date_future"),
        ("99999", "date_future"),
        ("unknown", "date_unreadable"),
        ("270385", "date_unreadable"),
        ("12 Foo 1985", "date_unreadable"),
        ("١٩٨٥-٠٣-٢٧", "date_unreadable"),
        ("1" * 10_000_000, "date_unreadable"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_date_of_birth_is_refused_with_its_reason(text: str, code: str) -> None:
    found = dates.read(text, TODAY)
    assert isinstance(found, Unusable)
    assert found.code == code
    assert found.sentence.startswith("Date of birth: ")


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("1985-02-31", (1985,)),
        ("31/02/1985", (1985,)),
        ("1910-54-12", (1910,)),
        ("2027-02-31", ()),
        ("31/02/85", ()),
        ("unknown", ()),
        ("1" * 10_000_000, ()),
    ],
    ids=lambda value: str(value)[:20],
)
def test_of_an_impossible_date_the_year_is_saved(text: str, years: tuple[int, ...]) -> None:
    assert dates.year_in(text, TODAY) == years


@given(st.one_of(st.text(max_size=70), st.from_regex(r"[0-9 /.\-T:aged]{0,24}")))
def test_reading_never_fails_and_reading_its_iso_form_again_changes_nothing(text: str) -> None:
    found = dates.read(text, TODAY)
    if isinstance(found, Birth) and found.born is not None:
        assert found.born <= TODAY
        assert dates.read(found.born.isoformat(), TODAY) == found


@pytest.mark.parametrize(
    ("text", "one", "not_one"),
    [
        ("1997-72-08", date(1997, 12, 8), date(1997, 10, 8)),
        ("31/04/1985", date(1985, 4, 30), date(1985, 3, 29)),
        ("1990-61-11", date(1996, 1, 11), date(1990, 6, 11)),
    ],
)
def test_of_an_impossible_date_the_dates_one_slip_away_are_kept(
    text: str, one: date, not_one: date
) -> None:
    near = dates.meant(text, TODAY)
    assert one in near
    assert not_one not in near
    assert len(near) < 20
