"""The breach drill, small: a few people, everything stolen, every round of the attack.

`make breach-drill` runs it over the whole sample, on both databases.
"""

import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from benchmarks.breach_drill.__main__ import opened
from benchmarks.breach_drill.canaries import needles
from benchmarks.breach_drill.partnership import SQLITE_EVALUATOR, SQLITE_INDEX, running
from benchmarks.breach_drill.people import Sample, sample
from benchmarks.breach_drill.rounds import drill
from benchmarks.breach_drill.searching import Needles
from benchmarks.breach_drill.telling import Round, account
from benchmarks.breach_drill.theft import Piece

FEW = 2


@pytest.fixture(scope="module")
def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture(scope="module")
def few(today: date) -> Sample:
    return sample(today, FEW, FEW)


@pytest.fixture(scope="module")
def rounds(few: Sample, today: date) -> dict[int | str, Round]:
    """The whole drill, once; each round by its number, the search and its control by title."""
    with tempfile.TemporaryDirectory(prefix="ifi-drill-") as folder:
        urls = SQLITE_INDEX, SQLITE_EVALUATOR
        with running(Path(folder), few, *urls) as made:
            done = drill(made, few, opened(Path(folder), *urls), today)
    return {one.title.split()[0] if one.number is None else one.number: one for one in done}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_without_both_keys_nobody_is_found(rounds: dict[int | str, Round], number: int) -> None:
    """Promise 1: neither the evaluation key alone nor the partnership key alone tests a guess."""
    told = rounds[number]
    assert told.compared > 10_000
    assert (told.found, told.as_expected) == (0, True), account([told])


def test_with_both_keys_everybody_is_found(rounds: dict[int | str, Round]) -> None:
    """The same attack works as soon as both keys are there: the rounds before prove something."""
    told = rounds[4]
    assert told.as_expected, account([told])
    assert told.found == told.of > len(rounds[4].lines)


def test_a_host_that_is_a_partner_learns_of_its_own_people_and_pays_for_others(
    rounds: dict[int | str, Round],
) -> None:
    """Promise 1, the exception: its own people without a count, new guesses never without one."""
    told = rounds[5]
    assert told.as_expected, account([told])
    assert any("desk quiet" in line for line in told.lines), "it sees hidden desks too"


def test_no_byte_of_index_or_evaluator_tells_of_a_canary(rounds: dict[int | str, Round]) -> None:
    """Promise 1 and 3: no name, date, number, postcode or reason, in no form, nowhere."""
    told = rounds["canaries"]
    assert told.compared > 10_000
    assert told.as_expected, account([told])


def test_planted_canaries_are_found(rounds: dict[int | str, Round]) -> None:
    """The search can find what it searches for: in each form, packed and encoded."""
    told = rounds["control:"]
    assert told.as_expected, account([told])
    assert told.found == told.of > 0


def test_a_canary_cut_by_its_neighbours_is_found(few: Sample) -> None:
    """Base64 begins at any of three bits; text in front of it may look like more of it."""
    wanted = Needles(needles(few.canaries[0], 0))
    for before in range(9):
        content = b"x" * before + few.canaries[0].person.family.encode().hex().encode()
        assert wanted.search([Piece("here", content)]), before


def test_a_round_without_expectations_or_with_a_wrong_one_fails() -> None:
    """A drill that has checked nothing must not look as if all were well."""
    told = Round(1, "nothing", 0, 0, 0)
    assert not told.as_expected
    told.expect("this holds", True)
    assert replace(told).as_expected
    told.expect("this does not", False)
    assert not told.as_expected
    assert "WRONG this does not" in account([told])
