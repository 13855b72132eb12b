"""The steward's acts: agencies, purposes and agreements. Each leaves an entry in the record."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from foundation.operator import OperatorError, cli_guard
from index_service.agencies import desks, enrolment, storage
from index_service.agreements import storage as agreements
from index_service.audit.administration import administer
from index_service.commands.home import home_option, opened
from protocol.encoding import b64u_decode
from protocol.fingerprints import fingerprint40
from schemas.agencies import AgencyRole, AgencyStatus, DirectoryAgency
from schemas.agreements import Agreement, Purpose
from schemas.entries import Act

T = TypeVar("T", bound=msgspec.Struct)


@click.group()
def agency() -> None:
    """Register, suspend and list agencies."""


@agency.command(name="add")
@home_option
@click.argument("agency_id", metavar="AGENCY")
@click.option("--name", required=True, help="As pages show it.")
@click.option("--role", type=click.Choice(["member", "auditor", "contact"]), default="member")
@cli_guard
def add_agency(home: Path, agency_id: str, name: str, role: AgencyRole) -> None:
    """Register AGENCY and print its one-time enrolment code."""
    _validated(
        DirectoryAgency, agency=agency_id, name=name, role=role, status="active", keys=None,
        hidden_desk=False, publications=(),
    )  # fmt: skip
    index = opened(home)
    with index.database.write() as connection:
        if storage.find(connection, agency_id) is not None:
            raise OperatorError(f"{agency_id} is registered: `agency code {agency_id}` for a code")
        enrolment.register(connection, index, agency_id, name, role)
        code = enrolment.issue_code(connection, index, agency_id)
    _print_code(agency_id, code, index.settings.rules.enrolment_code_hours)


@agency.command(name="code")
@home_option
@click.argument("agency_id", metavar="AGENCY")
@cli_guard
def new_code(home: Path, agency_id: str) -> None:
    """Print a new one-time enrolment code for AGENCY."""
    index = opened(home)
    with index.database.write() as connection:
        if storage.find(connection, agency_id) is None:
            raise OperatorError(f"{agency_id} is not registered: `agency add {agency_id}` first")
        code = enrolment.issue_code(connection, index, agency_id)
    _print_code(agency_id, code, index.settings.rules.enrolment_code_hours)


@agency.command(name="suspend")
@home_option
@click.argument("agency_id", metavar="AGENCY")
@cli_guard
def suspend(home: Path, agency_id: str) -> None:
    """Refuse every request of AGENCY, and stop showing its flags, until it is resumed."""
    _set_status(home, agency_id, "suspended")


@agency.command(name="resume")
@home_option
@click.argument("agency_id", metavar="AGENCY")
@cli_guard
def resume(home: Path, agency_id: str) -> None:
    """Let a suspended AGENCY take part again."""
    _set_status(home, agency_id, "active")


@agency.command(name="list")
@home_option
@cli_guard
def list_agencies(home: Path) -> None:
    """List the agencies, with the fingerprints of their keys."""
    index = opened(home)
    with index.database.read() as connection:
        rows = storage.everyone(connection)
        all_desks = desks.everyone(connection)
    for row in rows:
        count = sum(1 for (holder, _), d in all_desks.items()
                    if holder == row.agency and not d.document.withdrawn)  # fmt: skip
        click.echo(f"{row.agency}  {row.name}  {row.role}  {row.status}  desks: {count}")
        if row.keys is None:
            click.echo("    has not enrolled")
        else:
            keys = (b64u_decode(row.keys.signing, 32), b64u_decode(row.keys.sealing, 32))
            click.echo(f"    {fingerprint40(*keys)}")


@click.group()
def purpose() -> None:
    """The agreed list of purposes."""


@purpose.command(name="add")
@home_option
@click.argument("code")
@click.argument("words")
@cli_guard
def add_purpose(home: Path, code: str, words: str) -> None:
    """Add a purpose, or reword it."""
    added = _validated(Purpose, code=code, words=words)
    index = opened(home)
    with index.database.write() as connection:
        agreements.add_purpose(connection, added)
        administer(connection, index, "purpose-added", None, note=f"{code}: {words}"[:120])
    click.echo(f"Purpose {code} is on the list.")


@purpose.command(name="remove")
@home_option
@click.argument("code")
@cli_guard
def remove_purpose(home: Path, code: str) -> None:
    """Take a purpose off the list."""
    index = opened(home)
    with index.database.write() as connection:
        if not agreements.remove_purpose(connection, code):
            raise OperatorError(f"{code} is not on the list: `purpose list` shows it")
        administer(connection, index, "purpose-removed", None, note=code)
    click.echo(f"Purpose {code} is off the list.")


@purpose.command(name="list")
@home_option
@cli_guard
def list_purposes(home: Path) -> None:
    """List the agreed purposes."""
    with opened(home).database.read() as connection:
        for listed in agreements.all_purposes(connection):
            click.echo(f"{listed.code}  {listed.words}")


@click.group()
def agreement() -> None:
    """Information sharing agreements between agencies."""


@agreement.command(name="add")
@home_option
@click.argument("agreement_id", metavar="AGREEMENT")
@click.option("--title", required=True)
@click.option("--party", "parties", multiple=True, required=True, help="An agency; repeat.")
@click.option("--purpose", "purposes", multiple=True, required=True, help="A code; repeat.")
@click.option("--from", "starts", required=True, help="First day, as 2026-01-31.")
@click.option("--until", "ends", required=True, help="First day on which it is over.")
@cli_guard
def add_agreement(
    home: Path,
    agreement_id: str,
    title: str,
    parties: tuple[str, ...],
    purposes: tuple[str, ...],
    starts: str,
    ends: str,
) -> None:
    """Put an agreement in force between two dates, for parties and purposes."""
    added = _validated(
        Agreement, agreement=agreement_id, title=title, parties=parties, purposes=purposes,
        starts_at=_day(starts), ends_at=_day(ends),
    )  # fmt: skip
    if added.ends_at <= added.starts_at:
        raise OperatorError("the agreement would end before it starts: correct --until")
    index = opened(home)
    with index.database.write() as connection:
        known = {row.agency for row in storage.everyone(connection)}
        listed = {p.code for p in agreements.all_purposes(connection)}
        for missing in sorted(set(parties) - known):
            raise OperatorError(f"{missing} is not registered: `agency add {missing}` first")
        for missing in sorted(set(purposes) - listed):
            raise OperatorError(f"{missing} is not on the list: `purpose add {missing}` first")
        agreements.put_agreement(connection, added)
        administer(
            connection, index, "agreement-signed", None, note=f"{agreement_id}: {title}"[:120]
        )
    click.echo(f"Agreement {agreement_id} is in force from {starts} until {ends}.")


@agreement.command(name="end")
@home_option
@click.argument("agreement_id", metavar="AGREEMENT")
@cli_guard
def end_agreement(home: Path, agreement_id: str) -> None:
    """End an agreement now."""
    index = opened(home)
    with index.database.write() as connection:
        if not agreements.end_agreement(connection, agreement_id, index.clock()):
            raise OperatorError(f"there is no agreement {agreement_id}: `agreement list` shows all")
        administer(connection, index, "agreement-ended", None, note=agreement_id)
    click.echo(f"Agreement {agreement_id} has ended.")


@agreement.command(name="list")
@home_option
@cli_guard
def list_agreements(home: Path) -> None:
    """List the agreements."""
    index = opened(home)
    with index.database.read() as connection:
        listed = agreements.all_agreements(connection)
    for each in listed:
        state = "in force" if each.starts_at <= index.clock() < each.ends_at else "not in force"
        click.echo(f"{each.agreement}  {each.title}  {state}")
        click.echo(f"    parties: {', '.join(each.parties)}; purposes: {', '.join(each.purposes)}")


def _set_status(home: Path, agency_id: str, status: AgencyStatus) -> None:
    index = opened(home)
    with index.database.write() as connection:
        if not storage.set_status(connection, agency_id, status):
            raise OperatorError(f"{agency_id} is not registered: `agency list` shows who is")
        act: Act = "agency-suspended" if status == "suspended" else "agency-resumed"
        administer(connection, index, act, agency_id)
    click.echo(f"{agency_id} is {status}.")


def _print_code(agency_id: str, code: str, hours: int) -> None:
    click.echo(f"Enrolment code for {agency_id}, good once and for {hours} hours:")
    click.echo(code)
    click.echo("Give it to their person by a safe way. They type it into `agency-connector enrol`.")


def _day(text: str) -> int:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise OperatorError(f"{text!r} is not a day: write it as 2026-01-31") from None
    return int(day.timestamp() * 1000)


def _validated(kind: type[T], **fields: object) -> T:
    """Return `kind` of `fields`, or OperatorError saying which field is not as it must be."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise OperatorError(_mend(str(error))) from None


def _mend(fault: str) -> str:
    """Return msgspec's `fault` as a sentence that says what to type instead."""
    what, _, where = fault.replace("`", "").partition(" - at $.")
    if "regex" in what:
        what = "write 2 to 32 lower-case letters, digits or dashes, a letter first"
    return f"{where or 'the command'}: {what}"
