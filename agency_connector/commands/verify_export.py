"""`agency-connector verify-export`: check an export of the log, offline."""

from pathlib import Path

import click

from agency_connector.installation import Installation
from foundation.operator import OperatorError, cli_guard
from protocol.exports import check_export
from protocol.verification import Fault
from protocol.verifier_keys import BadVerifierKey, read, verifier_key


@click.command(name="verify-export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--log-key", help="The log's verifier key; without it, the one this agency was handed."
)
@click.pass_obj
@cli_guard
def verify_export(home: Path, file: Path, log_key: str | None) -> None:
    """Check every entry, hash, statement and cosignature in FILE, an export of the log.

    Needs no network, and with --log-key no connector either.
    """
    if log_key is None:
        anchors = Installation.open(home).anchors()
        log_key = verifier_key(anchors.log_name, anchors.log_key)
    try:
        with file.open("rb") as content:
            found = check_export(content, read(log_key))
    except BadVerifierKey as error:
        raise OperatorError(f"--log-key: {error}") from error
    except Fault as fault:
        raise OperatorError(f"the export does not verify. {fault}") from fault
    click.echo(found.sentence)
