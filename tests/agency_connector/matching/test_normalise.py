"""Particulars become a person or one clear sentence, quickly, and never show a value."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_connector.matching.normalise import normalise
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Person, Unusable
from agency_connector.matching.scheme import record_keys

TODAY = date(2026, 1, 15)
TEXT = st.one_of(st.just(""), st.text(max_size=20), st.from_regex(r"[A-Za-z0-9 /'\-]{0,20}"))
PARTICULARS = st.builds(
    Particulars,
    given=TEXT,
    middle=TEXT,
    family=TEXT,
    full_name=TEXT,
    born=st.one_of(TEXT, st.dates().map(str), st.dates().map(lambda d: f"{d:%d/%m/%y}")),
    postcode=st.one_of(TEXT, st.just("SW1A 2AA")),
    identifiers=st.lists(
        st.tuples(st.sampled_from(["nhs", "nin", "x"]), st.one_of(TEXT, st.just("AB123456C"))),
        max_size=3,
    ).map(tuple),
)


def person(**fields: object) -> Person:
    found = normalise(Particulars(**fields), today=TODAY)  # type: ignore[arg-type]  # fields by name
    assert isinstance(found, Person), found
    return found


def refusal(**fields: object) -> Unusable:
    found = normalise(Particulars(**fields), today=TODAY)  # type: ignore[arg-type]  # fields by name
    assert isinstance(found, Unusable)
    return found


def test_a_whole_name_fills_what_the_parts_lack() -> None:
    found = person(full_name="SMITH, John Paul", born="27/3/1985")
    assert (found.given, found.middles, found.family) == ("john", ("paul",), "smith")


def test_the_parts_win_over_the_whole_name() -> None:
    found = person(given="Ann", family="Brown", full_name="John Smith", born="27/3/1985")
    assert (found.given, found.family) == ("ann", "brown")


def test_a_field_that_cannot_be_used_is_left_out_and_accounted_for() -> None:
    found = person(
        given="John",
        family="Smith",
        born="27/3/1985",
        postcode="ZZ99 3VZ",
        identifiers=(("nhs", "943 476 5871"), ("nin", "AB123456C")),
    )
    assert [note.code for note in found.left_out] == ["postcode_unusable", "identifier_invalid"]
    assert found.identifiers == (("nin", "AB123456"),)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "too_little"),
        ({"given": "John", "family": "Smith"}, "too_little"),
        ({"born": "27/3/1985"}, "too_little"),
        ({"given": "John", "family": "Smith", "born": "31/2/85"}, "date_impossible"),
        ({"given": "John", "family": "Smith", "born": "1/1/1900"}, "date_placeholder"),
        ({"given": "unknown", "born": "27/3/1985"}, "name_placeholder"),
        ({"given": "John", "born": "1985"}, "too_little"),
    ],
)
def test_too_little_to_find_anybody_is_refused_with_the_first_cause(
    fields: dict[str, str], code: str
) -> None:
    assert refusal(**fields).code == code


def test_an_impossible_date_is_accounted_for_and_its_year_kept() -> None:
    found = person(given="John", family="Smith", born="31/02/1985")
    assert (found.born, found.years) == (None, (1985,))
    assert [note.code for note in found.left_out] == ["date_impossible"]


@pytest.mark.parametrize("field", ["given", "middle", "family", "full_name", "born", "postcode"])
def test_a_field_of_ten_megabytes_is_refused_at_once(field: str) -> None:
    huge = "\u0436 " * 5_000_000
    started = time.process_time()
    found = normalise(Particulars(**{field: huge}), today=TODAY)
    assert time.process_time() - started < 0.1
    assert isinstance(found, Unusable)


def test_no_value_shows_in_a_repr_or_a_sentence() -> None:
    typed = Particulars(given="Zebedee", family="Quux", born="1985-03-27")
    assert "ebedee" not in repr(typed)
    found = person(given="Zebedee", family="Quux", born="1985-03-27", postcode="Zebedee")
    assert "ebedee" not in repr((found, record_keys(found)))
    assert "1985" not in repr((found, found.left_out, record_keys(found).names))
    assert not any("ebedee" in note.sentence for note in found.left_out)


@given(PARTICULARS)
def test_normalising_never_fails_and_whoever_passes_has_a_key(particulars: Particulars) -> None:
    found = normalise(particulars, today=TODAY)
    if isinstance(found, Person):
        keys = record_keys(found)
        assert len(keys.names) + len(keys.identifiers) >= 1
        assert len(keys.names) <= 12
        assert len(keys.identifiers) <= 4


@given(PARTICULARS)
def test_normalising_what_was_normalised_changes_nothing(particulars: Particulars) -> None:
    found = normalise(particulars, today=TODAY)
    if isinstance(found, Person) and found.given and len(found.years) <= 1:
        again = person(
            given=found.given,
            middle=" ".join(found.middles),
            family=" ".join(found.family_parts or (found.family,)),
            born=str(found.born or (found.years[0] if found.years else "")),
            postcode=(found.postcode.unit or found.postcode.district) if found.postcode else "",
            identifiers=found.identifiers,
        )
        assert (again.given, again.middles, again.family, again.family_parts) == (
            (found.given, found.middles, found.family, found.family_parts)
        )
        assert (again.born, again.years, again.postcode, again.identifiers) == (
            (found.born, found.years, found.postcode, found.identifiers)
        )
