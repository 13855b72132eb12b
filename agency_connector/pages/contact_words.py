"""A contact request in the words of the pages, for the officer who asks and for the desk."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agency_connector.contacts.contact import Contact, Step
from agency_connector.installation import Installation
from agency_connector.lookups import hours, partnership
from foundation.operator import OperatorError
from schemas.contacts import ContactStep, CrimeAnswer

Told = tuple[str, str]
"""A state in words, and the colour of its tag."""

OF_THE_ASKER: Final[dict[ContactStep, Told]] = {
    "asked": ("Asked", "blue"),
    "will-phone": ("They will phone", "turquoise"),
    "spoken": ("Spoken", "green"),
    "refused": ("They refused", "red"),
    "no-longer-ours": ("No longer theirs", "grey"),
    "crime-answered": ("Crime question answered", "grey"),
}
OF_THE_DESK: Final[dict[ContactStep, Told]] = {
    "asked": ("Waits", "blue"),
    "will-phone": ("We will phone", "turquoise"),
    "spoken": ("Spoken", "green"),
    "refused": ("Refused", "red"),
    "no-longer-ours": ("No longer ours", "grey"),
    "crime-answered": ("Crime question answered", "grey"),
}
OVERDUE: Final[Told] = ("Overdue", "red")
ON_ITS_WAY: Final[Told] = ("On its way", "yellow")
NOT_SENT: Final[Told] = ("Not sent", "red")


@dataclass(frozen=True, slots=True, repr=False)
class TakenStep:
    """A step as a line of the page: what, by whom, when, and in which words."""

    what: str
    who: str
    when: str
    words: str
    crime: str


@dataclass(frozen=True, slots=True)
class Times:
    """Says times (ms UTC) as the agency's clocks have them."""

    zone: str
    now: int

    @classmethod
    def of(cls, installation: Installation) -> "Times":
        """Return the times of an installation, in UTC while its own zone is not known."""
        try:
            zone = partnership.time_zone(installation)
        except OperatorError:
            zone = "UTC"
        return cls(zone, installation.clock())

    def said(self, at: int) -> str:
        """Return `today at 14:05` and the like."""
        return hours.day_and_time(at, self.zone, self.now)


def state_of(told: Contact) -> Told:
    """Return how a request stands, in words for whoever looks at it."""
    return (OF_THE_ASKER if told.sent else OF_THE_DESK)[told.state]


def tags_of(told: Contact) -> tuple[Told, ...]:
    """Return what is to be said of a request at a glance."""
    if told.sent and told.trouble and not told.closed_at:
        return (NOT_SENT,)
    found = [state_of(told)]
    if told.overdue:
        found.append(OVERDUE)
    if told.waiting:
        found.append(ON_ITS_WAY)
    if told.crime_open:
        found.append(("Crime question open", "yellow"))
    return tuple(found)


def steps_of(told: Contact, times: Times, ourselves: str) -> tuple[TakenStep, ...]:
    """Return the steps after the request itself, oldest first; `ourselves`: our agency's name."""
    return tuple(
        TakenStep(
            what=_what(step, sent=told.sent),
            who=", ".join(filter(None, (step.name, ourselves if step.ours else told.partner))),
            when=times.said(step.at),
            words=step.text or "",
            crime=crime_words(step.crime),
        )
        for step in told.steps
        if step.step != "asked"
    )


def crime_words(told: CrimeAnswer | None) -> str:
    """Return an answer to the crime question in words; "" for none."""
    if told is None:
        return ""
    if not told.disclosed:
        return "No crime was disclosed."
    parts = [f"reference {told.reference}"] if told.reference else []
    parts += [f"recorded by {told.recorded_by}"] if told.recorded_by else []
    return f"A crime was disclosed: {', '.join(parts)}."


def most_urgent_first(found: Iterable[Contact]) -> list[Contact]:
    """Return requests with the overdue ones first, newest before oldest; then by when due."""
    return sorted(
        found, key=lambda one: (not one.overdue, -one.asked_at if one.overdue else one.due_at or 0)
    )


def _what(step: Step, *, sent: bool) -> str:
    said, _ = (OF_THE_ASKER if sent else OF_THE_DESK)[step.step]
    if step.state == "waiting":
        return f"{said} (on its way)"
    return f"{said} (not taken by the index)" if step.state == "refused" else said
