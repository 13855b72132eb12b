"""`evaluator agency`: whom the evaluator evaluates for, entered by hand by its operator."""

from pathlib import Path
from typing import Final

import click
import msgspec
from sqlalchemy import Connection

from foundation.clock import now_ms
from foundation.database import Database, require_migrated
from foundation.operator import OperatorError, cli_guard
from index_service.evaluation import storage
from index_service.evaluation.commands.home import home_option
from index_service.evaluation.installation import MIGRATE_COMMAND, load_settings, open_database
from index_service.evaluation.storage import LOCATION, AgencyRow
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from protocol.fingerprints import fingerprint40, key_id
from protocol.keys import PUBLIC_BYTES
from schemas.agencies import AgencyStatus
from schemas.fields import AgencyId, Line

_signing_option: Final = click.option(
    "--signing-key", required=True, help="As `agency-connector keys` prints it."
)
_sealing_option: Final = click.option(
    "--sealing-key", help="The same; not kept, only for the 40 digits to compare by phone."
)


@click.group()
def agency() -> None:
    """The agencies that may have elements evaluated."""


@agency.command()
@click.argument("agency_id", metavar="ID")
@home_option
@click.option("--name", required=True, help="The agency's name.")
@_signing_option
@_sealing_option
@cli_guard
def add(agency_id: str, home: Path, name: str, signing_key: str, sealing_key: str | None) -> None:
    """Put agency ID on the list, with its public signing key."""
    checked_id = _checked(agency_id, AgencyId, "an id is 2 to 32 of a-z, 0-9 and -, a letter first")
    checked_name = _checked(name, Line, "a name is one line of up to 120 characters")
    public = _public(signing_key)
    to_compare = _to_compare(public, sealing_key)
    with _database(home).write() as connection:
        if storage.find_agency(connection, checked_id) is not None:
            raise OperatorError(
                f"{checked_id} is on the list already: use `agency replace-key` for a new key"
            )
        now = now_ms()
        storage.add_agency(connection, checked_id, checked_name, now)
        _give_key(connection, checked_id, public, now)
    click.echo(f"Added {checked_id}, {checked_name}.")
    click.echo(to_compare)


@agency.command(name="replace-key")
@click.argument("agency_id", metavar="ID")
@home_option
@_signing_option
@_sealing_option
@cli_guard
def replace_key(agency_id: str, home: Path, signing_key: str, sealing_key: str | None) -> None:
    """Take a new public signing key for agency ID; the old one is refused from now on."""
    public = _public(signing_key)
    to_compare = _to_compare(public, sealing_key)
    with _database(home).write() as connection:
        known = _known(connection, agency_id)
        _give_key(connection, known.agency, public, now_ms())
    click.echo(f"Replaced the key of {known.agency}.")
    click.echo(to_compare)


@agency.command()
@click.argument("agency_id", metavar="ID")
@home_option
@cli_guard
def suspend(agency_id: str, home: Path) -> None:
    """Refuse everything that agency ID asks, from its next request on."""
    _set_status(home, agency_id, "suspended")
    click.echo(f"{agency_id} is suspended: `agency resume {agency_id}` lets it in again.")


@agency.command()
@click.argument("agency_id", metavar="ID")
@home_option
@cli_guard
def resume(agency_id: str, home: Path) -> None:
    """Let a suspended agency ID in again."""
    _set_status(home, agency_id, "active")
    click.echo(f"{agency_id} is active.")


@agency.command(name="list")
@home_option
@cli_guard
def list_command(home: Path) -> None:
    """List the agencies, each with its signing key."""
    with _database(home).read() as connection:
        rows = storage.all_agencies(connection)
    for row in rows:
        click.echo(f"{row.agency}  {row.status}  {row.name}")
        click.echo(f"    signing {b64u_encode(row.public)}")
    if not rows:
        click.echo("No agency is on the list: `index-service evaluator agency add`.")


def _database(home: Path) -> Database:
    database = open_database(home, load_settings(home))
    require_migrated(database, LOCATION, command=f"{MIGRATE_COMMAND} --home {home}")
    return database


def _set_status(home: Path, agency_id: str, status: AgencyStatus) -> None:
    with _database(home).write() as connection:
        storage.set_status(connection, _known(connection, agency_id).agency, status)


def _known(connection: Connection, agency_id: str) -> AgencyRow:
    row = storage.find_agency(connection, agency_id)
    if row is None:
        raise OperatorError(
            "this agency is not on the list: `index-service evaluator agency list` shows who is"
        )
    return row


def _give_key(connection: Connection, agency_id: str, public: bytes, now: int) -> None:
    keyid = key_id(public)
    if storage.key_was_seen(connection, keyid):
        raise OperatorError(
            f"the key {keyid} is or was in use here: ask the agency for the key it has now"
        )
    storage.give_key(connection, agency_id, keyid, public, now)


def _to_compare(signing: bytes, sealing_text: str | None) -> str:
    """Return what the operator compares by phone, before the agency is relied on."""
    if sealing_text is None:
        return (
            "Compare the signing key by phone, character by character, with what "
            "`agency-connector keys` shows\nthere; with --sealing-key it is 40 digits instead:\n"
            f"{b64u_encode(signing)}"
        )
    return (
        "Compare these 40 digits by phone with those that `agency-connector keys` shows there:\n"
        f"{fingerprint40(signing, _public(sealing_text))}"
    )


def _public(text: str) -> bytes:
    try:
        return b64u_decode(text.strip(), PUBLIC_BYTES)
    except EncodingError:
        raise OperatorError(
            "this is no public key: copy the 43 characters that `agency-connector keys` prints"
        ) from None


def _checked(text: str, as_type: object, rule: str) -> str:
    try:
        value: str = msgspec.convert(text.strip(), as_type)
    except msgspec.ValidationError:
        raise OperatorError(f"{rule}: correct it") from None
    return value
