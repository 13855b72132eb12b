"""`lookup` checks a name: asked at the terminal, or read as JSON from standard input.

A check that is drawn for a fuller justification is asked for it at the terminal.
"""

import secrets
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from agency_connector.alarms.showing import print_alarms
from agency_connector.commands.justify import justify_all, justify_one
from agency_connector.installation import Installation
from agency_connector.justifying import checks
from agency_connector.justifying.checks import JustificationFirst
from agency_connector.lookups import asking, partnership
from agency_connector.lookups.printing import print_check
from agency_connector.pages.local_users import current_user
from agency_connector.terminal import ask
from foundation.operator import OperatorError, cli_guard
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from schemas.checks import CheckAnswer, CheckRequest, TypedParticulars, WiderRequest
from schemas.fields import Bytes16, PurposeCode

_ID_BYTES: Final = 16
_LONGEST_INPUT: Final = 64 * 1024


class _Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `--json -` reads: a CheckRequest whose `check` may be left out."""

    particulars: TypedParticulars
    purpose: PurposeCode
    reason: str
    check: Bytes16 | None = None


@click.command()
@click.option("--json", "json_from", metavar="-", help="Read the particulars from standard input.")
@click.option("--wider", metavar="CHECK", help="Look wider for the person of an earlier check.")
@click.option("--justify", is_flag=True, help="Justify what you are asked to justify.")
@click.option(
    "--at-once",
    is_flag=True,
    help="Immediate risk of serious harm: answer now, justify it within 24 hours.",
)
@click.option(
    "--output",
    type=click.Choice(["words", "json"]),
    default="words",
    show_default=True,
    help="How to print the answer.",
)
@click.option("--name", hidden=True)
@click.option("--born", hidden=True)
@click.option("--postcode", hidden=True)
@click.option("--purpose", hidden=True)
@click.option("--reason", hidden=True)
@click.pass_obj
@cli_guard
def lookup(
    home: Path,
    json_from: str | None,
    wider: str | None,
    justify: bool,
    at_once: bool,
    output: str,
    name: str | None,
    born: str | None,
    postcode: str | None,
    purpose: str | None,
    reason: str | None,
) -> None:
    """Check a name: who else is involved, and whom to phone.

    You are asked for the particulars. They are never taken from the command line, which others on
    this machine can see.
    """
    installation = Installation.open(home)
    user = current_user()
    if justify:
        answers = justify_all(installation, user)
    elif wider is not None:
        follows = _id(wider)
        told = asking.look_wider(installation, user, WiderRequest(check=_new(), follows=follows))
        answers = (told,)
    elif json_from is not None:
        answers = (_answer(installation, user, _read_json(json_from), at_once=at_once),)
    elif any((name, born, postcode, purpose, reason)):
        particulars = {"full_name": name or "", "born": born or "", "postcode": postcode or ""}
        _require_demo(installation)
        wanted = _checked(particulars, purpose or "", reason or "")
        answers = (_answer(installation, user, wanted, at_once=at_once),)
    else:
        wanted = _from_terminal(installation)
        try:
            answers = (_answer(installation, user, wanted, at_once=at_once),)
        except JustificationFirst as first:
            answers = justify_one(installation, user, first.justification, wanted)
    print_alarms(installation, err=output == "json")
    for answer in answers:
        _print(answer, output)
    installation.close()


def _answer(
    installation: Installation, user: str, wanted: CheckRequest, *, at_once: bool
) -> CheckAnswer:
    make = checks.check_at_once if at_once else checks.check
    return make(installation, user, wanted)


def _print(answer: CheckAnswer, output: str) -> None:
    if output == "json":
        click.echo(msgspec.json.encode(answer))
    else:
        print_check(answer, sys.stdout)


def _read_json(json_from: str) -> CheckRequest:
    if json_from != "-":
        raise OperatorError("--json reads from standard input only: write --json -")
    try:
        given = msgspec.json.decode(sys.stdin.buffer.read(_LONGEST_INPUT), type=_Given)
        return _request(given.particulars, given.purpose, given.reason, given.check)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OperatorError(
            "standard input holds no check: send "
            '{"particulars": {"full_name": ..., "born": ...}, "purpose": ..., "reason": ...}'
        ) from None


def _require_demo(installation: Installation) -> None:
    if not installation.settings.agency.demo:
        raise OperatorError(
            "particulars are not taken from the command line, because others on this machine can "
            "see it: type them when asked, or send them with --json -"
        )


def _from_terminal(installation: Installation) -> CheckRequest:
    particulars = {
        "full_name": ask("Full name"),
        "born": ask("Date of birth (such as 27 3 1985; a year alone will do)"),
        "postcode": ask("Postcode, if you know it"),
    }
    purposes = partnership.purposes(installation)
    for number, purpose in enumerate(purposes, 1):
        click.echo(f"  {number}  {purpose.words}", err=True)
    chosen = ask("Purpose (number)")
    if not chosen.isascii() or not chosen.isdigit() or not 0 < int(chosen) <= len(purposes):
        raise OperatorError("there is no purpose of this number: start again")
    return _checked(particulars, purposes[int(chosen) - 1].code, ask("Reason, in your own words"))


def _checked(particulars: dict[str, str], purpose: str, reason: str) -> CheckRequest:
    try:
        told = msgspec.convert(particulars, TypedParticulars)
        return _request(told, purpose, reason, None)
    except msgspec.ValidationError:
        raise OperatorError(
            "name, date and postcode have up to 300 characters, the reason 3 to 1000, and a "
            "purpose is one of the partnership's codes: start again"
        ) from None


def _request(
    particulars: TypedParticulars, purpose: str, reason: str, check: str | None
) -> CheckRequest:
    request = CheckRequest(
        check=check or _new(), particulars=particulars, purpose=purpose, reason=reason
    )
    return msgspec.convert(msgspec.to_builtins(request), CheckRequest)


def _new() -> str:
    return b64u_encode(secrets.token_bytes(_ID_BYTES))


def _id(text: str) -> str:
    try:
        b64u_decode(text, _ID_BYTES)
    except EncodingError:
        raise OperatorError(
            "this is no check: copy what the last line of the answer says"
        ) from None
    return text
