"""What auditors type into their pages, read from a form: what fits, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

import msgspec

from agency_connector.pages.forms import IDENTIFIER_KINDS, LONGEST, Wrong, without_unseen
from schemas.audit import Filter
from schemas.checks import Identifier, TypedParticulars

Kind = Literal["person", "lookups", "everything"]
"""Which of the forms it is."""

MOST_SCANNED: Final = 2_000
"""How many entries a page reads at most in one complete scan."""

_DAY: Final = timedelta(days=1)
_EARLIEST: Final = date(2000, 1, 1)
_LATEST: Final = date(2999, 12, 31)
_RANGE: Final = ("since", "until")
_FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "person": (
        "full_name", "day", "month", "year", "postcode", "identifier_kind", "identifier",
        "ground", *_RANGE,
    ),
    "lookups": ("agency", "purpose", "pseudonym", "first", *_RANGE),
    "everything": ("ground", "first", "user_name"),
}  # fmt: skip

_BY_WORDS: Final[Mapping[str, str]] = {
    "the reference of the complaint": "ground",
    "date of birth": "day",
    "postcode": "postcode",
    "name": "full_name",
    "surname": "full_name",
    "first name": "full_name",
    "nhs number": "identifier",
    "pnc id": "identifier",
    "cro number": "identifier",
    "national insurance number": "identifier",
    "upn": "identifier",
}


class DoesNotFit(ValueError):
    """Something on the form cannot be used; `wrong` says what."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.wrong = Wrong(field, sentence)


@dataclass(frozen=True, slots=True, repr=False)
class AuditForm:
    """One of the three forms as it was sent; every field is text, and none is a secret."""

    kind: Kind
    values: Mapping[str, str]

    @classmethod
    def of(cls, kind: Kind, form: Mapping[str, str]) -> "AuditForm":
        """Return the known fields of what was sent."""
        return cls(kind, {name: _cleaned(form.get(name, "")) for name in _FIELDS[kind]})

    def particulars(self) -> TypedParticulars:
        """Return the person who is sought; DoesNotFit."""
        told = self.values
        if not (told["full_name"] or told["identifier"]):
            raise DoesNotFit("full_name", "Enter the full name")
        for name in ("full_name", "day", "month", "year", "postcode", "identifier"):
            if len(told[name]) > LONGEST:
                raise DoesNotFit(name, f"Shorten this to {LONGEST} characters or fewer")
        numbers: tuple[Identifier, ...] = ()
        if told["identifier"]:
            if told["identifier_kind"] not in IDENTIFIER_KINDS:
                raise DoesNotFit("identifier", "Choose which number this is")
            number = {"kind": told["identifier_kind"], "value": told["identifier"]}
            numbers = (msgspec.convert(number, Identifier),)
        return TypedParticulars(
            full_name=told["full_name"],
            born=_born(told["day"], told["month"], told["year"]),
            postcode=told["postcode"],
            identifiers=numbers,
        )

    def filter(self) -> Filter:
        """Return which lookups are asked for; DoesNotFit."""
        told = self.values
        if not (told["agency"] or told["purpose"] or told["pseudonym"]):
            raise DoesNotFit(
                "agency",
                "Choose an agency, a purpose or a pseudonym: all lookups are a complete scan",
            )
        since, until = self.range()
        # The table puts an apostrophe before what a spreadsheet would take for a formula.
        wanted = {
            "agency": told["agency"] or None,
            "purpose": told["purpose"] or None,
            "officer": told["pseudonym"].removeprefix("'") or None,
            "lookup": None,
            "since": since,
            "until": until,
        }
        try:
            return msgspec.convert(wanted, Filter)
        except msgspec.ValidationError:
            raise DoesNotFit(
                "pseudonym", "A pseudonym has 22 characters: copy it as the table has it"
            ) from None

    def range(self) -> tuple[int | None, int | None]:
        """Return from when on and before when (ms UTC): whole days, the last one included."""
        since, until = self._day("since"), self._day("until")
        if since is not None and until is not None and until < since:
            raise DoesNotFit("until", "The last day is before the first: change one of them")
        return _ms(since), _ms(None if until is None else until + _DAY)

    def first(self) -> int:
        """Return the number of the first entry that is wanted; DoesNotFit."""
        text = self.values["first"] or "0"
        if not (text.isascii() and text.isdigit() and len(text) <= len("1000000000")):
            raise DoesNotFit("first", "Enter the number of an entry, such as 0 or 2000")
        return int(text)

    def field_of(self, sentence: str) -> str:
        """Return the field that a sentence of the connector is about, by how it begins, or ""."""
        said = sentence.lower()
        field = next((name for words, name in _BY_WORDS.items() if said.startswith(words)), "")
        return field if field in self.values else ""

    def _day(self, name: str) -> date | None:
        text = self.values[name]
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = date.max
        if not _EARLIEST <= day <= _LATEST:
            raise DoesNotFit(name, "Enter the day as year, month and day: 2026-11-22")
        return day


def _cleaned(text: str) -> str:
    """Return what was typed without what nobody sees, and with single spaces."""
    return without_unseen(" ".join(text.split())).strip(" \u200c\u200d")


def _born(day: str, month: str, year: str) -> str:
    """Return the date as one text: a year alone, month and year, or all three."""
    if not (day or month or year):
        return ""
    if day:
        return f"{day}/{month}/{year}"
    return f"{month}/{year}" if month else year


def _ms(day: date | None) -> int | None:
    if day is None:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
