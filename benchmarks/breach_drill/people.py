"""The people of the drill: the demo's sample, canaries that can be found nowhere else, strangers.

None of them is real. Canaries have names, dates, postcodes, numbers and reasons so rare that each
of them found anywhere can only have come from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from agency_connector.matching.particulars import Particulars
from deploy.demo.involvements import Agency, Role, involvements
from deploy.demo.people import Inventor, Person

AGENCIES: Final[tuple[Agency, ...]] = ("police", "housing", "health", "probation")
_STRANGERS_SEED: Final = 19_910_807
_NUMBERS_SEED: Final = 4_711
_NHS_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Case:
    """One agency's record of a person: `who` is the person's place among the sample's people."""

    agency: Agency
    local_id: str
    who: int
    particulars: Particulars
    role: Role
    is_open: bool
    is_sensitive: bool
    opened: date
    reviewed: date


@dataclass(frozen=True, slots=True)
class Canary:
    """Somebody whose traces are searched for, with the officer and the reason of a check."""

    who: int
    person: Person
    nhs_number: str
    officer: str
    reason: str
    local_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Who is recorded where. `strangers` are people whom nobody has recorded."""

    people: tuple[Person, ...]
    cases: tuple[Case, ...]
    canaries: tuple[Canary, ...]
    strangers: tuple[Person, ...]

    def forms(self, who: int) -> tuple[Particulars, ...]:
        """Return a person as they are, under an earlier surname, and as each agency wrote them."""
        written = [case.particulars for case in self.cases if case.who == who]
        nhs = [canary.nhs_number for canary in self.canaries if canary.who == who]
        return tuple(dict.fromkeys((*forms_of(self.people[who], *nhs), *written)))


_CANARIES: Final = (
    (
        Person(
            given="Zephyrantha", middle="Oswinette", family="Quillonbarrow",
            born=date(1943, 10, 29), postcode="BX97 9ZQ",
        ),
        ("police", "housing", "health"),
        "officer.wrenfeather",
        "Lantern sighted beyond Foxglove Quarry by the tollkeeper, zq-7719",
    ),
    (
        Person(
            given="Aurélienne", middle="Þórdís", family="Kvistgård-Brøndum",
            born=date(1967, 8, 31), postcode="BX96 8QZ",
        ),
        ("health", "probation"),
        "officer.ålesund-marrow",
        "Straße über den Kürbishügel: \"three kettles\" & 40 % gone, xk-3083",
    ),
    (
        Person(
            given="Bartholomina", middle="Fitzgeraldine", family="Wraxendyke",
            born=date(1989, 12, 27), postcode="BX95 7XJ",
        ),
        ("police", "probation"),
        "officer.thistlegrove",
        "Unaccountable marmalade at the Pemberwick weir, jv-6650",
    ),
)  # fmt: skip


def sample(today: date, people: int | None, strangers: int) -> Sample:
    """Return the demo's sample (its first `people` people, or all), canaries and strangers.

    It depends on nothing but its arguments; `today` is the day on which cases are open.
    """
    known: dict[Person, int] = {}
    cases: list[Case] = []
    for number, told in enumerate(involvements(today)):
        if told.person not in known and people is not None and len(known) >= people:
            continue
        who = known.setdefault(told.person, len(known))
        cases.append(
            Case(
                agency=told.agency,
                local_id=f"{told.agency[:2].upper()}-{40_000 + 7 * number}",
                who=who,
                particulars=Particulars(
                    given=told.written.given,
                    middle=told.written.middle,
                    family=told.written.family,
                    born="" if told.written.born is None else told.written.born.isoformat(),
                    postcode=told.written.postcode,
                    identifiers=_identifiers(told.agency, told.person, told.person.nhs_number),
                ),
                role=told.role,
                is_open=told.is_open,
                is_sensitive=told.is_sensitive,
                opened=told.opened,
                reviewed=told.reviewed,
            )
        )
    everybody = list(known)
    canaries = []
    inventor = Inventor(_NUMBERS_SEED)
    for place, (plain, agencies, officer, reason) in enumerate(_CANARIES):
        canary = replace(inventor.with_numbers(plain), postcode=plain.postcode)
        nhs_number = _never_issued(inventor.random)
        local_ids = []
        for agency in agencies:
            local_ids.append(f"ZQXJ-{agency}-{99_071 + 13 * place}")
            cases.append(
                _canary_case(agency, local_ids[-1], len(everybody), canary, nhs_number, today)
            )
        canaries.append(
            Canary(len(everybody), canary, nhs_number, officer, reason, tuple(local_ids))
        )
        everybody.append(canary)
    others = Inventor(_STRANGERS_SEED)
    return Sample(
        people=tuple(everybody),
        cases=tuple(cases),
        canaries=tuple(canaries),
        strangers=tuple(others.person() for _ in range(strangers)),
    )


def forms_of(person: Person, *nhs_numbers: str) -> tuple[Particulars, ...]:
    """Return a person as they are, and under an earlier surname if they had one."""
    plain = Particulars(
        given=person.given,
        middle=person.middle,
        family=person.family,
        born=person.born.isoformat(),
        postcode=person.postcode,
        identifiers=(
            ("pnc", person.pnc_id),
            ("nin", person.nino),
            *(("nhs", number) for number in nhs_numbers or (person.nhs_number,)),
        ),
    )
    return (plain, replace(plain, family=person.former)) if person.former else (plain,)


def _canary_case(
    agency: str, local_id: str, who: int, canary: Person, nhs_number: str, today: date
) -> Case:
    known = next(one for one in AGENCIES if one == agency)
    return Case(
        agency=known,
        local_id=local_id,
        who=who,
        particulars=Particulars(
            given=canary.given,
            middle=canary.middle,
            family=canary.family,
            born=canary.born.isoformat(),
            postcode=canary.postcode,
            identifiers=_identifiers(known, canary, nhs_number),
        ),
        role="subject",
        is_open=True,
        is_sensitive=known == "health",
        opened=today - timedelta(days=20),
        reviewed=today - timedelta(days=10),
    )


def _identifiers(agency: Agency, person: Person, nhs_number: str) -> tuple[tuple[str, str], ...]:
    """Return the numbers that an agency of this kind writes down."""
    held: dict[Agency, Sequence[tuple[str, str]]] = {
        "police": (("pnc", person.pnc_id),),
        "housing": (("nin", person.nino),),
        "health": (("nhs", nhs_number),),
        "probation": (("pnc", person.pnc_id),),
    }
    return tuple(held[agency])


def _never_issued(random: Random) -> str:
    """A number with the right check digit (modulus 11) of a range that was never issued."""
    while True:
        digits = f"98{random.randrange(10_000_000):07}"
        total = sum(int(d) * (10 - at) for at, d in enumerate(digits[:_NHS_DIGITS]))
        check = (11 - total % 11) % 11
        if check < 10:
            return f"{digits[:3]} {digits[3:6]} {digits[6:]}{check}"
