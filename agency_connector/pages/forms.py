"""What officers type into the pages, read from a form: what fits, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.checks import CheckRequest, Identifier, TypedParticulars

LONGEST: Final = 300
LONGEST_REASON: Final = 1000
SHORTEST_REASON: Final = 3
FIELDS: Final = (
    "check", "full_name", "day", "month", "year", "purpose", "reason", "postcode",
    "identifier_kind", "identifier",
)  # fmt: skip
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
    """The form as it was sent; every field is text."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "CheckForm":
        """Return the known fields of what was sent."""
        return cls({name: form.get(name, "") for name in FIELDS})

    @classmethod
    def empty(cls, check: str, **values: str) -> "CheckForm":
        """Return a form that nobody has filled in yet, for the check id `check`."""
        return cls.of({"check": check, **values})

    def numbered(self, check: str) -> "CheckForm":
        """Return the same form for another check id."""
        return CheckForm({**self.values, "check": check})

    def wrong(self) -> tuple[Wrong, ...]:
        """Return what has to be mended before anything can be searched."""
        told = self.values
        found = []
        if not (told["full_name"].strip() or told["identifier"].strip()):
            found.append(Wrong("full_name", "Enter the full name"))
        if not told["purpose"]:
            found.append(Wrong("purpose", "Choose the purpose"))
        if len(told["reason"].strip()) < SHORTEST_REASON:
            found.append(Wrong("reason", "Enter the reason in your own words"))
        if len(told["reason"]) > LONGEST_REASON:
            found.append(
                Wrong("reason", f"Shorten the reason to {LONGEST_REASON} characters or fewer")
            )
        found += [
            Wrong(name, f"Shorten this to {LONGEST} characters or fewer")
            for name in ("full_name", "day", "month", "year", "postcode", "identifier")
            if len(told[name]) > LONGEST
        ]
        if told["identifier"].strip() and told["identifier_kind"] not in IDENTIFIER_KINDS:
            found.append(Wrong("identifier", "Choose which number this is"))
        return tuple(found)

    def request(self) -> CheckRequest:
        """Return the check that the form asks for; msgspec.ValidationError if it is not one."""
        told = self.values
        numbers: tuple[Identifier, ...] = ()
        if told["identifier"].strip():
            numbers = (
                msgspec.convert(
                    {"kind": told["identifier_kind"], "value": told["identifier"]}, Identifier
                ),
            )
        request = CheckRequest(
            check=told["check"],
            particulars=TypedParticulars(
                full_name=told["full_name"],
                born=self._born(),
                postcode=told["postcode"],
                identifiers=numbers,
            ),
            purpose=told["purpose"],
            reason=told["reason"].strip(),
        )
        return msgspec.convert(msgspec.to_builtins(request), CheckRequest)

    def _born(self) -> str:
        """Return the date as one text: a year alone, month and year, or all three."""
        parts = [self.values[name].strip() for name in ("day", "month", "year")]
        if not any(parts):
            return ""
        day, month, year = parts
        if not day:
            return f"{month}/{year}" if month else year
        return "/".join(parts)


def field_of(sentence: str) -> str:
    """Return the field that a sentence of the connector is about, by how it begins."""
    about = sentence.partition(":")[0]
    names = [part.strip() for part in about.replace(" and ", ",").split(",")]
    return next((_BY_SENTENCE[name.capitalize() if name.islower() else name]
                 for name in names if name in _BY_SENTENCE), "")  # fmt: skip
