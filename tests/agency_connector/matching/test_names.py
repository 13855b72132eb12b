"""What the reader of names makes of titles, particles, hyphens, scripts and stand-ins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_connector.matching import names
from agency_connector.matching.person import Unusable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("O'Brien", ("obrien",)),
        ("O\u2019Brien", ("obrien",)),
        ("O Brien", ("obrien",)),
        ("Mc Donald", ("mcdonald",)),
        ("McDonald", ("mcdonald",)),
        ("van der Berg", ("vanderberg",)),
        ("de la Cruz", ("delacruz",)),
        ("St. John", ("stjohn",)),
        ("al-Hassan", ("alhassan",)),
        ("Smith-Jones", ("smith", "jones")),
        ("Smith Jones", ("smith", "jones")),
        ("Smith jnr", ("smith",)),
        ("Smith, OBE", ("smith",)),
        ("MIG_ERROR_Smith", ("smith",)),
        ("Müller", ("muller",)),
        ("Groß", ("gross",)),
        ("Żółć", ("zolc",)),
        ("Кузнецова", ("kuznetsova",)),
        ("Ó Súilleabháin", ("osuilleabhain",)),
        ("Smith (was Brown)", ("smith",)),
        ("  SMITH  ", ("smith",)),
        ("\uff33\uff4d\uff49\uff54\uff48", ("smith",)),
        ("Smith 2", ("smith",)),
        ("Major", ("major",)),
    ],
)
def test_a_surname_is_folded_the_same_however_it_is_written(
    text: str, expected: tuple[str, ...]
) -> None:
    assert names.read_family(text, "Surname") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mary-Jane", ("mary", "jane")),
        ("Mr John", ("john",)),
        ("Dr. Prof. Ada", ("ada",)),
        ("Abdul Rahman", ("abdulrahman",)),
        ('William "Bill"', ("william",)),
        ("J.", ("j",)),
        ("\U0001f600 Ann", ("ann",)),
    ],
)
def test_given_names_are_parted_at_hyphens_and_titles_dropped(
    text: str, expected: tuple[str, ...]
) -> None:
    assert names.read_given(text, "First name") == expected


@pytest.mark.parametrize(
    ("text", "given_names", "family"),
    [
        ("John Paul Smith", ("john", "paul"), ("smith",)),
        ("SMITH, John Paul", ("john", "paul"), ("smith",)),
        ("Ludwig van der Berg", ("ludwig",), ("vanderberg",)),
        ("Mrs Anna Smith-Jones", ("anna",), ("smith", "jones")),
        ("John Smith Jnr", ("john",), ("smith",)),
        ("John Smith, Jnr", ("john",), ("smith",)),
        ("Ben Smith", ("ben",), ("smith",)),
    ],
)
def test_a_whole_name_is_parted_in_either_order(
    text: str, given_names: tuple[str, ...], family: tuple[str, ...]
) -> None:
    assert names.read_full(text) == (given_names, family)


@pytest.mark.parametrize(
    "text", ["unknown", "TEST", "N/A", "xxx", "Test Patient", "Baby of", "Null"]
)
def test_stand_ins_are_no_names(text: str) -> None:
    found = names.read_given(text, "First name")
    assert isinstance(found, Unusable)
    assert found.code == "name_placeholder"


@pytest.mark.parametrize("text", ["Na", "Nan", "Blank", "Baby"])
def test_names_that_only_look_like_stand_ins_are_kept(text: str) -> None:
    assert not isinstance(names.read_given(text, "First name"), Unusable)


def test_a_name_without_letters_is_refused_and_an_empty_one_is_none() -> None:
    found = names.read_given("123 !?", "First name")
    assert isinstance(found, Unusable)
    assert found.code == "name_unreadable"
    assert names.read_given(" ", "First name") == ()


@given(st.text(max_size=60))
def test_reading_a_name_again_changes_nothing(text: str) -> None:
    for reader in (names.read_given, names.read_family):
        found = reader(text, "Name")
        if not isinstance(found, Unusable):
            assert reader(" ".join(found), "Name") == found
            assert all(word.isascii() and word.isalpha() and word.islower() for word in found)


@given(
    st.lists(
        st.sampled_from(
            ["de", "r", "o", "van", "der", "mr", "jr", "st", "mc", "a", "bo", "lisa", "ab", "ul"]
        ),
        max_size=7,
    )
)
def test_particles_titles_and_suffixes_in_any_order_settle(words: list[str]) -> None:
    for reader in (names.read_given, names.read_family):
        found = reader(" ".join(words), "Name")
        if not isinstance(found, Unusable):
            assert reader(" ".join(found), "Name") == found


@given(st.text(max_size=400))
def test_reading_a_whole_name_never_fails(text: str) -> None:
    names.read_full(text)
