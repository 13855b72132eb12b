"""Which keys a record has."""

import time
from datetime import date
from pathlib import Path

from agency_connector.matching import scheme
from agency_connector.matching.normalise import normalise
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Person
from agency_connector.matching.scheme import MatchKey, record_keys
from tests.agency_connector.matching.fictional_people import people
from tests.agency_connector.matching.test_normalise import TODAY, person

JOHN = {"given": "John", "middle": "Paul", "family": "Smith", "born": "1985-03-27"}


def names(**fields: object) -> set[tuple[str, str]]:
    return {(key.kind, key.value) for key in record_keys(person(**fields)).names}


def test_a_full_record_has_every_dated_kind() -> None:
    assert names(**JOHN, postcode="SW1A 2AA") == {
        ("names-date", "john|smith|1985-03-27"),
        ("surname-date", "smith|1985-03-27"),
        ("first-date", "john|1985-03-27"),
        ("initial-surname-date", "j|smith|1985-03-27"),
        ("stems-date", "joh|smi|1985-03-27"),
        ("ending-surname-date", "ohn|smith|1985-03-27"),
        ("forenames-date", "john|paul|1985-03-27"),
        ("names-sector", "john|smith|sw1a2"),
        ("postcode-date", "sw1a2aa|1985-03-27"),
        ("names-year", "john|smith|1985"),
        ("first-district-date", "john|sw1a|1985-03-27"),
        ("three-names", "john|paul|smith"),
    }


def test_transposed_names_have_the_same_key() -> None:
    turned = names(given="Smith", family="John", born="1985-03-27")
    assert ("names-date", "john|smith|1985-03-27") in turned


def test_each_part_of_a_double_surname_is_a_surname() -> None:
    found = names(given="Ann", family="Smith-Jones", born="1985-03-27")
    for name in ("jones", "smith", "smithjones"):
        assert ("surname-date", f"{name}|1985-03-27") in found
        assert ("names-date", f"ann|{name}|1985-03-27") in found


def test_a_middle_name_is_a_first_name_and_parts_of_a_surname_come_before_looser_keys() -> None:
    assert ("names-date", "paul|smith|1985-03-27") in names(**JOHN)
    found = names(**{**JOHN, "family": "Smith-Jones"}, postcode="SW1A 2AA")
    assert ("names-date", "john|smith|1985-03-27") in found
    assert "three-names" not in {kind for kind, _ in found}
    assert len(found) == 12


def test_an_initial_is_never_taken_for_a_first_name() -> None:
    found = names(given="J", family="Smith", born="1985-03-27")
    assert {kind for kind, _ in found} == {"initial-surname-date", "surname-date"}


def test_a_record_without_a_full_date_says_so_in_its_kind() -> None:
    found = names(given="Ann", family="Smith", born="c. 1985")
    assert found == {
        ("undated-names", "ann|smith"),
        *(("names-about", f"ann|smith|{year}") for year in range(1983, 1988)),
    }
    placed = names(given="Ann", middle="May", family="Smith", postcode="SW1A 2AA")
    assert {kind for kind, _ in placed} == {"undated-names", "undated-sector", "undated-three"}


def test_the_separator_cannot_occur_in_a_part() -> None:
    for typed in people(count=500):
        found = normalise(typed, today=TODAY)
        if isinstance(found, Person):
            for text in (found.given, found.family, *found.middles):
                assert text == "" or (text.isascii() and text.isalpha())
            for key in record_keys(found).names:
                short = {"surname-date", "first-date", "postcode-date", "undated-names"}
                fields = 2 if key.kind in short else 3
                assert key.value.count(scheme.SEPARATOR) == fields - 1


def test_the_documented_table_of_kinds_is_the_one_in_the_code() -> None:
    page = Path(__file__).parents[3] / "docs/matching.md"
    assert scheme.kinds_table() in page.read_text(encoding="utf-8")


def test_keys_are_made_at_the_speed_a_sync_needs() -> None:
    """100,000 records in some seconds; this allows four times the measured time."""
    typed = list(people(seed=2, count=2_000))
    started = time.process_time()
    for particulars in typed:
        found = normalise(particulars, today=date(2026, 1, 15))
        if isinstance(found, Person):
            record_keys(found)
    assert (time.process_time() - started) / len(typed) < 400e-6


def test_keys_are_equal_by_value_and_hide_it() -> None:
    assert MatchKey("nhs", "9434765870") == MatchKey("nhs", "9434765870")
    assert "943" not in repr(MatchKey("nhs", "9434765870"))


def test_particulars_make_the_same_keys_each_time() -> None:
    typed = Particulars(given="Ann", family="Smith", born="1985-03-27")
    one, other = (normalise(typed, today=TODAY) for _ in range(2))
    assert isinstance(one, Person)
    assert isinstance(other, Person)
    assert record_keys(one) == record_keys(other)
