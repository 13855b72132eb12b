"""The normalised person from which match keys are made, and the account of what was not usable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a field or a whole record cannot be used.

    `code` is for programs (`date_impossible`), `sentence` for people: it names the field and says
    what to do, and never repeats a value.
    """

    code: str
    sentence: str


@dataclass(frozen=True, slots=True, repr=False)
class Postcode:
    """A UK postcode without the space, and the wider areas it lies in: `sw1a2aa`, `sw1a2`,
    `sw1a`.

    `unit` and `sector` are "" where only the district is known. `wide`: another country's code,
    the same in all three, which stands for thousands of people.
    """

    unit: str
    sector: str
    district: str
    wide: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """One person, normalised: names hold only the letters a to z.

    `given` and `family` may be empty or (given) a single initial. `family_parts` are the parts of
    a double-barrelled surname, else empty. Where `born` is known, `years` is its year; else
    `years` are the possible years of birth (an approximate age gives several), or none; of an
    impossible date, `meant` are the dates one slip away from it.
    `identifiers` are valid, canonical and sorted. `left_out` says which fields were given but
    could not be used: a page should show them before it searches, a preview lists them.
    """

    given: str = ""
    middles: tuple[str, ...] = ()
    family: str = ""
    family_parts: tuple[str, ...] = ()
    born: date | None = None
    years: tuple[int, ...] = ()
    meant: tuple[date, ...] = ()
    postcode: Postcode | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    left_out: tuple[Unusable, ...] = ()

    def __repr__(self) -> str:
        """Name the class only: the values are personal data and repr() ends up in logs."""
        return "Person(<withheld>)"
