"""Who is known to which agency, in which role, since when, and how it was written down there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Literal

from deploy.demo.people import Inventor, Person

SEED: Final = 20_261_101
FURTHER_PEOPLE: Final = 70

Agency = Literal["police", "housing", "health", "probation"]
AGENCIES: Final[tuple[Agency, ...]] = ("police", "housing", "health", "probation")
Role = Literal["subject", "victim", "witness", "reporter"]


class Slip(StrEnum):
    """How what an agency wrote differs from who the person is."""

    NONE = "none"
    NICKNAME = "nickname"
    MISSPELT = "misspelt"
    DAY_AND_MONTH_EXCHANGED = "day and month exchanged"
    FORMER_SURNAME = "former surname"
    NO_POSTCODE = "no postcode"
    INITIAL_ONLY = "initial only"
    PLACEHOLDER_DATE = "placeholder date"
    IMPOSSIBLE_DATE = "impossible date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an agency wrote. `born` is None for a date that does not exist."""

    given: str
    middle: str
    family: str
    born: date | None
    postcode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Involvement:
    """One agency's case about one person. `opened` and `reviewed` are the dated facts."""

    agency: Agency
    person: Person
    written: Written
    role: Role
    is_open: bool
    is_sensitive: bool
    opened: date
    reviewed: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A line of the cast: an agency's case about somebody of whom the demo tells."""

    agency: Agency
    slip: Slip = Slip.NONE
    role: Role = "subject"
    is_open: bool = True
    is_sensitive: bool = False


DEAN: Final = Person(given="Dean", middle="Anthony", family="Barrowcliffe", born=date(1983, 3, 14))
WILLIAM: Final = Person(given="William", family="Holdcroft", born=date(1957, 9, 2))
PRIYA: Final = Person(given="Priya", middle="Meera", family="Mannering", born=date(1991, 4, 7))
JESSICA: Final = Person(
    given="Jessica", family="Whitlock", former="Bramley", born=date(1994, 11, 23)
)
AMARA: Final = Person(given="Amara", family="Westerby", born=date(1988, 1, 19))
HANNAH: Final = Person(given="Hannah", middle="Rose", family="Deverick", born=date(2001, 5, 8))
STRANGER: Final = Person(given="Gareth", family="Muldoon", born=date(1979, 6, 30))


def kai(today: date) -> Person:
    """Return a boy who is fifteen whenever the demo runs."""
    return Person(given="Kai", family="Springate", born=date(today.year - 16, 12, 31))


def involvements(today: date, seed: int = SEED) -> tuple[Involvement, ...]:
    """Return every agency's cases as of `today`: the cast's, then those of further people.

    The same seed gives the same people; dates of cases lie the same number of days before `today`,
    so that what is open today is open whenever the demo runs.
    """
    inventor = Inventor(seed)
    found: list[Involvement] = []
    for person, lines in _cast(today):
        known = inventor.with_numbers(person)
        found += [_involvement(inventor, today, known, line) for line in lines]
    for _ in range(FURTHER_PEOPLE):
        person = inventor.person()
        for line in _invented(inventor):
            found.append(_involvement(inventor, today, person, line))
    return tuple(found)


def _cast(today: date) -> Sequence[tuple[Person, tuple[_Told, ...]]]:
    return (
        (
            DEAN,
            (
                _Told(agency="police"),
                _Told(agency="health", slip=Slip.NO_POSTCODE),
                _Told(agency="probation"),
            ),
        ),
        (WILLIAM, (_Told(agency="housing"),)),
        (PRIYA, (_Told(agency="probation", slip=Slip.DAY_AND_MONTH_EXCHANGED),)),
        (JESSICA, (_Told(agency="housing", slip=Slip.FORMER_SURNAME),)),
        (AMARA, (_Told(agency="health", is_sensitive=True),)),
        (HANNAH, (_Told(agency="police", role="victim"), _Told(agency="housing", is_open=False))),
        (kai(today), (_Told(agency="police"), _Told(agency="health"))),
        (
            Person(given="Łukasz", family="Wójcik", born=date(1985, 12, 9)),
            (_Told(agency="housing"), _Told(agency="probation")),
        ),
        (
            Person(given="Margaret", family="Lonsdale", born=date(1949, 8, 30)),
            (_Told(agency="police", slip=Slip.PLACEHOLDER_DATE),),
        ),
        (
            Person(given="Leon", family="Freestone", born=date(1986, 2, 27)),
            (_Told(agency="health", slip=Slip.IMPOSSIBLE_DATE),),
        ),
    )


def _invented(inventor: Inventor) -> list[_Told]:
    draw = inventor.random.random
    first = inventor.random.choices(AGENCIES, weights=(5, 4, 3, 2))[0]
    agencies = [first]
    agencies += [other for other in AGENCIES if other != first and draw() < 0.25]
    lines = []
    for agency in agencies:
        slip = Slip.NONE
        if draw() < 0.4:
            slip = inventor.random.choices(_ORDINARY_SLIPS)[0]
        role: Role = "subject"
        if agency in ("police", "housing"):
            role = inventor.random.choices(_ROLES, weights=(12, 3, 2, 2))[0]
        lines.append(
            _Told(
                agency=agency,
                slip=slip,
                role=role,
                is_open=draw() < 0.75,
                is_sensitive=agency == "health" and draw() < 0.2,
            )
        )
    return lines


_NICKNAMES: Final = {
    "Abigail": "Abbie", "Alexander": "Alex", "Alexandra": "Sandra", "Andrew": "Andy",
    "Anthony": "Tony", "Benjamin": "Ben", "Catherine": "Cathy", "Charles": "Charlie",
    "Christine": "Chris", "Christopher": "Chris", "Daniel": "Dan", "David": "Dave",
    "Edward": "Ted", "Elizabeth": "Liz", "Frederick": "Fred", "George": "Georgie",
    "Jacqueline": "Jackie", "James": "Jim", "Jennifer": "Jenny", "John": "Jack",
    "Jonathan": "Jon", "Joseph": "Joe", "Joshua": "Josh", "Katherine": "Kate", "Kenneth": "Ken",
    "Margaret": "Peggy", "Matthew": "Matt", "Michael": "Mick", "Nicholas": "Nick",
    "Oliver": "Ollie", "Pamela": "Pam", "Patricia": "Pat", "Peter": "Pete", "Philip": "Phil",
    "Rebecca": "Becky", "Richard": "Dick", "Robert": "Bob", "Ronald": "Ron", "Samuel": "Sam",
    "Stephen": "Steve", "Steven": "Steve", "Susan": "Sue", "Thomas": "Tom", "Timothy": "Tim",
    "Victoria": "Vicky", "William": "Bill",
}  # fmt: skip
_ROLES: Final[tuple[Role, ...]] = ("subject", "victim", "witness", "reporter")
_ORDINARY_SLIPS: Final = (
    Slip.NICKNAME,
    Slip.MISSPELT,
    Slip.DAY_AND_MONTH_EXCHANGED,
    Slip.FORMER_SURNAME,
    Slip.NO_POSTCODE,
    Slip.INITIAL_ONLY,
)


def _involvement(inventor: Inventor, today: date, person: Person, line: _Told) -> Involvement:
    opened = today - timedelta(days=inventor.random.randrange(40, 300))
    reviewed = opened + timedelta(days=inventor.random.randrange((today - opened).days))
    return Involvement(
        agency=line.agency,
        person=person,
        written=_written(inventor, person, line.slip),
        role=line.role,
        is_open=line.is_open,
        is_sensitive=line.is_sensitive,
        opened=opened,
        reviewed=reviewed,
    )


def _written(inventor: Inventor, person: Person, slip: Slip) -> Written:
    """Return what was written with this slip, or the plain truth where it cannot be made."""
    written = Written(
        given=person.given,
        middle=person.middle,
        family=person.family,
        born=person.born,
        postcode=person.postcode,
    )
    match slip:
        case Slip.NICKNAME:
            return replace(written, given=_NICKNAMES.get(person.given, person.given))
        case Slip.MISSPELT:
            return replace(written, family=_misspelt(inventor, person.family))
        case Slip.DAY_AND_MONTH_EXCHANGED:
            return replace(written, born=_exchanged(person.born))
        case Slip.FORMER_SURNAME:
            # Whoever was known under another surname lived elsewhere then.
            moved = inventor.with_numbers(person).postcode
            return replace(written, family=person.former or person.family, postcode=moved)
        case Slip.NO_POSTCODE:
            return replace(written, postcode="")
        case Slip.INITIAL_ONLY:
            return replace(written, given=person.given[0], middle="")
        case Slip.PLACEHOLDER_DATE:
            return replace(written, born=date(1900, 1, 1))
        case Slip.IMPOSSIBLE_DATE:
            return replace(written, born=None)
        case Slip.NONE:
            return written


def _exchanged(born: date) -> date:
    """Return the date with day and month exchanged, where there is such a date."""
    return date(born.year, born.day, born.month) if born.day <= 12 else born


def _misspelt(inventor: Inventor, name: str) -> str:
    """Return the name with two neighbouring letters, not the first, exchanged."""
    at = inventor.random.randrange(1, len(name) - 1) if len(name) > 3 else 1
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :] if len(name) > 2 else name
