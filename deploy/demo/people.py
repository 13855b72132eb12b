"""Invents people: seeded, so that the same seed makes the same people; none of them is real.

Numbers come from ranges that nobody can have: telephone numbers that
Ofcom keeps for drama, NHS numbers of the test range 999, National Insurance numbers with the
example prefix QQ, PNC serials beyond nine million, a postcode area (EM) that does not exist, and
e-mail addresses under .example.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from deploy.demo.names import FORENAMES, SURNAMES

_FIRST_BIRTH: Final = date(1940, 1, 1)
_LAST_BIRTH: Final = date(2005, 12, 31)
_LATEST_PNC: Final = 2025
_MIDDLE_NAMES: Final = (
    "Alex", "Ashley", "Cameron", "Charlie", "Courtney", "Dale", "Darcy", "Drew", "Elliot", "Glen",
    "Hayden", "Jamie", "Jo", "Jordan", "Kelly", "Kerry", "Kim", "Leigh", "Leslie", "Lindsay",
    "Morgan", "Robin", "Rowan", "Sam", "Shannon", "Shelby", "Sidney", "Stacey", "Taylor", "Tracy",
)  # fmt: skip
"""Names given to boys and girls alike: the tables do not say which a first name is."""
_PNC_LETTERS: Final = "ZABCDEFGHJKLMNPQRTUVWXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One fictional person as they are; what an agency has written of them is another matter.

    `former` is an earlier surname, or empty.
    """

    given: str
    middle: str = ""
    family: str
    former: str = ""
    born: date
    postcode: str = "EM1 1AA"
    pnc_id: str = ""
    nhs_number: str = ""
    nino: str = ""
    telephone: str = ""
    email: str = ""


class Inventor:
    """Invents one person after another from a seed."""

    def __init__(self, seed: int) -> None:
        """Start anew: the people depend on the seed and on nothing else."""
        self.random: Final = Random(seed)  # noqa: S311 - invents people, guards nothing
        self._taken: Final[set[tuple[str, str]]] = set()

    def person(self) -> Person:
        """Return another person: an adult, no two of one name."""
        days = (_LAST_BIRTH - _FIRST_BIRTH).days
        born = _FIRST_BIRTH + timedelta(days=self.random.randrange(days))
        while True:
            given, family = self._forename(born), self._surname()
            if (given, family) not in self._taken and given != family:
                break
        self._taken.add((given, family))
        return self.with_numbers(
            Person(
                given=given,
                middle=self.random.choice(_MIDDLE_NAMES) if self.random.random() < 0.6 else "",
                family=family,
                former=self._surname() if self.random.random() < 0.15 else "",
                born=born,
            )
        )

    def with_numbers(self, person: Person) -> Person:
        """Return the person with numbers, a postcode and ways to reach them."""
        draw = self.random.randrange
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        return Person(
            given=person.given,
            middle=person.middle,
            family=person.family,
            former=person.former,
            born=person.born,
            postcode=f"EM{draw(1, 15)} {draw(1, 10)}{letters[draw(20)]}{letters[draw(20)]}",
            pnc_id=self._pnc_id(min(person.born.year + 18 + draw(4), _LATEST_PNC)),
            nhs_number=self._nhs_number(),
            nino=f"QQ{draw(100_000, 1_000_000)}{'ABCD'[draw(4)]}",
            telephone=self._telephone(),
            email=f"{person.given}.{person.family}{draw(10, 100)}@post.example".lower(),
        )

    def _forename(self, born: date) -> str:
        given_then = next(names for year, names in reversed(FORENAMES) if born.year >= year)
        return self.random.choice(given_then)

    def _surname(self) -> str:
        return self.random.choice(SURNAMES)

    def _pnc_id(self, year: int) -> str:
        """A number with the right check letter, of a serial that no year reaches."""
        serial = f"{self.random.randrange(9_000_000, 10_000_000)}"
        letter = _PNC_LETTERS[int(f"{year % 100:02}{serial}") % len(_PNC_LETTERS)]
        return f"{year}/{serial}{letter}"

    def _nhs_number(self) -> str:
        """A number of the test range 999 with the right check digit (modulus 11)."""
        while True:
            digits = f"999{self.random.randrange(1_000_000):06}"
            weighted = sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True))
            check = (11 - weighted % 11) % 11
            if check < 10:
                return f"{digits[:3]} {digits[3:6]} {digits[6:]}{check}"

    def _telephone(self) -> str:
        number = self.random.randrange(1000)
        return (f"07700 900{number:03}", f"01632 960{number:03}", f"020 7946 0{number:03}")[
            self.random.randrange(3)
        ]
