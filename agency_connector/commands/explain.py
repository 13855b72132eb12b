"""`explain` shows what is made of particulars: fields, keys, variants, grades. It asks nobody."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime

import click

from agency_connector.matching import identifiers
from agency_connector.matching.expansion import expand
from agency_connector.matching.normalise import normalise
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Person, Unusable
from agency_connector.matching.scheme import SCHEME, MatchKey, record_keys
from foundation.operator import OperatorError, cli_guard

LONGEST = 100_000
"""Characters of standard input that are looked at."""

_TEXTS = tuple(f.name for f in fields(Particulars) if f.name != "identifiers")
_HOW = (
    'Give JSON, for example {"given": "Ada", "family": "King", "born": "10/12/1985"}, or'
    " lines such as 'given: Ada'."
)


@click.command()
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of the lookup, which decides what lies in the future. Default: today (UTC).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@cli_guard
def explain(on: datetime | None, as_json: bool) -> None:
    """Show what is made of the particulars on standard input, as JSON or as lines 'field: value'.

    Fields: given, middle, family, full_name, born, postcode, sex, and nhs, pnc, cro, nin, upn.
    Nothing is sent, stored or logged; no index is needed. What is printed is personal data.
    """
    today = on.date() if on is not None else datetime.now(UTC).date()
    person = normalise(read(sys.stdin.read(LONGEST + 1)), today=today)
    if isinstance(person, Unusable):
        raise OperatorError(person.sentence)
    if as_json:
        click.echo(json.dumps(account(person), indent=2, ensure_ascii=False))
    else:
        for line in lines(person):
            click.echo(line)


def read(text: str) -> Particulars:
    """Particulars from JSON or from lines `field: value`.

    Raises:
        OperatorError: it is neither, or a field is unknown; the message repeats no value.
    """
    if len(text) > LONGEST:
        raise OperatorError(f"The particulars are too long. {_HOW}")
    given = _of_json(text) if text.lstrip().startswith("{") else _of_lines(text)
    texts = {}
    numbers = []
    for name, value in given:
        if name in _TEXTS:
            texts[name] = value
        elif name in identifiers.KINDS:
            numbers.append((name, value))
        else:
            known = ", ".join((*_TEXTS, *identifiers.KINDS))
            raise OperatorError(f"A field is not known. Known are: {known}.")
    return Particulars(**texts, identifiers=tuple(numbers))


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise OperatorError(f"The particulars are not JSON. {_HOW}") from None
    for name, value in found.items():
        if not isinstance(value, str):
            raise OperatorError(f"Every field has to be text in quotes. {_HOW}")
        yield name, value


def _of_lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().lower(), value.strip()
        elif line.strip():
            raise OperatorError(f"A line has no colon. {_HOW}")


def account(person: Person) -> dict[str, object]:
    """Everything that is made of a person, as JSON values."""
    record, lookup = record_keys(person), expand(person)
    return {
        "scheme": SCHEME,
        "fields": dict(_fields(person)),
        "left_out": [note.sentence for note in person.left_out],
        "record_keys": [_named(key) for key in record.names + record.identifiers],
        "lookup": [
            {
                "step": step,
                "kind": key.kind,
                "value": key.value,
                "grade": key.grade,
                "because": key.because,
            }
            for step, keys in (("narrow", lookup.narrow), ("wide", lookup.wide))
            for key in keys
        ],
    }


def lines(person: Person) -> Iterator[str]:
    """The same for a person to read."""
    record, lookup = record_keys(person), expand(person)
    yield f"Normalised (scheme {SCHEME})"
    for name, value in _fields(person):
        yield f"  {name}: {value}"
    for note in person.left_out:
        yield f"  left out: {note.sentence}"
    keys = record.names + record.identifiers
    yield f"A record of this person has {len(keys)} match keys"
    for key in keys:
        yield f"  {key.kind:22} {key.value}"
    for step, graded in (("narrow", lookup.narrow), ("wide", lookup.wide)):
        yield f"A {step} lookup asks for {len(graded)}"
        for one in graded:
            yield f"  {one.grade:9} {one.kind:22} {one.value:40} {one.because}"


def _fields(person: Person) -> Iterator[tuple[str, str]]:
    born: date | None = person.born
    place = person.postcode
    found = {
        "first name": person.given,
        "middle names": " ".join(person.middles),
        "surname": person.family,
        "parts of the surname": " ".join(person.family_parts),
        "date of birth": born.isoformat() if born is not None else "",
        "possible years of birth": "" if born else " ".join(str(year) for year in person.years),
        "postcode": (place.unit or place.district) if place is not None else "",
        **{identifiers.KINDS[kind]: number for kind, number in person.identifiers},
    }
    yield from ((name, value) for name, value in found.items() if value)


def _named(key: MatchKey) -> dict[str, str]:
    return {"kind": key.kind, "value": key.value}
