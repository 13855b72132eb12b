"""What officers type into the pages, read from a form: what fits, and what is wrong with it."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from agency_connector.journal.records import Beside
from schemas.checks import CheckRequest, Identifier, TypedParticulars

LONGEST: Final = 300
LONGEST_REASON: Final = 1000
SHORTEST_REASON: Final = 3
OLDEST: Final = 125
AT_ONCE_REASON: Final = "Immediate risk of serious harm"
FIELDS: Final = (
    "check", "full_name", "given", "family", "day", "month", "year", "age", "purpose", "reason",
    "postcode", "identifier_kind", "identifier", "case_reference", "on_behalf_of", "at_once",
)  # fmt: skip
DETAILS: Final = (
    "given", "family", "postcode", "identifier", "case_reference", "on_behalf_of"
)  # fmt: skip
"""The fields that are folded away until somebody needs them."""

_LINES: Final = tuple(name for name in FIELDS if name not in ("check", "purpose", "reason"))
_KEPT_CONTROLS: Final = "\n\u200c\u200d"
"""Line ends of a reason, and the joiners that Persian, Urdu and Hindi are written with."""

_BY_SENTENCE: Final = {
    "Date of birth": "day",
    "Postcode": "postcode",
    "Name": "full_name",
    "First name": "full_name",
    "Middle name": "full_name",
    "Surname": "full_name",
    "NHS number": "identifier",
    "PNC ID": "identifier",
    "CRO number": "identifier",
    "National Insurance number": "identifier",
    "UPN": "identifier",
    "Identifier": "identifier",
}
IDENTIFIER_KINDS: Final[Mapping[str, str]] = {
    "nhs": "NHS number",
    "pnc": "PNC ID",
    "cro": "CRO number",
    "nin": "National Insurance number",
    "upn": "UPN (pupil number)",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong, in a sentence, and the field it is about ("" for none)."""

    field: str
    sentence: str


@dataclass(frozen=True, slots=True, repr=False)
class CheckForm:
    """The form as it was sent, without what cannot be seen; every field is text."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "CheckForm":
        """Return the known fields of what was sent, cleaned."""
        return cls({name: _cleaned(name, form.get(name, "")) for name in FIELDS})

    @classmethod
    def empty(cls, check: str, **values: str) -> "CheckForm":
        """Return a form that nobody has filled in yet, for the check id `check`."""
        return cls.of({"check": check, **values})

    @classmethod
    def about(cls, check: str, told: TypedParticulars, **values: str) -> "CheckForm":
        """Return a form for another check of the same person."""
        parts = told.born.split("/")
        born = dict(zip(("day", "month", "year"), ["", "", "", *parts][-3:], strict=True))
        if told.born.startswith(_ABOUT_AGED):
            born = {"age": told.born.removeprefix(_ABOUT_AGED)}
        number = told.identifiers[0] if told.identifiers else None
        return cls.of(
            {
                "check": check,
                "full_name": told.full_name,
                "given": told.given,
                "family": told.family,
                "postcode": told.postcode,
                "identifier_kind": number.kind if number else "",
                "identifier": number.value if number else "",
                **born,
                **values,
            }
        )

    def numbered(self, check: str) -> "CheckForm":
        """Return the same form for another check id."""
        return CheckForm({**self.values, "check": check})

    @property
    def at_once(self) -> bool:
        """Whether there is an immediate risk of serious harm."""
        return bool(self.values["at_once"])

    @property
    def born(self) -> str:
        """The date as one text: a year alone, month and year, all three, or an age; else ""."""
        day, month, year = (self.values[name] for name in ("day", "month", "year"))
        if not (day or month or year):
            return f"{_ABOUT_AGED}{self.values['age']}" if self.values["age"] else ""
        if not day:
            return f"{month}/{year}" if month else year
        return f"{day}/{month}/{year}"

    def wrong(self) -> tuple[Wrong, ...]:
        """Return what has to be mended before anything can be searched."""
        told = self.values
        found = [*self._wrong_names(), *self._wrong_age()]
        if not told["purpose"]:
            found.append(Wrong("purpose", "Choose the purpose"))
        if len(told["reason"]) < SHORTEST_REASON and not (self.at_once and not told["reason"]):
            found.append(Wrong("reason", "Enter the reason in your own words"))
        if len(told["reason"]) > LONGEST_REASON:
            found.append(
                Wrong("reason", f"Shorten the reason to {LONGEST_REASON} characters or fewer")
            )
        found += [
            Wrong(
                "day" if name in ("month", "year") else name,
                f"Shorten this to {LONGEST} characters or fewer",
            )
            for name in _LINES
            if len(told[name]) > LONGEST
        ]
        if told["identifier"] and told["identifier_kind"] not in IDENTIFIER_KINDS:
            found.append(Wrong("identifier", "Choose which number this is"))
        return tuple(found)

    def request(self) -> CheckRequest:
        """Return the check that the form asks for; msgspec.ValidationError if it is not one."""
        told = self.values
        numbers: tuple[Identifier, ...] = ()
        if told["identifier"]:
            numbers = (
                msgspec.convert(
                    {"kind": told["identifier_kind"], "value": told["identifier"]}, Identifier
                ),
            )
        request = CheckRequest(
            check=told["check"],
            particulars=TypedParticulars(
                full_name=told["full_name"],
                given=told["given"],
                family=told["family"],
                born=self.born,
                postcode=told["postcode"],
                identifiers=numbers,
            ),
            purpose=told["purpose"],
            reason=told["reason"] or AT_ONCE_REASON,
        )
        return msgspec.convert(msgspec.to_builtins(request), CheckRequest)

    def beside(self) -> Beside:
        """Return what is kept beside the check."""
        return Beside(
            case_reference=self.values["case_reference"],
            on_behalf_of=self.values["on_behalf_of"],
            at_once=self.at_once,
        )

    def field_of(self, sentence: str) -> str:
        """Return the field that a sentence of the connector is about, by how it begins."""
        about = sentence.partition(":")[0]
        names = [part.strip() for part in about.replace(" and ", ",").split(",")]
        field = next((_BY_SENTENCE[name.capitalize() if name.islower() else name]
                      for name in names if name in _BY_SENTENCE), "")  # fmt: skip
        if field == "full_name" and not self.values["full_name"] and self.values["family"]:
            return "given"
        return "age" if field == "day" and self.born.startswith(_ABOUT_AGED) else field

    def _wrong_names(self) -> list[Wrong]:
        told = self.values
        if told["full_name"] and (told["given"] or told["family"]):
            return [Wrong("given", "Give the full name, or given and family name, but not both")]
        if not (told["full_name"] or told["given"] or told["family"] or told["identifier"]):
            return [Wrong("full_name", "Enter the full name")]
        return []

    def _wrong_age(self) -> list[Wrong]:
        age = self.values["age"]
        if not age:
            return []
        if self.values["day"] or self.values["month"] or self.values["year"]:
            return [Wrong("age", "Give the date of birth or an age, but not both")]
        if not (age.isascii() and age.isdigit() and len(age) <= 3 and int(age) <= OLDEST):
            return [Wrong("age", f"Give the age in whole years, 0 to {OLDEST}")]
        return []


_ABOUT_AGED: Final = "about aged "


def without_unseen(text: str) -> str:
    """Return `text` without characters that nobody sees: zero-width, marks of direction, controls.

    The joiners stay, since some scripts are not themselves without them.
    """
    return "".join(
        one
        for one in text
        if one in _KEPT_CONTROLS or unicodedata.category(one) not in ("Cc", "Cf", "Cs")
    )


def cleaned_lines(text: str) -> str:
    """Return words of several lines without what nobody sees; a line ends with a line feed."""
    lines = without_unseen(text.replace("\r\n", "\n").replace("\t", " ")).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip()


def cleaned_line(text: str) -> str:
    """Return words of one line without what nobody sees."""
    return without_unseen(" ".join(text.split())).strip(" \u200c\u200d")


def _cleaned(name: str, text: str) -> str:
    if name in ("check", "purpose"):
        return text
    if name == "reason":
        return cleaned_lines(text)
    return cleaned_line(text)
