"""An answer for a terminal, or as plain text when it is piped."""

from collections.abc import Iterator
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from agency_connector.lookups.answer import LISTED, never_show_sentence
from agency_connector.lookups.resolving import HOW_SURE
from foundation.operator import one_line
from protocol.references import spoken
from schemas.checks import CheckAnswer, Involved, ResolveAnswer, Team

_WIDEST: Final = 100

Line = tuple[str, str]
"""Text, and the style it has on a terminal."""


def print_check(answer: CheckAnswer, to: TextIO) -> None:
    """Print the answer of a check."""
    _print(_check(answer), to)


def print_resolved(answer: ResolveAnswer, to: TextIO) -> None:
    """Print what a quoted reference is about."""
    _print(_resolved(answer), to)


def _print(lines: Iterator[Line], to: TextIO) -> None:
    console = Console(file=to, highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        console.width = min(console.width, _WIDEST)
    for text, style in lines:
        indent = len(text) - len(text.lstrip())
        # A partner's words could otherwise steer the terminal.
        clean = " " * indent + one_line(text)
        console.print(Text(clean, style=style), soft_wrap=not console.is_terminal)


def _check(answer: CheckAnswer) -> Iterator[Line]:
    yield answer.headline, "bold"
    yield "", ""
    for alarm in answer.alarms:
        yield f"ALARM: {alarm}", "bold red"
        yield "", ""
    for hit in answer.involved:
        yield from _involved(hit)
    if not answer.involved and not answer.alarms and answer.sentences:
        yield answer.sentences[0], "bold"
        yield "", ""
    for sentence in answer.sentences:
        if sentence.startswith("Your first check"):
            yield sentence, "bold"
            yield "", ""
    if answer.none_recorded:
        yield "None recorded", "bold"
        for partner in answer.none_recorded:
            yield f"  {partner.partner} ({partner.fresh[:1].lower()}{partner.fresh[1:]})", ""
        yield "", ""
    if answer.not_searched:
        yield "Not searched or out of date", "bold"
        for missed in answer.not_searched:
            yield f"  {missed.partner}: {missed.why}", ""
            if missed.phone:
                yield f"    {missed.team}: {missed.phone}", ""
        yield "", ""
    if answer.never_show:
        yield never_show_sentence(answer.never_show), ""
        yield "", ""
    if LISTED in answer.sentences:
        yield LISTED, "bold"
        yield "", ""
    yield answer.recorded, "dim"
    if answer.can_look_wider:
        yield f"To look wider: agency-connector lookup --wider {answer.check}", "dim"


def _involved(hit: Involved) -> Iterator[Line]:
    yield f"Involved: {hit.partner}", "bold"
    yield from _team(hit.team)
    yield f"  {hit.sure}", "bold"
    yield f"  {hit.because}", ""
    yield f"  Reference to quote: {spoken(hit.reference)}", "bold"
    yield "", ""


def _team(team: Team) -> Iterator[Line]:
    now = {True: " (open now)", False: " (closed now)", None: ""}[team.open_now]
    yield f"  {team.name}: {team.phone}", "bold cyan"
    yield f"  {team.hours}{now}", ""
    yield f"  {team.out_of_hours}", ""
    if team.email:
        yield f"  {team.email}", ""


def _resolved(answer: ResolveAnswer) -> Iterator[Line]:
    yield f"Reference {spoken(answer.reference)}", "bold"
    if answer.local_id is not None:
        yield f"Your record: {answer.local_id} (source {answer.source})", "bold"
    yield "", ""
    for alarm in answer.alarms:
        yield f"ALARM: {alarm}", "bold red"
    yield f"Asked by: {answer.asked_by}", ""
    yield f"Purpose: {answer.purpose}", ""
    yield f"Asked: {answer.asked}", ""
    yield f"How sure: {HOW_SURE[answer.breadth]}", ""
    if answer.call_back is not None:
        yield "Ring back:", "bold"
        yield from _team(answer.call_back)
    for sentence in answer.sentences:
        yield sentence, ""
