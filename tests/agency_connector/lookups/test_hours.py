"""Hours and whether a team is open: in the desk's own time zone, through both clock changes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agency_connector.lookups import hours
from agency_connector.lookups.answer import team
from schemas.agencies import Desk, OpenHours

WEEK = tuple(OpenHours(day=day, opens="09:00", closes="17:00") for day in range(5))


def at(text: str) -> int:
    """Milliseconds of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def desk(*told: OpenHours, **changed: Any) -> Desk:
    values: dict[str, Any] = {
        "partnership": "borsetshire", "agency": "council", "desk": "front", "version": 1,
        "name": "Front desk", "phone": "01632 960000", "email": None, "hours": told,
        "time_zone": "Europe/London", "out_of_hours_phone": None, "purposes": None,
        "agencies": None, "visibility": "visible", "withdrawn": False, "signed_at": 0,
    }  # fmt: skip
    return Desk(**{**values, **changed})


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-27T08:59", False),  # Friday, GMT
        ("2026-03-27T09:00", True),
        ("2026-03-27T16:59", True),
        ("2026-03-27T17:00", False),
        ("2026-03-28T12:00", False),  # Saturday
        ("2026-03-30T07:59", False),  # Monday after the change to summer time
        ("2026-03-30T08:00", True),
        ("2026-03-30T16:00", False),
        ("2026-10-23T08:00", True),  # Friday before the change back
        ("2026-10-26T08:00", False),  # Monday after it
        ("2026-10-26T09:00", True),
    ],
)
def test_a_team_is_open_by_its_own_clock_before_and_after_a_change(
    moment: str, is_open: bool
) -> None:
    assert hours.is_open(desk(*WEEK), at(moment)) is is_open


def test_a_night_that_has_an_hour_twice_is_open_in_both() -> None:
    """On 25 October 2026 the clocks show 01:30 twice in London: at 00:30 and at 01:30 UTC."""
    night = desk(OpenHours(day=6, opens="01:00", closes="02:00"))
    assert hours.is_open(night, at("2026-10-25T00:30"))
    assert hours.is_open(night, at("2026-10-25T01:30"))
    assert not hours.is_open(night, at("2026-10-25T02:00"))


def test_an_hour_that_the_clocks_leave_out_is_never_open() -> None:
    """On 29 March 2026 London has no 01:30."""
    night = desk(OpenHours(day=6, opens="01:00", closes="02:00"))
    day = range(at("2026-03-29T00:00"), at("2026-03-29T04:00"), 60_000)
    assert not any(hours.is_open(night, moment) for moment in day)


def test_another_time_zone_is_its_own() -> None:
    abroad = desk(*WEEK, time_zone="Asia/Tokyo")
    assert hours.is_open(abroad, at("2026-03-27T00:00"))
    assert not hours.is_open(abroad, at("2026-03-27T08:00"))


def test_the_last_minute_of_the_day_belongs_to_a_desk_that_never_closes() -> None:
    always = tuple(OpenHours(day=day, opens="00:00", closes="23:59") for day in range(7))
    assert hours.is_open(desk(*always), at("2026-01-15T23:59"))
    assert hours.in_words(desk(*always)) == "Every day, day and night"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((), "Hours are not stated"),
        (WEEK, "Monday to Friday 09:00 to 17:00"),
        (WEEK[:2], "Monday and Tuesday 09:00 to 17:00"),
        (
            (*WEEK, OpenHours(day=5, opens="10:00", closes="12:30")),
            "Monday to Friday 09:00 to 17:00; Saturday 10:00 to 12:30",
        ),
        (
            (
                OpenHours(day=0, opens="13:00", closes="16:00"),
                OpenHours(day=0, opens="09:00", closes="12:00"),
            ),
            "Monday 09:00 to 12:00 and 13:00 to 16:00",
        ),
    ],
)
def test_hours_read_as_people_say_them(told: tuple[OpenHours, ...], words: str) -> None:
    assert hours.in_words(desk(*told)) == words


def test_a_desk_without_hours_is_neither_open_nor_closed() -> None:
    assert hours.is_open(desk(), 0) is None


def test_that_there_is_no_out_of_hours_number_is_said_plainly() -> None:
    assert team(desk(), 0).out_of_hours == "There is no out-of-hours number"
    told = team(desk(out_of_hours_phone="01632 960999"), 0)
    assert told.out_of_hours == "Out of hours: 01632 960999"
    assert told.out_of_hours_phone == "01632 960999"


def test_a_time_zone_that_nobody_knows_is_taken_as_utc() -> None:
    assert hours.is_open(desk(*WEEK, time_zone="Nowhere/Atall"), at("2026-07-01T16:30"))


def test_days_are_named_as_seen_from_now() -> None:
    now = at("2026-07-15T12:00")
    zone = "Europe/London"
    assert hours.day_and_time(at("2026-07-15T05:00"), zone, now) == "today at 06:00"
    assert hours.day_and_time(at("2026-07-14T22:59"), zone, now) == "yesterday at 23:59"
    assert hours.day_and_time(at("2026-07-01T05:00"), zone, now) == "1 July 2026 at 06:00"
