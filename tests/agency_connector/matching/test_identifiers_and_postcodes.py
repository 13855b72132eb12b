"""Identifiers and postcodes are used only if their own rules hold, and in one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_connector.matching import identifiers, postcodes
from agency_connector.matching.person import Postcode, Unusable


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("nhs", "943 476 5870", "9434765870"),
        ("nhs", "943-476-5870", "9434765870"),
        ("pnc", "2003/0062845E", "03/0062845E"),
        ("pnc", "03/62845e", "03/0062845E"),
        ("pnc", "20030062845E", "03/0062845E"),
        ("cro", "265416/21G", "265416/21G"),
        ("cro", "85227/65L", "085227/65L"),
        ("cro", "SF05/482703J", "SF05/482703J"),
        ("nin", "AB 12 34 56 C", "AB123456"),
        ("nin", "ab123456", "AB123456"),
        ("upn", "B801200005001", "B801200005001"),
    ],
)
def test_a_valid_identifier_has_one_form(kind: str, text: str, expected: str) -> None:
    assert identifiers.read(kind, text) == expected
    assert identifiers.read(kind, expected) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nhs", "943 476 5871"),
        ("nhs", "0000000000"),
        ("nhs", "9990000018"),
        ("nhs", "94347658700"),
        ("pnc", "2003/0062845F"),
        ("pnc", "2003/0062845I"),
        ("pnc", "2003/0000000A"),
        ("cro", "265416/21H"),
        ("cro", "SF05/482703K"),
        ("nin", "QQ123456C"),
        ("nin", "GB123456C"),
        ("nin", "AB123456E"),
        ("nin", "AB000000C"),
        ("upn", "A801200001001"),
        ("upn", ""),
        ("nhs", "9" * 10_000_000),
        ("nhs", "\uff19434765870"),
    ],
    ids=lambda value: value[:20],
)
def test_an_identifier_that_breaks_its_rules_is_refused(kind: str, text: str) -> None:
    found = identifiers.read(kind, text)
    assert isinstance(found, Unusable)
    assert found.code == "identifier_invalid"
    assert found.sentence.startswith(identifiers.KINDS[kind])


def test_a_kind_that_is_not_known_is_refused() -> None:
    found = identifiers.read("driver", "MORGA657054SM9IJ")
    assert isinstance(found, Unusable)
    assert found.code == "identifier_kind"


@given(st.sampled_from(sorted(identifiers.KINDS)), st.text(max_size=50))
def test_reading_an_identifier_never_fails(kind: str, text: str) -> None:
    identifiers.read(kind, text)


@pytest.mark.parametrize("text", ["SW1A 2AA", "sw1a2aa", " sw1a  2aa ", "SW1A-2AA"])
def test_a_postcode_has_one_form_and_knows_its_areas(text: str) -> None:
    assert postcodes.read(text) == Postcode("sw1a2aa", "sw1a2", "sw1a")


@pytest.mark.parametrize(
    "text", ["ZZ99 3VZ", "AA1 1AA", "9999", "123", "SW1A 2CC", "x" * 10_000_000]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    assert isinstance(postcodes.read(text), Unusable)


@given(st.text(max_size=14))
def test_reading_a_postcode_never_fails_and_settles(text: str) -> None:
    found = postcodes.read(text)
    if isinstance(found, Postcode):
        assert postcodes.read(found.unit or found.district) == found


def test_a_uk_district_alone_is_a_district() -> None:
    assert postcodes.read("sw1a") == Postcode("", "", "sw1a")


@pytest.mark.parametrize("text", ["2119", "75008", "110 001", "1012 AB", "K1A 0B1", "D02 X285"])
def test_a_code_of_another_country_is_one_wide_area(text: str) -> None:
    found = postcodes.read(text)
    assert isinstance(found, Postcode)
    assert found.wide
    assert found.unit == found.sector == found.district == text.replace(" ", "").lower()
