"""`epoch` founds a partnership, opens later epochs, and chooses the one to publish in."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from agency_connector.installation import Installation
from agency_connector.terminal import ask
from agency_connector.trust import epochs
from foundation.operator import OperatorError, cli_guard

_DAY_MS: Final = 86_400_000
_DEFAULT_DAYS: Final = 3 * 365

_closes_option = click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=_DEFAULT_DAYS,
    show_default=True,
    help="How long the epoch stays open.",
)


@click.group()
def epoch() -> None:
    """Epochs: the generations of keys. Tokens of different epochs never match."""


@epoch.command()
@_closes_option
@click.pass_obj
@cli_guard
def found(home: Path, days: int) -> None:
    """Found the partnership: only its first agency does this, and only once.

    You type the digits that the steward's person and the evaluator's operator read to you.
    """
    installation = Installation.open(home)
    told = epochs.found(installation, ask, installation.clock() + days * _DAY_MS)
    click.echo(f"Founded {told.partnership} with epoch {told.epoch}, open until "
               f"{_date(told.closes_at)}.")  # fmt: skip
    click.echo("Next: `agency-connector desk sign`, and `handover send` to each newcomer.")
    installation.close()


@epoch.command(name="open")
@click.argument("number", type=click.IntRange(2))
@_closes_option
@click.pass_obj
@cli_guard
def open_(home: Path, number: int, days: int) -> None:
    """Open epoch NUMBER with new keys. You type the digits that the evaluator's operator reads."""
    installation = Installation.open(home)
    told = epochs.open_later(installation, number, ask, installation.clock() + days * _DAY_MS)
    click.echo(f"Opened epoch {told.epoch}, until {_date(told.closes_at)}.")
    click.echo(
        f"Next: `agency-connector handover send AGENCY --epoch {told.epoch}` to every member, then "
        "sync."
    )
    installation.close()


@epoch.command(name="list")
@click.pass_obj
@cli_guard
def list_(home: Path) -> None:
    """List the epochs that this connector holds."""
    installation = Installation.open(home)
    anchors = installation.anchors()
    now = installation.clock()
    for anchor in anchors.epochs:
        told = anchor.descriptor
        state = "publishing" if told.epoch == anchors.publish_epoch else "searched"
        if told.closes_at <= now:
            state = f"closed: run `agency-connector epoch forget {told.epoch}`"
        click.echo(f"{told.epoch}  scheme {told.scheme}  until {_date(told.closes_at)}  {state}")
    installation.close()


@epoch.command()
@click.argument("number")
@click.pass_obj
@cli_guard
def use(home: Path, number: str) -> None:
    """Publish in epoch NUMBER from the next sync on; `newest` for whichever is the newest."""
    if number != "newest" and not (number.isascii() and number.isdigit()):
        raise OperatorError("give the number of an epoch, or the word newest")
    installation = Installation.open(home)
    chosen = epochs.use(installation, None if number == "newest" else int(number))
    click.echo(f"Flags are published in epoch {chosen} from the next sync on.")
    installation.close()


@epoch.command()
@click.argument("number", type=click.IntRange(1))
@click.pass_obj
@cli_guard
def forget(home: Path, number: int) -> None:
    """Destroy our copy of the partnership key of epoch NUMBER. Withdraw our flags in it first."""
    installation = Installation.open(home)
    epochs.forget(installation, number)
    click.echo(f"Epoch {number} is forgotten here.")
    installation.close()


def _date(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
