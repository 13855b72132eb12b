"""People who do not exist, and what a check of them would answer: nothing of it leaves the page."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from agency_connector.pages.forms import CheckForm


@dataclass(frozen=True, slots=True)
class Invented:
    """Somebody made up: name, date of birth as the form has it, and who would be involved."""

    name: str
    born: str
    partner: str
    team: str
    sure: str
    because: str
    reference: str


PEOPLE: Final = (
    Invented(
        "Wilhelmina Practice", "3/4/1987", "Practice Housing", "Tenancy support",
        "Almost certainly the same person", "Same name and date of birth", "7KQ2M-XW4RD",
    ),
    Invented(
        "Barnaby Example", "21/11/2009", "Practice Health Trust", "Children's safeguarding",
        "Probably the same person", "Same surname and date of birth, similar first name",
        "9HT4P-BC3NV",
    ),
)  # fmt: skip
NOBODY: Final = "Ignatius Pretend, born 9 9 1999"
"""Somebody of whom nothing is found."""

PURPOSES: Final = [("practice", "Practice: no real purpose")]
# Numbers that the regulator keeps for drama, so that nobody is rung up.
PHONE: Final = "01632 960999"


def found(sent: CheckForm) -> Invented | None:
    """Return the invented person whom the form names, or None."""
    told = sent.values
    name = _folded(told["full_name"] or f"{told['given']} {told['family']}")
    return next(
        (each for each in PEOPLE if _folded(each.name) == name and _same_day(each.born, sent.born)),
        None,
    )


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _same_day(one: str, other: str) -> bool:
    return [part.lstrip("0") for part in one.split("/")] == [
        part.lstrip("0") for part in other.split("/")
    ]
