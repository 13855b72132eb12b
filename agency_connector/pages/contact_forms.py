"""What people type to be phoned, and to answer a request: what fits, and what is wrong with it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from agency_connector.contacts.contact import NewContact, NewStep
from agency_connector.pages.forms import Wrong, cleaned_line, cleaned_lines
from schemas.contacts import LONGEST_TEXT, ContactStep, CrimeAnswer

LONGEST_LINE: Final = 120
CLOSING: Final[tuple[ContactStep, ...]] = ("spoken", "refused", "no-longer-ours")
CRIME: Final[Mapping[str, str]] = {
    "no": "No",
    "yes": "Yes",
    "unknown": "I do not know yet",
}
CLOSED_BY: Final[Mapping[ContactStep, str]] = {
    "spoken": "We have spoken",
    "refused": "We refuse, because of what is said below",
    "no-longer-ours": "The person is no longer ours",
}
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ]{4,24}")
_STEPS: Final[tuple[ContactStep, ...]] = get_args(ContactStep)


@dataclass(frozen=True, slots=True, repr=False)
class RequestForm:
    """The form to be phoned, as it was sent."""

    request: str
    words: str
    phone: str

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "RequestForm":
        """Return what was sent, cleaned."""
        return cls(
            request=form.get("request", ""),
            words=cleaned_lines(form.get("words", "")),
            phone=cleaned_line(form.get("phone", "")),
        )

    def wrong(self) -> tuple[Wrong, ...]:
        """Return what has to be mended before it can be sent."""
        found = []
        if not self.words:
            found.append(Wrong("words", "Say what you would like to talk about"))
        if too_long := _too_long("words", self.words, LONGEST_TEXT):
            found.append(too_long)
        if self.phone and not _PHONE.fullmatch(self.phone):
            found.append(Wrong("phone", "Write the number with digits and spaces, as 01632 960100"))
        return tuple(found)

    def request_for(self, check: str, reference: str, name: str) -> NewContact:
        """Return the request about this reference of the check, by an officer called `name`."""
        return NewContact(
            id=self.request,
            check=check,
            reference=reference,
            text=self.words,
            name=name[:LONGEST_LINE],
            phone=self.phone or None,
        )


@dataclass(frozen=True, slots=True, repr=False)
class StepForm:
    """The form that answers or closes a request, as it was sent."""

    step: str = ""
    words: str = ""
    crime: str = ""
    crime_reference: str = ""
    recorded_by: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "StepForm":
        """Return what was sent, cleaned."""
        return cls(
            step=form.get("step", ""),
            words=cleaned_lines(form.get("words", "")),
            crime=form.get("crime", ""),
            crime_reference=cleaned_line(form.get("crime_reference", "")),
            recorded_by=cleaned_line(form.get("recorded_by", "")),
        )

    def wrong(self, may: Collection[ContactStep]) -> tuple[Wrong, ...]:
        """Return what has to be mended before the step can be taken; `may`: what can be chosen."""
        if self.step not in may:
            return (Wrong("step", "Choose how the request is closed"),)
        found = []
        if self.step == "refused" and not self.words:
            found.append(Wrong("words", "Say why you refuse"))
        if too_long := _too_long("words", self.words, LONGEST_TEXT):
            found.append(too_long)
        if self.step in CLOSING or self.step == "crime-answered":
            found += self._wrong_crime()
        return tuple(found)

    def taken(self, name: str) -> NewStep:
        """Return the step, which is not `wrong`, taken by somebody called `name`."""
        return NewStep(
            step=next(step for step in _STEPS if step == self.step),
            name=name[:LONGEST_LINE],
            text=self.words or None,
            crime=self._crime(),
        )

    def _wrong_crime(self) -> list[Wrong]:
        unknown = self.crime == "unknown" and self.step == "crime-answered"
        if self.crime not in CRIME or unknown:
            return [Wrong("crime", "Say whether a crime was disclosed")]
        found = [
            too_long
            for field in ("crime_reference", "recorded_by")
            if (too_long := _too_long(field, getattr(self, field), LONGEST_LINE))
        ]
        if self.crime == "yes" and not (self.crime_reference or self.recorded_by):
            found.append(
                Wrong("crime_reference", "Give the crime's reference, or say who records it")
            )
        return found

    def _crime(self) -> CrimeAnswer | None:
        if self.crime == "yes":
            return CrimeAnswer(
                disclosed=True,
                reference=self.crime_reference or None,
                recorded_by=self.recorded_by or None,
            )
        if self.crime == "no":
            return CrimeAnswer(disclosed=False, reference=None, recorded_by=None)
        return None


def crime_choices(*, closed: bool) -> list[dict[str, str]]:
    """Return the answers to the crime question; once `closed` it is to be known."""
    return [
        {"value": value, "text": words}
        for value, words in CRIME.items()
        if not (closed and value == "unknown")
    ]


def _too_long(field: str, text: str, longest: int) -> Wrong | None:
    if len(text) <= longest:
        return None
    over = len(text) - longest
    return Wrong(field, f"Shorten this to {longest} characters or fewer: it is {over} too long")
