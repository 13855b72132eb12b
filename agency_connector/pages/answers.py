"""An answer as pages, prints and the text for a case record show it."""

from typing import Any, Final

from agency_connector.installation import Installation
from agency_connector.journal.records import Beside, Outcome
from agency_connector.lookups import hours, partnership
from agency_connector.lookups.answer import LISTED, never_show_sentence, team
from agency_connector.lookups.asking import Told
from agency_connector.pages.forms import IDENTIFIER_KINDS
from foundation.operator import OperatorError
from protocol.references import spoken
from schemas.checks import CheckAnswer, Team, TypedParticulars

SHOWN_MS: Final = 28 * 24 * 60 * 60_000
"""How long an officer's own checks show the person's particulars."""

OUTCOMES: Final[dict[Outcome, str]] = {
    "spoke-useful": "Spoke, useful",
    "spoke-not-useful": "Spoke, not useful",
    "not-reached": "Could not reach them",
    "different-person": "Different person",
}
_SEARCHED_FOR: Final = {
    "narrow": "People who are surely or probably the same",
    "wide": "Wider: people who may be the same",
}


def is_recent(asked_at: int, now: int) -> bool:
    """Return whether a check's particulars are still shown to its officer."""
    return now - asked_at < SHOWN_MS


def shown(installation: Installation, told: Told) -> dict[str, Any]:
    """Return what the template of an answer needs.

    After 28 days the person's particulars are left out; the answer stays.
    """
    recent = is_recent(told.asked_at, installation.clock())
    purpose = purpose_words(installation, told.purpose)
    person = told.particulars if recent else TypedParticulars()
    return {
        "answer": told.answer,
        "open_instead": open_instead(installation, told),
        "name": name_of(person),
        "born": person.born,
        "recent": recent,
        "checked": hours.clock_time(told.answer.checked_at, told.time_zone),
        "facts": [
            {"key": {"text": key}, "value": {"text": value}}
            for key, value in facts(person, purpose, told.answer, told.beside)
        ],
        "never_show_sentence": never_show_sentence,
        "listed": LISTED,
        "spoken": spoken,
        "outcomes": OUTCOMES,
        "outcome": told.came_of_it[-1].outcome if told.came_of_it else "",
    }


def open_instead(installation: Installation, told: Told) -> tuple[tuple[Team, ...], ...]:
    """Return for each partner involved which of its other teams are open, if this one is closed."""
    now = installation.clock()
    try:
        view = partnership.seen(installation)
    except OperatorError:
        return tuple(() for _ in told.agencies)
    return tuple(
        tuple(
            team(desk, now)
            for desk in partnership.open_teams_of(
                view, agency, installation.agency, told.purpose, now
            )
            if hit.team.open_now is False
        )
        for agency, hit in zip(told.agencies, told.answer.involved, strict=True)
    )


def facts(
    typed: TypedParticulars, purpose: str, answer: CheckAnswer, beside: Beside
) -> list[tuple[str, str]]:
    """Return what was checked, as pairs of a word and its value."""
    told = [
        ("Name", name_of(typed)),
        ("Date of birth", typed.born),
        ("Postcode", typed.postcode),
        *((IDENTIFIER_KINDS[number.kind], number.value) for number in typed.identifiers),
        ("Purpose", purpose),
        ("Case reference", beside.case_reference),
        ("On behalf of", beside.on_behalf_of),
        ("Searched for", _SEARCHED_FOR[answer.breadth]),
        ("Reference of this check", answer.check),
    ]
    return [(key, value) for key, value in told if value]


def name_of(typed: TypedParticulars) -> str:
    """Return the name as it was typed."""
    return typed.full_name or " ".join(filter(None, (typed.given, typed.middle, typed.family)))


def purpose_words(installation: Installation, code: str) -> str:
    """Return a purpose in words; its code if the list cannot be read."""
    try:
        listed = partnership.seen(installation).purposes
    except OperatorError:
        return code
    return next((purpose.words for purpose in listed if purpose.code == code), code)


def as_text(installation: Installation, told: Told, officer: str) -> str:
    """Return the answer as plain text for a case record, with every sentence that goes with it."""
    answer, now = told.answer, installation.clock()
    when = hours.day_and_time(answer.checked_at, told.time_zone, now)
    day = hours.local(answer.checked_at, told.time_zone).strftime("%d/%m/%Y")
    lines = [
        f"INTEREST FLAG INDEX: {answer.headline}",
        f"Checked {day} {when.rpartition(' at ')[2]} by {officer}",
    ]
    person = told.particulars if is_recent(told.asked_at, now) else TypedParticulars()
    purpose = purpose_words(installation, told.purpose)
    lines += [f"{key}: {value}" for key, value in facts(person, purpose, answer, told.beside)]
    for hit in answer.involved:
        lines += [
            "",
            f"INVOLVED: {hit.partner}, {hit.team.name}",
            f"Phone: {hit.team.phone} ({hit.team.hours}). {hit.team.out_of_hours}",
            f"{hit.sure}. {hit.because}",
            f"Reference to quote: {spoken(hit.reference)}",
        ]
    lines += ["", *answer.alarms] if answer.alarms else []
    if answer.none_recorded:
        lines += ["", "NONE RECORDED:"]
        lines += [f"- {each.partner} ({each.fresh})" for each in answer.none_recorded]
    if answer.not_searched:
        lines += ["", "NOT SEARCHED OR OUT OF DATE:"]
        lines += [
            f"- {each.partner}. {each.why}" + (f" Phone {each.phone}" if each.phone else "")
            for each in answer.not_searched
        ]
    return "\n".join([*lines, "", *answer.sentences, answer.recorded])
