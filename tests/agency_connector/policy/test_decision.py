"""Whom an agency may flag: each rule of promise 5 by itself, and the end of a flag."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_connector.policy.decision import Publish, Reason, Withhold, age, decide
from tests.agency_connector.policy.records import (
    POLICY,
    PROTECTED,
    TODAY,
    policy,
    published,
    row,
    withheld,
)

UNDER_18 = PROTECTED | {"roles": [], "under_18": True}
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


def milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def test_an_open_record_of_an_adult_subject_is_published() -> None:
    """At the policy's desk, on its lawful basis, until a set time after it was opened."""
    assert published(row(), policy()) == Publish(
        desk="front-desk",
        ends_at_ms=milliseconds(date(2027, 1, 9)),
        opened=date(2026, 10, 1),
        lawful_basis="uk-gdpr-6-1-e",
        protected=False,
    )


# The role of the person


@pytest.mark.parametrize("role", ["Victim", "Witness", "Caller"])
def test_victims_witnesses_and_people_who_report_are_off(role: str) -> None:
    """They are never flagged without the members' approval."""
    assert withheld(row(role=role), policy()) == Reason.ROLE_PROTECTED


def test_approval_for_one_role_is_none_for_another() -> None:
    """Approval names the roles it is for."""
    rules = policy(protected=PROTECTED)
    assert withheld(row(role="Witness", agreed="Yes"), rules) == Reason.ROLE_PROTECTED


@pytest.mark.parametrize("role", ["", "Suspect", "Client; Victim"])
def test_a_role_that_nobody_mapped_withholds_its_row(role: str) -> None:
    """A new value in the case system is not taken for a subject."""
    assert withheld(row(role=role), policy()) == Reason.ROLE_NOT_MAPPED


def test_other_people_are_never_flagged() -> None:
    """The policy may map a value to 'other'."""
    assert withheld(row(role="Landlord"), policy()) == Reason.ROLE_NOT_FLAGGED


def test_values_are_compared_without_case_and_outer_spaces() -> None:
    """Case systems are not consistent in these."""
    published(row(role=" CLIENT ", status="under  REVIEW"), policy())


def test_a_source_without_roles_publishes_nobody() -> None:
    """Unless its owner has declared that it holds none of those who are protected."""
    assert withheld(row(role=None), policy(roles=None)) == Reason.ROLE_NOT_STATED


def test_a_declaration_counts_from_its_day() -> None:
    """Then every record is about a subject; age still decides."""
    rules = policy(
        roles=None,
        holds_no_protected_roles=True,
        declared_by="Head of Housing",
        declared_on=TODAY.isoformat(),
    )
    published(row(role=None), rules)
    assert withheld(row(role=None), rules, TODAY - timedelta(1)) == Reason.ROLE_NOT_STATED
    assert withheld(row("2010-01-01", role=None), rules) == Reason.BELOW_MINIMUM_AGE


# Status and category


@pytest.mark.parametrize("status", ["Closed", "open?", "Reopened"])
def test_a_status_that_is_not_open_is_not_published(status: str) -> None:
    """Closed and unknown alike."""
    assert withheld(row(status=status), policy()) == Reason.STATUS_NOT_OPEN


def test_a_record_without_status_is_not_published() -> None:
    """Silence is not 'open'."""
    assert withheld(row(status=""), policy()) == Reason.STATUS_MISSING


@pytest.mark.parametrize(
    ("rules", "category", "reason"),
    [
        ({"include": ["Housing"]}, "Debt", Reason.CATEGORY_NOT_FLAGGED),
        ({"include": ["Housing"]}, "", Reason.CATEGORY_MISSING),
        ({"exclude": ["Debt"]}, "debt", Reason.CATEGORY_NOT_FLAGGED),
        ({"exclude": ["Debt"]}, "", Reason.CATEGORY_MISSING),
        ({"desks": {"Housing": "housing-team"}}, "", Reason.CATEGORY_MISSING),
    ],
)
def test_categories_that_are_not_to_be_flagged(
    rules: dict[str, Any], category: str, reason: Reason
) -> None:
    """Not included, excluded, or not recorded where the policy decides by it."""
    assert withheld(row(category=category), policy(categories=rules)) == reason


@pytest.mark.parametrize(
    ("rules", "desk"),
    [
        ({"include": ["Housing"]}, "front-desk"),
        ({"exclude": ["Debt"]}, "front-desk"),
        ({"desks": {"housing": "housing-team"}}, "housing-team"),
        ({"desks": {"Debt": "debt-team"}}, "front-desk"),
    ],
)
def test_a_category_may_have_a_desk_of_its_own(rules: dict[str, Any], desk: str) -> None:
    """The others stand at the policy's."""
    assert published(row(category="Housing"), policy(categories=rules)).desk == desk


# Dated facts and the end of a flag


def test_the_latest_dated_fact_gives_the_end() -> None:
    """A review is a new fact; an older one moves nothing."""
    later = row(reviewed=date(2026, 10, 20))
    earlier = row(reviewed=date(2026, 1, 1))
    assert published(later, policy()).ends_at_ms == milliseconds(date(2027, 1, 28))
    assert published(earlier, policy()).ends_at_ms == milliseconds(date(2027, 1, 9))


def test_without_a_usable_dated_fact_there_is_no_flag() -> None:
    """A flag without one would never end, or end by a made-up date."""
    assert withheld(row(opened=None, unreadable=("opened",)), policy()) == Reason.DATED_FACT_MISSING


def test_a_review_alone_is_a_dated_fact() -> None:
    """Not every case system keeps the day of opening."""
    assert published(row(opened=None, reviewed=TODAY), policy()).opened is None


@pytest.mark.parametrize("field", ["opened", "reviewed"])
def test_a_date_in_the_future_is_no_fact(field: str) -> None:
    """A planned review would move the end when its day comes, and a slip would add years."""
    assert withheld(row(**{field: TODAY + timedelta(1)}), policy()) == Reason.DATED_FACT_IN_FUTURE


def test_a_flag_whose_end_has_come_is_not_published() -> None:
    """It ends at the beginning of the day that is so many days after the fact."""
    published(row(opened=TODAY - timedelta(99)), policy())
    assert withheld(row(opened=TODAY - timedelta(100)), policy()) == Reason.ENDED


@given(opened=DAYS, reviewed=st.none() | DAYS, first=DAYS, second=DAYS, life=st.integers(1, 730))
def test_the_end_never_depends_on_today(
    opened: date, reviewed: date | None, first: date, second: date, life: int
) -> None:
    """Whenever a record is published, its flag ends at the same moment: no sync can move it."""
    record, rules = row(opened=opened, reviewed=reviewed), policy(longest_life_days=life)
    decisions = [decide(record, rules, day) for day in (first, second)]
    ends = {each.ends_at_ms for each in decisions if isinstance(each, Publish)}
    assert len(ends) <= 1


@given(opened=DAYS, reviewed=st.none() | DAYS, today=DAYS, life=st.integers(1, 730))
def test_the_end_lies_ahead_and_within_the_longest_life(
    opened: date, reviewed: date | None, today: date, life: int
) -> None:
    """Never more than the policy's days from now, nor over."""
    record = row(opened=opened, reviewed=reviewed)
    decision = decide(record, policy(longest_life_days=life), today)
    if isinstance(decision, Publish):
        end = milliseconds(today + timedelta(life))
        assert milliseconds(today) < decision.ends_at_ms <= end


# Age


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(2008, 11, 1), TODAY, 18),
        (date(2008, 11, 2), TODAY, 17),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2027, 1, 1), TODAY, None),
        (date(1905, 1, 1), TODAY, None),
        (date(1970, 1, 1), TODAY, None),
        (date(1900, 1, 1), TODAY, None),
        (None, TODAY, None),
    ],
)
def test_age_in_full_years(born: date | None, today: date, years: int | None) -> None:
    """On the birthday one is a year older; stand-ins and impossible dates give no age."""
    assert age(born, today) == years


def test_under_18s_are_off() -> None:
    """The day before the eighteenth birthday, and on it."""
    assert withheld(row("2008-11-02"), policy()) == Reason.BELOW_MINIMUM_AGE
    published(row("2008-11-01"), policy())


def test_the_minimum_age_may_be_higher() -> None:
    """An agency may flag later than the law allows."""
    assert withheld(row("2002-01-01"), policy(minimum_age=25)) == Reason.BELOW_MINIMUM_AGE


@pytest.mark.parametrize("born", ["1985", "03/1985", "aged 40", "c. 1985", "about aged 30"])
def test_a_year_or_an_age_will_do_for_who_can_be_no_child(born: str) -> None:
    """The youngest that the person may be counts."""
    published(row(born), policy())
    assert withheld(row(born), policy(minimum_age=60)) == Reason.BELOW_MINIMUM_AGE


@pytest.mark.parametrize("born", ["", "2008", "c. 2006", "aged 18", "1985-02-30", "1970-01-01"])
def test_who_may_be_a_child_is_not_published(born: str) -> None:
    """Who is not surely an adult needs a full date of birth, also where under-18s are approved."""
    assert withheld(row(born), policy()) == Reason.AGE_UNKNOWN
    rules = policy(protected=UNDER_18, minimum_age=10)
    assert withheld(row(born, agreed="Yes"), rules) == Reason.AGE_UNKNOWN


@pytest.mark.parametrize(
    ("born", "words"),
    [
        ("", "has no date of birth"),
        ("  ", "has no date of birth"),
        ("2009", "is not given to the day"),
        ("03/2009", "is not given to the day"),
        ("aged 17", "is not given to the day"),
        ("1985-02-31", "is no date of the calendar: correct it"),
        ("31/02/1985", "is no date of the calendar: correct it"),
        ("31 Feb 1985", "is no date of the calendar: correct it"),
        ("1970-01-01", "is a stand-in"),
        ("2027-01-01", "lies in the future"),
        ("no idea", "cannot be read"),
    ],
)
def test_a_date_of_birth_without_an_age_is_told_by_what_to_do_about_it(
    born: str, words: str
) -> None:
    """One that nobody recorded, one that is only a year and one that cannot be are mended apart."""
    decision = decide(row(born), policy(), TODAY)
    assert isinstance(decision, Withhold)
    assert words in decision.sentence
    assert born.strip() == "" or born not in decision.sentence


# People who are protected, once approved


@pytest.mark.parametrize("agreed", ["Yes", "would endanger"])
def test_an_approved_role_stands_at_the_hidden_desk(agreed: str) -> None:
    """On the approval's own lawful basis, whatever desk the category has."""
    rules = policy(protected=PROTECTED, categories={"desks": {"Housing": "housing-team"}})
    decision = published(row(role="Victim", agreed=agreed, category="Housing"), rules)
    assert (decision.desk, decision.protected) == ("quiet-desk", True)
    assert decision.lawful_basis == "dpa-2018-sch1-p18"


@pytest.mark.parametrize("agreed", [None, "", "No", "not yet"])
def test_an_approved_role_needs_agreement_or_a_reason(agreed: str | None) -> None:
    """Only values that the policy lists count; silence and refusal do not."""
    rules = policy(protected=PROTECTED)
    assert withheld(row(role="Victim", agreed=agreed), rules) == Reason.AGREEMENT_MISSING


def test_approved_under_18s_stand_at_the_hidden_desk() -> None:
    """With agreement, and not below the policy's own minimum."""
    rules = policy(protected=UNDER_18, minimum_age=10)
    assert published(row("2010-01-01", agreed="Yes"), rules).desk == "quiet-desk"
    assert withheld(row("2010-01-01", agreed="No"), rules) == Reason.AGREEMENT_MISSING
    assert withheld(row("2017-01-01", agreed="Yes"), rules) == Reason.BELOW_MINIMUM_AGE


def test_a_young_victim_needs_both_approvals() -> None:
    """Approval of the role is none for children."""
    rules = policy(protected=PROTECTED)
    record = row("2010-01-01", role="Victim", agreed="Yes")
    assert withheld(record, rules) == Reason.BELOW_MINIMUM_AGE


def test_approval_changes_nothing_for_adult_subjects() -> None:
    """They stand at the ordinary desk and need no agreement."""
    rules = policy(protected=PROTECTED | {"under_18": True}, minimum_age=10)
    assert published(row(), rules).desk == "front-desk"


# Lawful basis


def test_the_lawful_basis_may_stand_in_the_row() -> None:
    """Then the row's own is recorded, and it must be one that the policy lists."""
    rules = policy(row_lawful_bases=["uk-gdpr-6-1-c", "uk-gdpr-6-1-e"])
    decision = published(row(lawful_basis="UK-GDPR-6-1-C"), rules)
    assert decision.lawful_basis == "uk-gdpr-6-1-c"
    for basis in ("", "none"):
        assert withheld(row(lawful_basis=basis), rules) == Reason.LAWFUL_BASIS_MISSING


# All together


@given(
    role=st.sampled_from(["Client", "Victim", "Witness", "Caller", "Landlord", "?", "", None]),
    status=st.sampled_from(["Open", "Closed", ""]),
    opened=st.none() | DAYS,
    born=st.dates(date(1900, 1, 1), date(2030, 1, 1)),
    today=DAYS,
)
def test_nobody_protected_is_published_whatever_the_record_says(
    role: str | None, status: str, opened: date | None, born: date, today: date
) -> None:
    """Published are open records of adult subjects with a dated fact, and no others."""
    record = row(born.isoformat(), role=role, status=status, opened=opened)
    if isinstance(decide(record, policy(), today), Publish):
        assert role == "Client"
        assert status == "Open"
        assert opened is not None
        assert opened <= today
        assert (today.year - 18, today.month, today.day) >= (born.year, born.month, born.day)


def test_no_sentence_repeats_a_value_of_the_record() -> None:
    """Decisions are printed and logged."""
    secret = "Xanthippe"
    rules = policy(categories={"include": ["Housing"]}, row_lawful_bases=["uk-gdpr-6-1-e"])
    for facts in ({"role": secret}, {"status": secret}, {"category": secret},
                  {"category": "Housing", "lawful_basis": secret}):  # fmt: skip
        decision = decide(row(**facts), rules, TODAY)
        assert isinstance(decision, Withhold)
        assert secret not in decision.sentence


def test_deciding_changes_nothing() -> None:
    """A pure function: the same twice."""
    record, rules = row(), policy()
    assert decide(record, rules, TODAY) == decide(record, rules, TODAY)
    assert rules == policy(**POLICY)
