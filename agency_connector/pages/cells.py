"""What stands in the tables and lists of pages: texts, links and tags for the GOV.UK macros."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypedDict

from markupsafe import Markup


class Cell(TypedDict, total=False):
    """A cell of govukTable: `text` is escaped by the macro, `html` is Markup."""

    text: str
    html: Markup


def text(said: str) -> Cell:
    """Return a cell with words."""
    return {"text": said}


def link(address: str, said: str) -> Cell:
    """Return a cell with a link to a page of ours."""
    made = Markup('<a class="govuk-link govuk-link--no-visited-state" href="{}">{}</a>')
    return {"html": made.format(address, said)}


def code(said: str) -> Cell:
    """Return a cell with something that is copied letter by letter."""
    return {"html": Markup('<span class="app-copied">{}</span>').format(said)}


def tag(said: str, colour: str) -> Cell:
    """Return a cell with a tag in one of the colours of GOV.UK: `green`, `red`, `grey`."""
    made = Markup('<strong class="govuk-tag govuk-tag--{}">{}</strong>')
    return {"html": made.format(colour, said)}


def head(*names: str) -> list[Cell]:
    """Return the head of a table."""
    return [text(name) for name in names]


def summary(facts: Iterable[tuple[str, str]]) -> list[dict[str, Cell]]:
    """Return the rows of govukSummaryList, without those that have no value."""
    return [{"key": text(key), "value": text(value)} for key, value in facts if value]


def moment(at: int | None) -> str:
    """Return a time (ms UTC) as it stands in the record, for a page."""
    if at is None:
        return "?"
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%-d %b %Y, %H:%M:%S UTC")
