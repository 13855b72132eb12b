"""Each red flag: what raises it, what does not, and that its setting tunes it."""

from dataclasses import replace
from typing import Any

import pytest

from agency_connector.sign_in.trail import Known
from agency_connector.supervising.red_flags import MOST_CHECKS, red_flags
from agency_connector.supervising.reviewing import Brief
from agency_connector.supervising.settings import SupervisionSettings
from tests.agency_connector.supervising.conftest import brief

MINUTE_MS = 60_000
DEFAULT = SupervisionSettings()
NOW = 1_768_478_400_000
HOUR_MS = 60 * MINUTE_MS


def known(user: str, given: str, family: str) -> Known:
    return Known(user=user, name="", given_name=given, family_name=family, roles="officer")


PEOPLE = (known("pc-archer", "David", "Archer"), known("pc-grundy", "Ed", "Grundy"))


@pytest.mark.parametrize("name", ["Ruth Archer", "ARCHER, Ruth", "Ruth Ärcher"])
def test_ones_own_surname_is_a_red_flag(name: str) -> None:
    checks = [brief(full_name=name)]
    (flag,) = red_flags(checks, PEOPLE, DEFAULT, NOW)
    assert "own surname" in flag.sentence
    assert "Archer" not in flag.sentence
    assert flag.checks == (checks[0].id,)
    assert red_flags(checks, PEOPLE, SupervisionSettings(own_surname=False), NOW) == ()


@pytest.mark.parametrize("name", ["Ruth Archerfield", "Shula Hebden"])
def test_another_surname_is_none(name: str) -> None:
    assert red_flags([brief(full_name=name)], PEOPLE, DEFAULT, NOW) == ()


def test_a_colleagues_full_name_is_a_red_flag_and_the_surname_alone_is_none() -> None:
    (flag,) = red_flags([brief(full_name="Ed Grundy")], PEOPLE, DEFAULT, NOW)
    assert "signs in to these pages" in flag.sentence
    assert red_flags([brief(full_name="Clarrie Grundy")], PEOPLE, DEFAULT, NOW) == ()
    tuned = SupervisionSettings(colleagues=False)
    assert red_flags([brief(full_name="Ed Grundy")], PEOPLE, tuned, NOW) == ()


def test_one_person_again_and_again_without_a_case_is_a_red_flag() -> None:
    checks = [brief(number, at=number) for number in range(3)]
    (flag,) = red_flags(checks, PEOPLE, DEFAULT, NOW)
    assert "one person 3 times without a case reference" in flag.sentence
    assert flag.checks == tuple(one.id for one in checks)
    assert red_flags(checks[:2], PEOPLE, DEFAULT, NOW) == ()
    assert red_flags(checks, PEOPLE, SupervisionSettings(repeats=4), NOW) == ()
    assert red_flags(checks, PEOPLE, SupervisionSettings(repeats=0), NOW) == ()


@pytest.mark.parametrize(
    "third",
    [
        {"case": "C-17"},
        {"breadth": "wide"},
        {"user": "pc-grundy"},
        {"full_name": "Shula Lloyd"},
    ],
)
def test_what_has_a_case_is_wider_or_is_another_counts_not(third: dict[str, str]) -> None:
    checks = [brief(0, at=0), brief(1, at=1), brief(2, at=2, **third)]
    assert red_flags(checks, PEOPLE, DEFAULT, NOW) == ()


def test_a_burst_is_one_red_flag_and_the_same_checks_over_time_are_none() -> None:
    tuned = SupervisionSettings(burst_checks=6, burst_minutes=10)
    names = [
        "Alan Aldridge",
        "Brian Bellamy",
        "Carol Carter",
        "Dora Dawson",
        "Eve Elliot",
        "Fay Fry",
    ]
    fast = [brief(n, full_name=name, at=n * 2 * MINUTE_MS) for n, name in enumerate(names)]
    (flag,) = red_flags(fast, PEOPLE, tuned, NOW)
    assert "6 checks within 10 minutes" in flag.sentence
    assert len(flag.checks) == MOST_CHECKS
    slow = [brief(n, full_name=name, at=n * 3 * MINUTE_MS) for n, name in enumerate(names)]
    assert red_flags(slow, PEOPLE, tuned, NOW) == ()
    assert red_flags(fast, PEOPLE, SupervisionSettings(burst_checks=0), NOW) == ()


def silent(count: int, hours_ago: int = 25, **told: object) -> list[Brief]:
    """Checks that found a team, of which nothing came."""
    names = ("Alan Aldridge", "Brian Bellamy", "Carol Carter", "Dora Dawson", "Eve Elliot")
    return [
        replace(
            brief(n, **{"full_name": names[n % 5], "at": NOW - hours_ago * HOUR_MS, **told}),
            without_contact=True,
        )
        for n in range(count)
    ]


def test_checks_that_are_never_followed_by_contact_are_a_red_flag() -> None:
    (flag,) = red_flags(silent(5), PEOPLE, DEFAULT, NOW)
    assert "5 checks that found a team, each more than 24 hours ago" in flag.sentence
    assert "They may have phoned without saying so." in flag.sentence
    assert len(flag.checks) == 5
    assert red_flags(silent(4), PEOPLE, DEFAULT, NOW) == ()
    assert red_flags(silent(4), PEOPLE, SupervisionSettings(without_contact=4), NOW) != ()
    assert red_flags(silent(5), PEOPLE, SupervisionSettings(without_contact=0), NOW) == ()


@pytest.mark.parametrize("told", [{"hours_ago": 23}, {"breadth": "wide"}])
def test_a_check_of_today_or_one_that_looked_wider_counts_not(told: dict[str, Any]) -> None:
    assert red_flags(silent(5, **told), PEOPLE, DEFAULT, NOW) == ()
    followed = [replace(one, without_contact=False) for one in silent(5)]
    assert red_flags(followed, PEOPLE, DEFAULT, NOW) == ()
    two = [*silent(3), *silent(3, user="pc-grundy")]
    assert red_flags(two, PEOPLE, DEFAULT, NOW) == ()
