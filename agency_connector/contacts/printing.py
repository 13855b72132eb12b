"""A contact request in words, for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Final

from agency_connector.contacts.contact import Contact, Step
from agency_connector.lookups.hours import day_and_time
from protocol.references import spoken
from schemas.contacts import NOT_A_CRIME_REPORT, ContactStep, CrimeAnswer

_IN_WORDS: Final[Mapping[ContactStep, str]] = {
    "asked": "asked to be phoned",
    "will-phone": "will phone",
    "spoken": "spoken",
    "refused": "refused",
    "no-longer-ours": "no longer involved",
    "crime-answered": "crime question answered",
}


def lines_of(told: Contact, now: int) -> Iterator[str]:
    """Return what there is to say of a request, line by line, as of `now` (ms UTC)."""
    zone = "Europe/London" if told.team is None else told.team.time_zone
    who = f"to {told.partner}" if told.sent else f"from {told.partner}"
    yield f"{told.id}  {who}, reference {spoken(told.reference)}: {_IN_WORDS[told.state]}"
    if told.overdue:
        yield "  Overdue: nothing has come of it in time."
    if told.waiting:
        yield "  Not sent yet: it is sent as soon as the index can be reached."
    if told.trouble is not None:
        yield f"  {told.trouble}"
    if told.text is not None:
        yield f"  {NOT_A_CRIME_REPORT}"
    if told.team is not None:
        yield f"  {'Team' if told.sent else 'Ring back'}: {told.team.name}, {told.team.phone}"
    if told.phone is not None:
        yield f"  {told.name} asks to be phoned on {told.phone}"
    for step in told.steps:
        yield from _step(step, zone, now)
    if told.crime_open:
        yield "  Nobody has said yet whether a crime was disclosed."
    if told.may:
        yield f"  Next: agency-connector contact step {told.id} {'|'.join(sorted(told.may))}"


def _step(step: Step, zone: str, now: int) -> Iterator[str]:
    by = "we" if step.ours else "they"
    said = f"  {day_and_time(step.at, zone, now)}  {by}: {_IN_WORDS[step.step]}"
    if step.name is not None:
        said += f", {step.name}"
    if step.state != "taken":
        said += f" ({'on its way' if step.state == 'waiting' else 'not taken'})"
    yield said
    if step.text is not None:
        yield f"    {step.text}"
    if step.crime is not None:
        yield f"    {_crime(step.crime)}"


def _crime(told: CrimeAnswer) -> str:
    if not told.disclosed:
        return "No crime was disclosed."
    parts = [
        f"reference {told.reference}" if told.reference else "",
        f"recorded by {told.recorded_by}" if told.recorded_by else "",
    ]
    return f"A crime was disclosed: {', '.join(part for part in parts if part)}."
