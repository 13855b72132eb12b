"""Names of desks: what would tell why somebody is known is found, and neutral names pass."""

import pytest

from protocol.desk_names import category_word


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Domestic Abuse", "domestic"),
        ("Drug Treatment", "drug"),
        ("Drugs and Alcohol Team", "drug"),
        ("Women's REFUGE", "refuge"),
        ("Anti-Social Behaviour", "anti social"),
        ("Sëxual Health", "sexual"),
        ("Youth Offending", "youth offending"),
        ("Rough sleepers", "rough sleeper"),
        ("Crisis (mental) line", "mental"),
    ],
)
def test_a_name_that_names_a_category_is_found(name: str, word: str) -> None:
    assert category_word(name) == word


@pytest.mark.parametrize(
    "name",
    [
        "Front desk",
        "Safeguarding hub",
        "Duty team",
        "Police front desk",
        "Housing front desk",
        "Probation duty desk",
        "Essex contact centre",
        "Bailey House reception",
        "Middlesex duty line",
    ],
)
def test_a_neutral_name_passes(name: str) -> None:
    """Only whole words count: Essex is a place."""
    assert category_word(name) is None
