"""`log successor` shows how the log ended, and takes up the one that follows it: by a person."""

from datetime import UTC, datetime
from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.pages.local_users import current_user
from agency_connector.succession import accepting, offered, storage
from agency_connector.succession.accepting import Examined
from agency_connector.succession.offered import Link, denial
from agency_connector.terminal import ask
from agency_connector.trust import storage as trust
from agency_connector.trust.anchors import Anchors
from agency_connector.trust.comparing import compare
from agency_connector.witness import storage as witness
from foundation.files import write_atomically
from foundation.operator import OperatorError, cli_guard, one_line
from protocol import canonical
from protocol.fingerprints import fingerprint40

_LISTED = 50


@click.group("log")
def log() -> None:
    """The index's log as this connector holds to it."""


@log.command()
@click.option(
    "--evidence",
    type=click.Path(file_okay=False, path_type=Path),
    help="Only write into this folder what the log signed about its end, and what we had of it.",
)
@click.pass_obj
@cli_guard
def successor(home: Path, evidence: Path | None) -> None:
    """Show how the index's log ended and what is lost, and take up its successor.

    A person does this, after the steward's person has read out the digits of the new key by phone.
    """
    installation = Installation.open(home)
    try:
        anchors = installation.anchors()
        if evidence is not None:
            _write(installation, anchors, evidence)
            return
        links = offered.notice(installation)
        if not links:
            click.echo(f"The log {anchors.log_name} goes on: the index names no successor.")
            return
        _decide(installation, anchors, links)
    finally:
        installation.close()


def _decide(installation: Installation, anchors: Anchors, links: tuple[Link, ...]) -> None:
    for link in links:
        for line in _account(link):
            click.echo(one_line(line))
    found = accepting.examine(installation, anchors, links)
    with installation.database.read() as connection:
        enrolled = trust.require_enrolment(connection)
        words = len(storage.seen(connection, anchors.log_name))
    for line in _standing(anchors, found, words):
        click.echo(one_line(line))
    compare(
        ask,
        f"the steward, {enrolled.steward} (`index-service fingerprint`),",
        fingerprint40(enrolled.index_key, found.key.public),
    )
    if found.seen > links[0].told.head_size and ask(
        "The log denies what it signed. Type accept to take its successor up all the same"
    ) != "accept":  # fmt: skip
        raise OperatorError("nothing was accepted: tell another member and the auditor")
    accepting.accept(installation, anchors, found, current_user())
    click.echo(
        f"This connector holds to the log {found.key.name} from now on, with the same witnesses. "
        "If `agency-connector witness serve` runs, start it again."
    )


def _account(link: Link) -> list[str]:
    """Return what the steward says, one link's worth."""
    told = link.told
    when = datetime.fromtimestamp(told.signed_at / 1000, UTC)
    ended = (
        f"The log {told.log.partition('+')[0]} has ended, says the index ({when:%Y-%m-%d %H:%M} "
        f"UTC, signed with that log's key). Why: {told.why}"
    )
    lost = told.head_size - told.kept
    return [
        ended,
        f"It had {told.head_size} entries; {told.kept} are kept, {lost} are lost.",
        f"Its successor is {told.successor}",
    ]


def _standing(anchors: Anchors, found: Examined, words: int) -> list[str]:
    """Return what this connector found itself."""
    first = found.links[0]
    read = (
        f"Read here: {found.key.name} has {found.read.size} entries, and {found.survived} of "
        f"{anchors.log_name} stand in it as they were. This connector has seen {found.seen}."
    )
    own = (
        f"Of our own entries {len(found.positions)} stand in it, {len(found.waiting)} are not due "
        f"yet, {len(found.lost)} are lost."
    )
    lines = [read, own]
    lines += [f"  lost: {one.kind} {one.reference}" for one in found.lost[:_LISTED]]
    if len(found.lost) > _LISTED:
        lines.append(f"  and {len(found.lost) - _LISTED} more")
    if found.seen > first.told.head_size:
        lines.append(f"WARNING: {denial(anchors.log_name, first, found.seen)}")
        lines += [f"  denied: {one.kind} {one.reference}" for one in found.denied[:_LISTED]]
    if words > 1:
        lines.append(
            f"WARNING: the log has signed {words} different words about its end: ask the steward "
            "why, and compare with another member (`--evidence` writes them)"
        )
    return lines


def _write(installation: Installation, anchors: Anchors, to: Path) -> None:
    """Write every document by which logs ended, and the last checkpoint of each that we had."""
    with installation.database.read() as connection:
        ended = {*storage.earlier_keys(connection), anchors.log_name}
        told = {name: storage.seen(connection, name) for name in ended}
        held = {name: witness.last(connection, name) for name in ended}
    if not any(told.values()):
        raise OperatorError("no log has ended here: nothing was written")
    to.mkdir(parents=True, exist_ok=True)
    for name, envelopes in told.items():
        for number, envelope in enumerate(envelopes, start=1):
            write_atomically(to / f"{name}-ended-{number}.json", canonical.encode(envelope))
        last = held[name]
        if envelopes and last is not None:
            write_atomically(to / f"{name}-held.checkpoint", last.checkpoint)
    click.echo(f"Written to {to}.")
