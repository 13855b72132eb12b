"""What a lookup finds beyond what was typed, how sure it is, and that the reason names no value."""

import re
import time

import pytest

from agency_connector.matching import communities, grading, shares, variants
from agency_connector.matching.expansion import Expansion, expand
from agency_connector.matching.grading import Evidence, GradedKey, grade_hit
from agency_connector.matching.normalise import normalise
from agency_connector.matching.person import Person
from agency_connector.matching.scheme import record_keys
from tests.agency_connector.matching.fictional_people import TODAY, people
from tests.agency_connector.matching.test_normalise import person

EVERYBODY = [p for p in (normalise(t, today=TODAY) for t in people(seed=3, count=600))
             if isinstance(p, Person)]  # fmt: skip


def hit(lookup: dict[str, object], stored: dict[str, object]) -> tuple[str, str] | None:
    """Grade and reason with which `lookup` finds `stored`, None if it does not."""
    held = record_keys(person(**stored))
    tokens = {(key.kind, key.value) for key in held.names + held.identifiers}
    expansion = expand(person(**lookup))
    matched = [k for k in expansion.narrow + expansion.wide if (k.kind, k.value) in tokens]
    return grade_hit(matched) if matched else None


ADA = {"given": "Geraldine", "middle": "Mary", "family": "Hathersage", "born": "1961-07-23"}


@pytest.mark.parametrize(
    ("stored", "grades", "because"),
    [
        ({}, {"strong"}, "same first name, surname and date of birth"),
        ({"given": "Gerry", "middle": ""}, {"strong"}, "first name is a known variant"),
        ({"given": "Hathersage", "family": "Geraldine"}, {"strong"}, "same first name, surname"),
        ({"given": "Mary", "middle": ""}, {"likely"}, "middle name is used as first name"),
        ({"born": "1961-07-28"}, {"strong"}, "one digit of the date of birth differs"),
        ({"given": "G", "middle": ""}, {"strong", "likely"}, "same initial, surname and date"),
        ({"family": "Osgathorpe"}, {"strong", "likely"}, "middle name and date of birth; surname"),
        (
            {"family": "Osgathorpe", "middle": ""},
            {"likely", "possible"},
            "surname was not compared",
        ),
        ({"given": "Ann", "middle": ""}, {"possible"}, "first name was not compared"),
        ({"family": "Hathersage-Brown"}, {"strong"}, ""),
        ({"born": "1961", "middle": ""}, {"possible"}, "possibly the same year of birth"),
    ],
)
def test_a_colleague_who_wrote_it_otherwise_is_found(
    stored: dict[str, str], grades: set[str], because: str
) -> None:
    found = hit(dict(ADA), {**ADA, **stored})
    assert found is not None
    assert found[0] in grades
    assert because in found[1]


def test_one_letter_mistyped_by_the_officer_is_found() -> None:
    for slip in ({"given": "Geraldnie"}, {"given": "Gerladine"}, {"family": "Hathersag"}):
        assert hit({**ADA, **slip}, dict(ADA)) is not None
    found = hit({**ADA, "given": "Geralidne", "middle": ""}, {**ADA, "middle": ""})
    assert found == ("strong", "same surname and date of birth; first name differs by one letter")


def test_day_and_month_exchanged_are_found() -> None:
    found = hit({**ADA, "born": "1961-07-04"}, {**ADA, "born": "1961-04-07"})
    assert found is not None
    assert "exchanged" in found[1]


def test_a_nickname_works_in_both_directions() -> None:
    for one, other in (("John", "Jack"), ("Mohammed", "Mohd"), ("Siobhan", "Shivaun")):
        for typed, held in ((one, other), (other, one)):
            assert hit({**ADA, "given": typed, "middle": ""}, {**ADA, "given": held, "middle": ""})


def test_surname_families_meet() -> None:
    for one, other in (("Kowalski", "Kowalska"), ("Ivanov", "Ivanova"), ("MacLeod", "McLeod")):
        found = hit({**ADA, "family": one}, {**ADA, "family": other})
        assert found is not None
        assert "surname is a known spelling" in found[1]


def test_a_stranger_is_not_found() -> None:
    assert hit(dict(ADA), {"given": "John", "family": "Smith", "born": "1985-03-27"}) is None


def test_an_identifier_alone_is_strong() -> None:
    both = {"identifiers": (("nhs", "943 476 5870"),)}
    assert hit({**ADA, **both}, {**both}) == ("strong", "same NHS number")


def test_a_person_known_by_year_or_age_alone_is_looked_for_widely_and_only_possibly() -> None:
    for born in ("1961", "aged 64", "c. 1962"):
        expansion = expand(person(given="Geraldine", family="Hathersage", born=born))
        assert expansion.narrow == ()
        assert {key.grade for key in expansion.wide} == {"possible"}
        assert hit({**ADA, "middle": "", "born": born}, dict(ADA)) is not None


def test_the_first_of_january_is_weak() -> None:
    def exact(born: str) -> str:
        found = hit(
            {**ADA, "family": "Brown", "born": born}, {**ADA, "family": "Brown", "born": born}
        )
        assert found is not None
        return found[0]

    assert shares.born_on("1961-01-01") > 10 * shares.born_on("1961-01-02")
    assert grading.GRADES.index(exact("1961-01-01")) >= grading.GRADES.index(exact("1961-01-02"))


def test_common_names_are_graded_lower_than_rare_ones() -> None:
    def grade(given: str, family: str) -> int:
        typed = {"given": given, "family": family, "born": "1950-05-17"}
        slipped = {**typed, "born": "1950-05-18"}
        found = hit(typed, slipped)
        assert found is not None
        return grading.GRADES.index(found[0])  # type: ignore[arg-type]  # a grade by its word

    assert grade("John", "Smith") > grade("Geraldine", "Hathersage")


def test_names_that_go_together_are_not_taken_for_rare() -> None:
    """Independence would make two rare names of one community nearly impossible together."""
    by_chance = shares.forename("mohammed", 1985) * shares.surname("khan") / 1e6
    assert shares.pair("mohammed", "khan", 1985) > 5 * by_chance
    assert shares.pair("zzyzx", "qqxzq", 1985) >= shares.TOGETHER * shares.UNSEEN_FORENAME
    assert communities.together("geraldine", "khan") == 0.0


def test_a_community_only_ever_makes_a_hit_less_sure() -> None:
    for first, last in (("mohammed", "khan"), ("wei", "chen"), ("john", "smith"), ("wei", "smith")):
        product = shares.forename(first, 1985) * shares.surname(last) / 1e6
        assert shares.pair(first, last, 1985) >= product


def test_names_of_communities_that_are_akin_go_together_too() -> None:
    assert communities.together("andrei", "nowak") > 5 * shares.forename("andrei", 1985) * (
        shares.surname("nowak") / 1e6
    )
    assert communities.together("andrei", "khan") == 0.0


def test_a_single_name_of_a_community_counts_as_where_the_community_lives_closely() -> None:
    through = communities.forename_share("katarzyna")
    assert through > 0
    assert shares.forename("katarzyna", 1985) >= communities.LOCAL * through
    assert shares.surname("nowak") >= communities.LOCAL * communities.surname_share("nowak")


def test_a_middle_name_of_the_same_community_says_little() -> None:
    joint = shares.pair("mohammed", "khan", 1985)
    among = communities.middle_share("mohammed", "ali", "khan", joint)
    assert among > 4 * shares.forename("ali", 1985) / 1e6
    assert communities.middle_share("mohammed", "geraldine", "khan", joint) == 0.0


def test_the_sets_keep_their_size_are_disjoint_and_graded_for_their_set() -> None:
    for one in EVERYBODY:
        expansion = expand(one)
        assert len(expansion.narrow) + len(expansion.wide) <= 128
        both = [(key.kind, key.value) for key in expansion.narrow + expansion.wide]
        assert len(set(both)) == len(both)
        assert {key.grade for key in expansion.narrow} <= {"strong", "likely"}
        assert {key.grade for key in expansion.wide} <= {"possible"}


def test_an_expansion_is_the_same_each_time() -> None:
    variants.known_surnames.cache_clear()
    first = [expand(one) for one in EVERYBODY[:50]]
    variants.known_surnames.cache_clear()
    variants.forename_neighbours.cache_clear()
    assert [expand(one) for one in EVERYBODY[:50]] == first


def test_no_reason_holds_a_value() -> None:
    """Reasons are fixed sentences: everybody's together are few, and none has a digit."""
    reasons = {k.because for one in EVERYBODY for k in (*expand(one).narrow, *expand(one).wide)}
    assert len(reasons) < 90
    assert not any(re.search(r"\d", reason) for reason in reasons)
    key = GradedKey("first-date", "geraldine|1961-07-23", "likely", "same")
    assert "geraldine" not in repr(key)
    assert "geraldine" not in repr(Expansion((key,), ()))


def test_a_hit_is_as_sure_as_its_best_key() -> None:
    weak = GradedKey("first-date", "a", "possible", "weak")
    good = GradedKey("names-date", "b", "strong", "good")
    assert grade_hit([weak, good]) == ("strong", "good")
    with pytest.raises(ValueError, match="at least one"):
        grade_hit([])
    with pytest.raises(ValueError, match="at least one"):
        grading.strangers_per_right([])


def test_what_agrees_besides_makes_a_hit_surer() -> None:
    names = Evidence(strangers=1.0, kin=0.0, right=0.1, place=2.5)
    place = Evidence(strangers=4.0, kin=0.01, right=0.1, place=0.001)
    both = [
        GradedKey("names-date", "a", "possible", "names", names),
        GradedKey("first-district-date", "b", "likely", "place", place),
    ]
    assert grade_hit(both[:1]) == ("possible", "names")
    assert grade_hit(both) == ("strong", "names; also the same area")
    assert grading.strangers_per_right(both) == pytest.approx(0.01)


def test_a_twin_is_never_more_than_possible() -> None:
    """Same surname, date of birth and postcode, another first name."""
    found = hit({**ADA, "postcode": "SW1A 2AA"},
                {**ADA, "given": "Ann", "middle": "", "postcode": "SW1A 2AA"})  # fmt: skip
    assert found is not None
    assert found[0] == "possible"


def test_a_name_without_a_date_finds_rare_names_only() -> None:
    common = expand(person(given="John", family="Smith", postcode="SW1A 2AA"))
    rare = expand(person(given="Geraldine", family="Hathersage", postcode="SW1A 2AA"))
    assert not any(key.kind == "undated-names" for key in common.narrow + common.wide)
    assert any(key.kind == "undated-names" for key in rare.narrow + rare.wide)


def test_a_first_of_january_is_looked_for_as_a_year() -> None:
    found = hit({**ADA, "middle": "", "born": "1961-01-01"}, {**ADA, "middle": ""})
    assert found is not None
    assert found[0] == "possible"
    assert hit({**ADA, "middle": ""}, {**ADA, "middle": "", "born": "1961-01-01"}) is not None


def test_an_expansion_takes_milliseconds() -> None:
    expand(EVERYBODY[0])
    started = time.process_time()
    for one in EVERYBODY:
        expand(one)
    assert (time.process_time() - started) / len(EVERYBODY) < 0.006


def test_an_impossible_date_finds_the_record_with_the_date_that_was_meant() -> None:
    found = hit({**ADA, "born": "1961-72-08"}, {**ADA, "born": "1961-12-08"})
    assert found is not None
    assert "the date given is impossible" in found[1]


def test_a_twin_is_never_strong() -> None:
    """Same surname, day and house; another first name, with or without the same initial."""
    place = {"postcode": "NE1 4XF"}
    for name in ("Gillian", "Helen"):
        found = hit({**ADA, **place, "middle": ""}, {**ADA, **place, "middle": "", "given": name})
        assert found is not None
        assert found[0] != "strong"


def test_names_that_go_together_count_also_where_the_lists_lack_one_of_the_two() -> None:
    alone = shares.forename("fatima", 1990) * shares.surname("zoriche") / 1e6
    assert shares.pair("fatima", "zoriche", 1990) > 5 * alone
    assert communities.loosely("gladys", "zoriche") == 0.0
