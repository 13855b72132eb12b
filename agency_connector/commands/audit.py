"""`audit` reads the record: who queried whom, one's own lookups, who looked one's subject up."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from agency_connector.auditing import opening, printing, reading
from agency_connector.auditing.reading import Report
from agency_connector.installation import Installation
from agency_connector.lookups import partnership
from agency_connector.pages import local_users
from agency_connector.pages.local_users import current_user
from agency_connector.terminal import ask
from foundation.files import read_private
from foundation.operator import EXIT_FAILED, OperatorError, cli_guard, counted
from schemas.audit import Filter
from schemas.checks import TypedParticulars

_LONGEST_INPUT: Final = 64 * 1024
_GROUND: Final = "Reference of the complaint or the case of misconduct"

_output = click.option(
    "--output", type=click.Choice(["words", "csv", "json"]), default="words", show_default=True,
    help="How to print it; JSON holds every entry and proof.",
)  # fmt: skip
_day = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_since = click.option("--since", type=_day, help="From this day or time on (UTC).")
_until = click.option("--until", type=_day, help="Before this day or time (UTC).")
_first = click.option(
    "--from", "first", type=click.IntRange(min=0), default=0, help="From this entry on."
)


@click.group()
def audit() -> None:
    """Read the log: who queried whom. Every reading is itself an entry of the log.

    `person`, `list`, `everything` and `open` are for an auditor; `own`, `give` and `held` for any
    member.
    """


@audit.command()
@click.option("--json", "json_from", metavar="-", help="Read the particulars from standard input.")
@_since
@_until
@_first
@_output
@click.pass_obj
@cli_guard
def person(
    home: Path,
    json_from: str | None,
    since: datetime | None,
    until: datetime | None,
    first: int,
    output: str,
) -> None:
    """Show every lookup that could have found a person.

    You are asked for the particulars and for the reference of the complaint or the case. Neither
    is taken from the command line, which others on this machine can see. The index learns neither.
    """
    with _opened(home) as installation:
        particulars, ground = _typed() if json_from is None else _given(json_from)
        report = reading.person(
            installation, current_user(), particulars, ground,
            since=_ms(since), until=_ms(until), first=first,
        )  # fmt: skip
        what = counted(len(report.found), "lookup")
        _print(installation, report, output, f"{what} could have found this person.")


@audit.command("list")
@click.option("--agency", help="Only lookups of this agency, by short name.")
@click.option("--purpose", help="Only lookups for this purpose, by code.")
@click.option("--pseudonym", help="Only lookups of the officer with this pseudonym.")
@_since
@_until
@_first
@click.option(
    "--most", type=click.IntRange(min=1), default=200, show_default=True, help="About how many."
)
@_output
@click.pass_obj
@cli_guard
def list_lookups(
    home: Path,
    agency: str | None,
    purpose: str | None,
    pseudonym: str | None,
    since: datetime | None,
    until: datetime | None,
    first: int,
    most: int,
    output: str,
) -> None:
    """List lookups by agency, purpose, pseudonym and time; one of the first three is needed."""
    with _opened(home) as installation:
        told = _filter(agency, purpose, pseudonym, since, until)
        report = reading.lookups(installation, current_user(), told, first=first, most=most)
        _print(installation, report, output, f"{counted(len(report.rows), 'lookup')}.")


@audit.command()
@_first
@click.option("--to", "end", type=click.IntRange(min=1), help="Before this entry.")
@_output
@click.pass_obj
@cli_guard
def everything(home: Path, first: int, end: int | None, output: str) -> None:
    """Read every entry, so that one that is left out is noticed. It takes two people.

    The second types their own local token (`agency-connector token`). Both stand in the log by
    pseudonym.
    """
    with _opened(home) as installation:
        ground = ask(_GROUND)
        user = current_user()
        second = _second(installation, user)
        report = reading.everything(installation, user, second, ground, first=first, end=end)
        _print(installation, report, output, f"{counted(len(report.rows), 'entry', 'entries')}.")


@audit.command()
@_since
@_until
@_output
@click.pass_obj
@cli_guard
def own(home: Path, since: datetime | None, until: datetime | None, output: str) -> None:
    """Compare the lookups that the log has of this agency with its own journal."""
    with _opened(home) as installation:
        report = reading.own(installation, current_user(), since=_ms(since), until=_ms(until))
        what = counted(len(report.own), "lookup")
        _print(installation, report, output, f"{what} by our own officers.")


@audit.command()
@click.option("--source", help="The source that the record is in, if several have the number.")
@_output
@click.pass_obj
@cli_guard
def held(home: Path, source: str | None, output: str) -> None:
    """Show who looked up the subject of one of our own records in the last 90 days.

    You are asked for the record's number in its source.
    """
    with _opened(home) as installation:
        report = reading.held(installation, current_user(), source, ask("Number of the record"))
        _print(installation, report, output, f"{counted(len(report.notices), 'check')}.")


@audit.command()
@click.argument("check")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
@cli_guard
def give(home: Path, check: str, file: Path) -> None:
    """Write what CHECK, a lookup of ours, was about to FILE, for an auditor.

    FILE holds the person's particulars and the officer's reason in clear: only you can read it.
    """
    with _opened(home) as installation:
        opening.write(installation, current_user(), check, file)
        click.echo(f"Written to {file}. It names the person: hand it over as you would the case.")


@audit.command("open")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.pass_obj
@cli_guard
def open_particulars(home: Path, file: Path) -> None:
    """Compare opened particulars, from FILE or standard input, with the lookup's entry."""
    with _opened(home) as installation:
        if str(file) == "-":
            content = sys.stdin.buffer.read(opening.LONGEST + 1)
        else:
            content = read_private(file)
        told = opening.compare(installation, current_user(), opening.read(content))
        for line in printing.comparison(told):
            click.echo(line)
        if not told.equal or told.report.every_alarm:
            sys.exit(EXIT_FAILED)


@contextmanager
def _opened(home: Path) -> Iterator[Installation]:
    installation = Installation.open(home)
    try:
        yield installation
    finally:
        installation.close()


def _print(installation: Installation, report: Report, output: str, headline: str) -> None:
    """Print a report; with an alarm in it the command fails, whatever the form."""
    if output == "csv":
        printing.table(report, sys.stdout)
    elif output == "json":
        click.echo(printing.as_json(report))
    else:
        view = partnership.seen(installation)
        names = {agency: view.name_of(agency) for agency in view.agencies}
        for line in printing.words(report, names, headline):
            click.echo(line)
    if report.every_alarm:
        if output != "words":
            click.echo(f"ALARM: {report.every_alarm[0]}", err=True)
        sys.exit(EXIT_FAILED)


def _typed() -> tuple[TypedParticulars, str]:
    told = {
        "full_name": ask("Full name"),
        "born": ask("Date of birth (such as 27 3 1985; a year alone will do)"),
        "postcode": ask("Postcode, if you know it"),
    }
    ground = ask(_GROUND)
    try:
        return msgspec.convert(told, TypedParticulars), ground
    except msgspec.ValidationError:
        raise OperatorError("name, date and postcode have up to 300 characters") from None


class _Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    particulars: TypedParticulars
    ground: str


def _given(json_from: str) -> tuple[TypedParticulars, str]:
    if json_from != "-":
        raise OperatorError("--json reads from standard input only: write --json -")
    try:
        given = msgspec.json.decode(sys.stdin.buffer.read(_LONGEST_INPUT), type=_Given)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OperatorError(
            "standard input holds no question: send "
            '{"particulars": {"full_name": ..., "born": ...}, "ground": "complaint 17/2026"}'
        ) from None
    return given.particulars, given.ground


def _second(installation: Installation, user: str) -> str:
    """Return the second person, by the local token that they type unseen."""
    prompt = "Local token of the second person"
    token = click.prompt(prompt, hide_input=True, err=True) if sys.stdin.isatty() else ask(prompt)
    second = local_users.user_of(installation, local_users.hash_of(token.strip()))
    if second is None:
        raise OperatorError(
            "this is nobody's local token: the second person makes one with "
            "`agency-connector token`"
        )
    if second == user:
        raise OperatorError(
            "this is your own token: a complete scan takes two people, and the second types theirs"
        )
    return second


def _filter(
    agency: str | None,
    purpose: str | None,
    pseudonym: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Filter:
    if agency is None and purpose is None and pseudonym is None:
        raise OperatorError(
            "name an agency, a purpose or a pseudonym: all lookups are a complete scan, for which "
            "it takes two people (`agency-connector audit everything`)"
        )
    # The table puts an apostrophe before what a spreadsheet would take for a formula.
    officer = None if pseudonym is None else pseudonym.removeprefix("'")
    told = {
        "agency": agency, "purpose": purpose, "officer": officer, "lookup": None,
        "since": _ms(since), "until": _ms(until),
    }  # fmt: skip
    try:
        return msgspec.convert(told, Filter)
    except msgspec.ValidationError:
        raise OperatorError(
            "agency and purpose are short names, a pseudonym is 22 characters: copy them as the "
            "list prints them"
        ) from None


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp() * 1000)
