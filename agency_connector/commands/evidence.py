"""`evidence` writes a file that shows a third party one entry; `verify-evidence` checks one."""

from datetime import UTC, datetime
from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.receipts import evidence as making
from foundation.files import write_atomically
from foundation.operator import OperatorError, cli_guard
from protocol import evidence as format_
from protocol.evidence import BadEvidence, Proved

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("named", metavar="LOOKUP-OR-REFERENCE")
@click.option("-o", "--output", type=_FILE, required=True, help="The file to write.")
@click.pass_obj
@cli_guard
def evidence(home: Path, named: str, output: Path) -> None:
    """Write a file that proves to anybody what the record says of a check, quote, batch or reading.

    It holds the entry and your agency's signed statement, and no name, date of birth or reason.
    Write `--` before a check that begins with a dash.
    """
    installation = Installation.open(home)
    try:
        made = making.make(installation, named)
    finally:
        installation.close()
    write_atomically(output.absolute(), format_.write(made))
    _say(format_.check(made))
    click.echo(f"Written to {output}. docs/audit-log.md says how to check it without our software.")


@click.command("verify-evidence")
@click.argument("file", type=_FILE)
@cli_guard
def verify_evidence(file: Path) -> None:
    """Check an evidence file, with nothing but what is in it; exit code 1 if it proves nothing."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file}: cannot be read ({error.strerror}): check the path") from None
    try:
        proved = format_.check(format_.read_evidence(content))
    except BadEvidence as error:
        raise OperatorError(f"{file} proves nothing: {error}") from error
    _say(proved)
    if not proved.enough:
        raise OperatorError(f"{file}: fewer witnesses have countersigned than its trust file wants")


def _say(proved: Proved) -> None:
    kind = type(proved.entry).__name__.lower()
    when = _time(proved.entry.at // 1000)
    click.echo(f"Entry {proved.index} of the log stands in its first {proved.size} entries.")
    click.echo(f"It is a {kind} of {when}, with a statement signed by {proved.agency}:")
    click.echo(f"  {proved.statement.decode()}")
    if proved.witnesses:
        click.echo(f"Countersigned by {len(proved.cosigned)} of {proved.witnesses} witnesses:")
        for name, at in sorted(proved.cosigned.items()):
            click.echo(f"  {name}, {_time(at)}")
    else:
        click.echo("No witness is agreed: the log alone signed it.")
    click.echo(f"All of it is as true as this key is the log's: {proved.log}")


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M UTC}"
