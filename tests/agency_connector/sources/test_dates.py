"""The ways in which case systems write a day."""

from datetime import date

import pytest

from agency_connector.sources.dates import read_date

MARCH_4 = date(2026, 3, 4)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04", "2026/03/04", "20260304", " 2026-03-04 ", "04/03/2026", "4.3.2026",
        "4-3-2026", "4 Mar 2026", "04-MAR-2026", "4 march 2026", "2026-03-04T00:00:00",
        "2026-03-04 00:00", "2026-03-04 00:00:00.000", "2026-03-04T00:00:00Z",
        "04/03/2026 00:00:00", "2026-03-04T00:00:00+01:00",
    ],
)  # fmt: skip
def test_a_day_is_read(text: str) -> None:
    """Year first, day first, with the month's name, with midnight after it."""
    assert read_date(text) == MARCH_4


@pytest.mark.parametrize(
    "text",
    [
        "", "2026", "03/2026", "04/03/26", "2026-13-01", "2026-02-29", "31/02/2026", "00/00/0000",
        "4 Mrz 2026", "44623", "soon", "2026-03-04x", "\u0664/\u0663/\u0662\u0660\u0662\u0666",
        "4/3-2026", "1" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_day_is_none(text: str) -> None:
    """Impossible days, two-digit years, years alone and numbers are not guessed at."""
    assert read_date(text) is None


def test_the_order_of_day_and_month_is_the_sources() -> None:
    """Day first unless the source says otherwise; never guessed from the values."""
    assert read_date("04/03/2026") == MARCH_4
    assert read_date("03/04/2026", "month-first") == MARCH_4
    assert read_date("14/03/2026", "month-first") is None


def test_a_moment_is_a_day_only_where_that_is_said() -> None:
    """23:00 UTC may be the next day in summer time: a wrong date of birth if it were cut off."""
    assert read_date("2026-03-04T23:00:00Z") is None
    assert read_date("2026-03-04T23:00:00Z", with_time=True) == MARCH_4
    assert read_date("04/03/2026 09:30", with_time=True) == MARCH_4
