"""Decides whether one record may be flagged: a pure function of record, policy and day."""

from calendar import timegm
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from agency_connector.matching import dates
from agency_connector.matching.dates import PLACEHOLDERS
from agency_connector.matching.person import Unusable
from agency_connector.policy.settings import ADULT_AGE, Policy, Protected, Role, folded
from agency_connector.sources.dates import read_date
from agency_connector.sources.rows import SourceFacts, SourceRow

MAX_AGE: Final = 120


class Reason(StrEnum):
    """Why a record is not published."""

    ROLE_NOT_STATED = "role-not-stated"
    ROLE_NOT_MAPPED = "role-not-mapped"
    ROLE_NOT_FLAGGED = "role-not-flagged"
    ROLE_PROTECTED = "role-protected"
    STATUS_MISSING = "status-missing"
    STATUS_NOT_OPEN = "status-not-open"
    CATEGORY_MISSING = "category-missing"
    CATEGORY_NOT_FLAGGED = "category-not-flagged"
    DATED_FACT_MISSING = "dated-fact-missing"
    DATED_FACT_IN_FUTURE = "dated-fact-in-future"
    ENDED = "ended"
    AGE_UNKNOWN = "age-unknown"
    BELOW_MINIMUM_AGE = "below-minimum-age"
    LAWFUL_BASIS_MISSING = "lawful-basis-missing"
    AGREEMENT_MISSING = "agreement-missing"


TO_MEND: Final = frozenset(
    (
        Reason.ROLE_NOT_STATED,
        Reason.ROLE_NOT_MAPPED,
        Reason.STATUS_MISSING,
        Reason.CATEGORY_MISSING,
        Reason.DATED_FACT_MISSING,
        Reason.DATED_FACT_IN_FUTURE,
        Reason.AGE_UNKNOWN,
        Reason.LAWFUL_BASIS_MISSING,
        Reason.AGREEMENT_MISSING,
    )
)
"""Reasons that are a gap in the record or the settings, and not the policy doing its work."""


class Publish(Struct, frozen=True, kw_only=True):
    """The record may be flagged. `ends_at_ms`: milliseconds UTC, the first moment it no longer is.

    `protected`: the flag rests on the members' approval and `desk` has to be a hidden desk.
    """

    desk: str
    ends_at_ms: int
    opened: date | None
    lawful_basis: str
    protected: bool


class Withhold(Struct, frozen=True, kw_only=True):
    """The record is not flagged. `sentence` says why and what to do; it holds no value of it."""

    code: Reason
    sentence: str

    @property
    def to_mend(self) -> bool:
        """Whether somebody should put the record, or the settings, right."""
        return self.code in TO_MEND


def decide(row: SourceRow, policy: Policy, today: date) -> Publish | Withhold:
    """Return whether `row` may be flagged on `today`, the agency's local day.

    Every rule must hold. The end depends on the record's dated facts and the policy alone: on
    whatever day a record may be flagged, its flag ends at the same moment (DESIGN promise 5).
    """
    facts = row.facts
    role = _role(facts, policy, today)
    if isinstance(role, Withhold):
        return role
    refused = _status(facts, policy) or _category(facts, policy)
    if refused is not None:
        return refused
    end = _end(facts, policy, today)
    if isinstance(end, Withhold):
        return end
    years = _age_at_least(row.particulars.born, today)
    if years is None:
        sentence = _why_no_age(row.particulars.born, today)
        return Withhold(code=Reason.AGE_UNKNOWN, sentence=sentence)
    if years < policy.minimum_age:
        return Withhold(
            code=Reason.BELOW_MINIMUM_AGE,
            sentence=f"the person is younger than the policy's minimum age, {policy.minimum_age}",
        )
    protected = policy.protected if role != "subject" or years < ADULT_AGE else None
    if protected is not None and (refused := _agreement(facts, protected)) is not None:
        return refused
    basis = _lawful_basis(facts, policy, protected)
    if isinstance(basis, Withhold):
        return basis
    return Publish(
        desk=protected.hidden_desk if protected else _desk(facts, policy),
        ends_at_ms=timegm(end.timetuple()) * 1000,
        opened=facts.opened,
        lawful_basis=basis,
        protected=protected is not None,
    )


def age(born: date | None, today: date) -> int | None:
    """Return full years on `today`, or None if `born` is none, a stand-in or impossible.

    Who was born on 29 February is a year older on 1 March in other years.
    """
    if born is None or born in PLACEHOLDERS or born > today:
        return None
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years if years <= MAX_AGE else None


def _age_at_least(born: str, today: date) -> int | None:
    """Return the age in full years, or of a year or rough age the least it may be, if that is an
    adult's; None if it is not known or may be a child's."""
    full = read_date(born)
    if full is not None:
        return age(full, today)
    found = dates.read(born, today)
    if isinstance(found, Unusable) or found.born is not None or not found.years:
        return None
    least = age(date(max(found.years), 12, 31), today)
    return least if least is not None and least >= ADULT_AGE else None


def _why_no_age(born: str, today: date) -> str:
    """Return what to do about a date of birth, as the source has it, that gives no age."""
    if not born.strip():
        return "the record has no date of birth: record the full one in the case system"
    found = dates.read(born, today)
    if isinstance(found, dates.Birth) and found.born is None:
        return (
            "the date of birth is not given to the day, and the person may be a child: record the "
            "full one in the case system"
        )
    if isinstance(found, Unusable) and found.code == "date_impossible":
        return "the date of birth is no date of the calendar: correct it in the case system"
    return (
        "the age is not known, because the date of birth cannot be read, lies in the future or too "
        "far back, or is a stand-in: record the full date of birth in the case system"
    )


def _role(facts: SourceFacts, policy: Policy, today: date) -> Role | Withhold:
    if facts.role is None:
        declared = policy.declared_on if policy.holds_no_protected_roles else None
        if declared is not None and declared <= today:
            return "subject"
        return Withhold(
            code=Reason.ROLE_NOT_STATED,
            sentence="the source does not say the person's role: name its column in columns.role, "
            "or have its owner declare holds_no_protected_roles in the policy",
        )
    role = {folded(value): meaning for value, meaning in policy.roles.items()}.get(
        folded(facts.role)
    )
    if role is None:
        return Withhold(
            code=Reason.ROLE_NOT_MAPPED,
            sentence="the policy does not say what this record's role means: add its value to "
            "[sources.policy.roles], or correct the record",
        )
    if role == "other":
        return Withhold(
            code=Reason.ROLE_NOT_FLAGGED, sentence="people in this role are never flagged"
        )
    if role != "subject" and (policy.protected is None or role not in policy.protected.roles):
        return Withhold(
            code=Reason.ROLE_PROTECTED,
            sentence="victims, witnesses and people who report are not flagged without approval",
        )
    return role


def _status(facts: SourceFacts, policy: Policy) -> Withhold | None:
    if not facts.status:
        return Withhold(
            code=Reason.STATUS_MISSING,
            sentence="the record has no status: record in the case system whether it is open",
        )
    if folded(facts.status) in {folded(value) for value in policy.open_status}:
        return None
    return Withhold(
        code=Reason.STATUS_NOT_OPEN,
        sentence="the record's status is not one of the policy's open_status",
    )


def _category(facts: SourceFacts, policy: Policy) -> Withhold | None:
    rules = policy.categories
    if rules is None:
        return None
    if not facts.category:
        return Withhold(
            code=Reason.CATEGORY_MISSING,
            sentence="the record has no category and the policy decides by it: record one",
        )
    category = folded(facts.category)
    included = not rules.include or category in {folded(value) for value in rules.include}
    if included and category not in {folded(value) for value in rules.exclude}:
        return None
    return Withhold(
        code=Reason.CATEGORY_NOT_FLAGGED, sentence="the policy does not flag this category"
    )


def _end(facts: SourceFacts, policy: Policy, today: date) -> date | Withhold:
    """Return the day at whose beginning (UTC) the flag ends.

    A fact dated after today withholds the record. Were it passed over until its day came, the end
    would move on that day without a new fact.
    """
    dated = [day for day in (facts.opened, facts.reviewed) if day is not None]
    if not dated:
        return Withhold(
            code=Reason.DATED_FACT_MISSING,
            sentence="the record has no date opened or reviewed that can be read: record one, "
            "with the year in four digits",
        )
    latest = max(dated)
    if latest > today:
        return Withhold(
            code=Reason.DATED_FACT_IN_FUTURE,
            sentence="a date opened or reviewed is in the future: correct it; a planned review is "
            "no fact, so map the date of the last one",
        )
    end = latest + timedelta(days=policy.longest_life_days)
    if end > today:
        return end
    return Withhold(
        code=Reason.ENDED,
        sentence=f"more than {policy.longest_life_days} days have passed since the record was last "
        "opened or reviewed: review it if the involvement goes on",
    )


def _agreement(facts: SourceFacts, protected: Protected) -> Withhold | None:
    accepted = {folded(value) for value in (*protected.agreed, *protected.not_asked)}
    if facts.agreed and folded(facts.agreed) in accepted:
        return None
    return Withhold(
        code=Reason.AGREEMENT_MISSING,
        sentence="neither the person's agreement nor an accepted reason why they were not asked is "
        "recorded",
    )


def _lawful_basis(
    facts: SourceFacts, policy: Policy, protected: Protected | None
) -> str | Withhold:
    if facts.lawful_basis is None:
        return protected.lawful_basis if protected else policy.lawful_basis
    for basis in policy.row_lawful_bases:
        if folded(basis) == folded(facts.lawful_basis):
            return basis
    return Withhold(
        code=Reason.LAWFUL_BASIS_MISSING,
        sentence="the record's lawful basis is missing or not one of row_lawful_bases: record it",
    )


def _desk(facts: SourceFacts, policy: Policy) -> str:
    if policy.categories is not None and facts.category:
        for value, desk in policy.categories.desks.items():
            if folded(value) == folded(facts.category):
                return desk
    return policy.desk
