"""The demo's people: invented, the same on every machine, and messy as real records are."""

import csv
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from agency_connector.matching import identifiers
from agency_connector.matching.person import Unusable
from agency_connector.policy.settings import ADULT_AGE
from agency_connector.sources.dates import read_date
from deploy.demo import probation_caseload, sources
from deploy.demo.involvements import (
    AGENCIES,
    FURTHER_PEOPLE,
    STRANGER,
    Involvement,
    Slip,
    involvements,
)
from deploy.demo.people import Inventor, Person
from deploy.demo.sources import SAMPLE, SAMPLE_DAY


@pytest.fixture(scope="module")
def written_anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    sources.write_sources(folder, SAMPLE_DAY)
    return folder


@pytest.fixture(scope="module")
def everything() -> tuple[Involvement, ...]:
    return involvements(SAMPLE_DAY)


def people(count: int, seed: int = 1) -> Iterator[Person]:
    inventor = Inventor(seed)
    return (inventor.person() for _ in range(count))


def test_the_committed_sample_is_what_the_generator_makes(written_anew: Path) -> None:
    """Every text file byte for byte; nobody edits the sample by hand, where a real name could slip
    in."""
    made = sorted(p.relative_to(written_anew) for p in written_anew.rglob("*") if p.is_file())
    assert made == sorted(p.relative_to(SAMPLE) for p in SAMPLE.rglob("*") if p.is_file())
    for path in made:
        if path.suffix != ".xlsx":
            assert (written_anew / path).read_bytes() == (SAMPLE / path).read_bytes(), path


def test_the_committed_workbook_holds_the_cells_that_the_generator_makes(
    written_anew: Path,
) -> None:
    """A workbook's bytes hold the time at which it was saved, so its cells are compared."""
    made, committed = (
        list(openpyxl.load_workbook(folder / "health" / sources.HEALTH_FILE).active.values)
        for folder in (written_anew, SAMPLE)
    )
    assert made == committed
    assert len(made) > 20


def test_the_same_seed_makes_the_same_people_and_another_seed_others() -> None:
    assert list(people(20)) == list(people(20))
    assert list(people(20)) != list(people(20, seed=2))


def test_people_stay_the_same_whenever_the_demo_runs() -> None:
    """Only the dates of cases move with the day; who is known where does not."""
    one, other = involvements(date(2026, 11, 1)), involvements(date(2031, 2, 28))
    adults = [(i.person, i.agency, i.role, i.is_open) for i in one if i.person.given != "Kai"]
    assert adults == [(i.person, i.agency, i.role, i.is_open) for i in other if
                      i.person.given != "Kai"]  # fmt: skip


def test_every_number_is_one_that_nobody_has() -> None:
    """Ofcom's numbers for drama, the NHS's for tests, a prefix and a postcode area never issued."""
    for person in people(500):
        assert re.fullmatch(r"07700 900\d{3}|01632 960\d{3}|020 7946 0\d{3}", person.telephone)
        assert person.email.endswith("@post.example")
        assert person.nhs_number.startswith("999 ")
        assert isinstance(identifiers.read("nhs", person.nhs_number), Unusable)
        assert person.nino.startswith("QQ")
        assert isinstance(identifiers.read("nin", person.nino), Unusable)
        assert re.fullmatch(r"(19|20)\d\d/9\d{6}[A-Z]", person.pnc_id)
        assert isinstance(identifiers.read("pnc", person.pnc_id), str)
        assert person.postcode.startswith("EM")


def test_nhs_numbers_of_the_test_range_have_the_right_check_digit() -> None:
    """They look right to a case system; only the range says that nobody has them."""
    for person in people(200):
        digits = [int(digit) for digit in person.nhs_number.replace(" ", "")]
        total = sum(d * w for d, w in zip(digits, range(10, 0, -1), strict=True))
        assert len(digits) == 10
        assert total % 11 == 0


def test_people_are_shared_between_agencies_and_none_is_doubled(
    everything: tuple[Involvement, ...],
) -> None:
    """Two people of one name would make it unclear what a check ought to find."""
    names = {(i.person.given, i.person.family): i.person.email for i in everything}
    assert len(names) == len(set(names.values())) > FURTHER_PEOPLE
    shared = [n for n in names if len({i.agency for i in everything
              if (i.person.given, i.person.family) == n}) > 1]  # fmt: skip
    assert len(shared) > 20


def test_the_sample_exercises_the_policy(everything: tuple[Involvement, ...]) -> None:
    """Closed cases, victims, witnesses, people who report, a child, a placeholder date."""
    for agency in AGENCIES:
        states = {i.is_open for i in everything if i.agency == agency}
        assert states == {True, False}, agency
    assert {i.role for i in everything} == {"subject", "victim", "witness", "reporter"}
    assert any(i.is_sensitive for i in everything)
    assert any(i.written.born == date(1900, 1, 1) for i in everything)
    assert any(i.written.born is None for i in everything)
    ages = [SAMPLE_DAY.year - i.person.born.year - 1 for i in everything]
    assert min(ages) < ADULT_AGE <= max(ages)


def test_the_stranger_is_known_to_nobody(everything: tuple[Involvement, ...]) -> None:
    """The demo shows what an officer reads when no partner recorded anything."""
    assert not any(i.person.family == STRANGER.family for i in everything)


@pytest.mark.parametrize(
    "slip",
    [
        Slip.NICKNAME,
        Slip.DAY_AND_MONTH_EXCHANGED,
        Slip.NO_POSTCODE,
        Slip.INITIAL_ONLY,
        Slip.MISSPELT,
    ],
)
def test_what_agencies_wrote_differs_from_who_people_are(
    slip: Slip, everything: tuple[Involvement, ...]
) -> None:
    """Exact copies would show nothing of the matching."""

    def shows(i: Involvement) -> bool:
        told, person = i.written, i.person
        match slip:
            case Slip.NICKNAME:
                return len(told.given) > 1 and told.given != person.given
            case Slip.DAY_AND_MONTH_EXCHANGED:
                return told.born not in (person.born, None, date(1900, 1, 1))
            case Slip.NO_POSTCODE:
                return not told.postcode
            case Slip.INITIAL_ONLY:
                return told.given == person.given[0]
            case _:
                return sorted(told.family) == sorted(person.family) and told.family != person.family

    assert any(map(shows, everything))


def test_each_agency_writes_dates_in_its_own_way(
    written_anew: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Day first with slashes, ISO with a time, dates of Excel and typed ones, ISO; all of them are
    read as the same day."""
    with (written_anew / "police" / sources.POLICE_FILE).open(encoding="utf-8") as file:
        police = next(
            row["DOB"] for row in csv.DictReader(file) if row["SURNAME"] == "BARROWCLIFFE"
        )
    sources.build_housing_database(written_anew / "housing")
    with sqlite3.connect(written_anew / "housing" / sources.HOUSING_FILE) as database:
        housing = database.execute("SELECT date_of_birth FROM person LIMIT 1").fetchone()[0]
    database.close()
    book = openpyxl.load_workbook(written_anew / "health" / sources.HEALTH_FILE)
    health = {type(row[2]).__name__ for row in list(book.active.values)[1:]}
    caseload = written_anew / "probation" / sources.PROBATION_FILE
    monkeypatch.setattr(sys, "argv", ["probation_caseload.py", str(caseload)])
    probation_caseload.main()
    probation = json.loads(capsys.readouterr().out.splitlines()[0])["dateOfBirth"]

    assert police == "14/03/1983"
    assert read_date(police) == date(1983, 3, 14)
    assert housing == "1957-09-02 00:00:00"
    assert read_date(housing, with_time=True) == date(1957, 9, 2)
    assert health == {"datetime", "str"}
    assert probation == "1983-03-14"


def test_the_caseload_program_prints_every_key_in_every_line() -> None:
    """The connector refuses a line that lacks a key, since what is missing cannot be told from
    what is empty."""
    program = Path(probation_caseload.__file__)
    printed = subprocess.run(
        [sys.executable, program, SAMPLE / "probation" / sources.PROBATION_FILE],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [json.loads(line) for line in printed.splitlines()]
    assert len(lines) > 10
    assert len({tuple(line) for line in lines}) == 1
