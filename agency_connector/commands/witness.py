"""`witness` countersigns the index's log, and shows and keeps the policy of who must have."""

from pathlib import Path

import click
from flask import Flask

from agency_connector.commands.run import LOG_FIELDS
from agency_connector.installation import Installation
from agency_connector.receipts import checkpoints
from agency_connector.trust import directory
from agency_connector.witness import endpoint, policy, storage, witnessing
from agency_connector.witness.cosigning import Witness
from agency_connector.witness.standing import ALONE, moment
from agency_connector.witness.storage import Evidence, PolicyChange
from agency_connector.witness.witnessing import Witnessing, compare
from foundation import logs, serving
from foundation.files import write_atomically
from foundation.operator import OperatorError, cli_guard, one_line
from protocol.log.checkpoints import open_checkpoint
from protocol.log.errors import LogError

_WORKERS = 1
_THREADS = 4


@click.group(invoke_without_command=True)
@click.pass_context
def witness(context: click.Context) -> None:
    """Countersign what the index's log says of itself, once; `run` does it by itself."""
    if context.invoked_subcommand is None:
        _once(context.obj)


@cli_guard
def _once(home: Path) -> None:
    logs.configure("agency-connector", LOG_FIELDS)
    installation = Installation.open(home)
    directory.refresh(installation)
    done = witnessing.witness(installation)
    for line in _account(done):
        click.echo(line)
    installation.close()


def _account(done: Witnessing) -> list[str]:
    if not done.size:
        return ["The log has no checkpoint yet: `index-service worker` signs one."]
    did = "Countersigned" if done.cosigned else "Nothing new: countersigned before"
    brought = "and brought to the index" if done.delivered else "and known to the index"
    lines = [f"{did} the record of {done.size} entries, {brought}."]
    asked = f"{done.wanted} of {done.witnesses} witnesses"
    if done.witnesses == 1:
        return [*lines, f"{ALONE[:1].upper()}{ALONE[1:]}."]
    if done.agreed is None:
        return [*lines, f"The policy wants {asked}; that many have not agreed yet."]
    return [*lines, f"{asked} have agreed: the record is whole to {done.agreed} entries."]


@witness.command(name="policy")
@click.option("--remove", metavar="AGENCY", help="A witness that has left: want it no more.")
@click.option("--accept", metavar="AGENCY", help="Take the key that this agency declares now.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
@cli_guard
def policy_(home: Path, remove: str | None, accept: str | None, yes: bool) -> None:
    """Show who must have countersigned before the record counts as whole; change it as a person.

    Keys that believed agencies declare are added without being asked. Nothing else changes it.
    """
    if remove and accept:
        raise OperatorError("give --remove or --accept, not both")
    logs.configure("agency-connector", LOG_FIELDS)
    installation = Installation.open(home)
    if remove:
        _remove(installation, remove, yes)
    elif accept:
        _accept(installation, accept, yes)
    with installation.database.read() as connection:
        pinned = policy.pinned(connection)
        changes = storage.policy_changes(connection)
    if pinned is None:
        raise OperatorError("the policy names no witness yet: run `agency-connector witness`")
    click.echo(pinned.text, nl=False)
    for change in changes:
        click.echo(f"# {_change(change)}")
    installation.close()


def _remove(installation: Installation, agency: str, yes: bool) -> None:
    _confirmed(
        f"{agency} has told you by phone that it countersigns no more, and the members agree?", yes
    )
    with installation.database.write() as connection:
        policy.remove(connection, agency, installation.clock())


def _accept(installation: Installation, agency: str, yes: bool) -> None:
    declared = directory.refresh(installation).witnesses.get(agency)
    if declared is None:
        raise OperatorError(
            f"{agency} declares no key that its own known keys back: nothing was changed"
        )
    _confirmed(f"{agency} has told you by phone that {declared.text} is its key?", yes)
    with installation.database.write() as connection:
        policy.accept(connection, agency, declared, installation.clock())


def _confirmed(question: str, yes: bool) -> None:
    if not yes and not click.confirm(question):
        raise OperatorError("nothing was changed")


def _change(change: PolicyChange) -> str:
    did = {
        "declared": "added, as declared and signed by it",
        "accepted": "its new key taken by a person",
        "removed": "removed by a person",
    }[change.change]
    return f"{moment(change.changed_at)}  {change.agency}: {did}  {change.witness_key}"


@witness.command(name="compare")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
@cli_guard
def compare_(home: Path, file: Path) -> None:
    """Compare a partner's checkpoint in FILE with what was countersigned here."""
    installation = Installation.open(home)
    anchors = installation.anchors()
    log = checkpoints.log_key(anchors)
    note = file.read_bytes()
    try:
        size = open_checkpoint(note, [log]).checkpoint.head.size
    except LogError as error:
        raise OperatorError(f"{file}: not a checkpoint of our log: {error}") from error
    client = checkpoints.client_of(installation, anchors)
    try:
        compare(Witness.of(installation, anchors.partnership), client, log, note)
    finally:
        client.close()
    click.echo(f"One history: these {size} entries and what was countersigned here fit together.")
    installation.close()


@witness.command()
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), help="Write the notes into a folder."
)
@click.pass_obj
@cli_guard
def evidence(home: Path, to: Path | None) -> None:
    """List, or write to files, checkpoints by which the log contradicts itself."""
    installation = Installation.open(home)
    with installation.database.read() as connection:
        found = storage.evidence(connection)
    for each in found:
        click.echo(f"{each.number}  {moment(each.found_at)}  {one_line(_told(each))}")
        if to is not None:
            _write(each, to)
    if not found:
        click.echo("There is none: the log has shown this connector one history.")
    installation.close()


def _told(each: Evidence) -> str:
    held, shown = (note.split(b"\n")[1].decode() for note in (each.held, each.shown))
    return f"{each.origin}: {each.kind}: {held} entries countersigned, {shown} shown later"


def _write(each: Evidence, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("held.checkpoint", each.held),
        ("shown.checkpoint", each.shown),
        ("proof", each.proof),
    ):
        if content:
            write_atomically(to / f"{each.number}-{name}", content)


@witness.command()
@click.option("--bind", required=True, help="host:port on which a log may ask.")
@click.pass_obj
@cli_guard
def serve(home: Path, bind: str) -> None:
    """Serve C2SP's add-checkpoint until stopped. Not needed: the connector fetches by itself."""
    logs.configure("agency-connector", LOG_FIELDS)
    first = Installation.open(home)
    first.anchors()
    first.close()

    def app() -> Flask:
        installation = Installation.open(home, keyring=first.keyring)
        anchors = installation.anchors()
        own = Witness.of(installation, anchors.partnership)
        return endpoint.create_app(own, [checkpoints.log_key(anchors)])

    serving.serve(
        app,
        bind,
        _WORKERS,
        _THREADS,
        ready=lambda url: click.echo(f"Ask at {url}/add-checkpoint. Ctrl-C stops it."),
        watch=None,
    )
