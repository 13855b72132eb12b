"""Asks an officer at the terminal for justifications: before a check, or after one at once."""

import click

from agency_connector.installation import Installation
from agency_connector.justifying import checks
from agency_connector.justifying.justifications import Justification, Justifications
from agency_connector.lookups import asking, hours, partnership
from agency_connector.pages.answers import name_of
from agency_connector.pages.forms import without_unseen
from agency_connector.terminal import ask
from foundation.operator import OperatorError, one_line
from schemas.checks import CheckAnswer, CheckRequest

_DRAWN = "Why this person, why now, and what you will do with the answer"
_OWED = "What the risk was, to whom, and what you did"


def justify_all(installation: Installation, user: str) -> tuple[CheckAnswer, ...]:
    """Ask for everything that `user` is to justify; return the answers of checks that waited."""
    waiting = Justifications(installation).pending(user)
    if not waiting:
        click.echo("There is nothing that you are asked to justify.", err=True)
    answers: list[CheckAnswer] = []
    for told in waiting:
        answers += _asked(installation, told)
    return tuple(answers)


def justify_one(
    installation: Installation, user: str, justification: str, wanted: CheckRequest
) -> tuple[CheckAnswer, ...]:
    """Ask for the justification that is wanted before any check; then make `wanted` too."""
    told = Justifications(installation).find(user, justification)
    if told is None:
        raise OperatorError("what was to be justified is not there any more: start again")
    answers = _asked(installation, told)
    if told.about.wanted.check == wanted.check:
        return answers
    return (*answers, checks.check(installation, user, wanted))


def _asked(installation: Installation, told: Justification) -> tuple[CheckAnswer, ...]:
    """Ask for one; return the answer of the check if it waited for it."""
    drawn = told.kind == "drawn"
    _introduce(installation, told, drawn=drawn)
    words = without_unseen(ask(_DRAWN if drawn else _OWED))
    if not words:
        if drawn:
            Justifications(installation).abandon(told)
            click.echo("You did without this check, which is recorded.", err=True)
        else:
            click.echo("It stays to be justified.", err=True)
        return ()
    check = checks.justify(installation, told, checks.fitting(words))
    answered = asking.told_before(installation, told.about.user, check) if drawn else None
    return () if answered is None else (answered.answer,)


def _introduce(installation: Installation, told: Justification, *, drawn: bool) -> None:
    now, wanted = installation.clock(), told.about.wanted
    try:
        zone = partnership.time_zone(installation)
    except OperatorError:
        zone = "UTC"
    asked = hours.day_and_time(told.asked_at, zone, now)
    if drawn:
        click.echo(
            "Some checks are drawn by chance for a fuller justification before they are made; it "
            "says nothing about you.",
            err=True,
        )
    what = "waits for it" if drawn else "was made at once"
    person = wanted.particulars
    click.echo(f"The check that {what}: begun {asked}.", err=True)
    for word, typed in (
        ("Name", name_of(person)),
        ("Date of birth", person.born),
        ("Reason", wanted.reason),
    ):
        click.echo(f"  {word}: {one_line(typed) or '-'}", err=True)
    rest = "do without the check, which is recorded" if drawn else "leave it for later"
    click.echo(f"In 20 to 2,000 characters; press Enter alone to {rest}.", err=True)
