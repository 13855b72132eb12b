"""`evaluator epoch` and `identity`: make and destroy the keys of epochs, show the public ones."""

import secrets
from pathlib import Path
from typing import Final

import click

from foundation.operator import OperatorError, cli_guard
from index_service.evaluation import storage
from index_service.evaluation.commands.home import home_option
from index_service.evaluation.installation import (
    Evaluator,
    EvaluatorKeys,
    evaluation_secret,
    load_settings,
    open_database,
    open_keyring,
)
from protocol import voprf
from protocol.encoding import b64u_encode, lp
from protocol.fingerprints import fingerprint40

LIVE_EPOCHS: Final = 2
_EPOCH: Final = click.IntRange(1, 1_000_000)
_INFO: Final = "ifi/1 evaluation key"
_RELOAD: Final = (
    "If the evaluator is running, reload it (SIGHUP, or `systemctl reload`): "
    "it reads its keys when it starts and when it is reloaded."
)


@click.group()
def epoch() -> None:
    """The evaluation keys: one for each epoch, at most two at a time."""


@epoch.command(name="open")
@click.argument("number", type=_EPOCH)
@home_option
@cli_guard
def open_command(number: int, home: Path) -> None:
    """Make the key of epoch NUMBER and print what its founder has to compare by phone."""
    keyring = open_keyring(home, load_settings(home))
    evaluator = Evaluator.open(home, keys=EvaluatorKeys.of(keyring))
    live = evaluator.keys.epochs
    if number in live:
        raise OperatorError(f"epoch {number} is open already: `index-service evaluator identity`")
    if len(live) >= LIVE_EPOCHS:
        numbers = " and ".join(map(str, live))
        raise OperatorError(
            f"epochs {numbers} are open and no more than {LIVE_EPOCHS} may be: close one that no "
            "partner uses any more"
        )
    with evaluator.database.read() as connection:
        used = storage.was_used(connection, number)
    if used or (live and number < max(live)):
        raise OperatorError(
            f"epoch {number} cannot be opened: a number is used once and in ascending order; take "
            "the next one"
        )
    pair = voprf.derive_key_pair(
        secrets.token_bytes(voprf.SEED_BYTES), lp(_INFO, evaluator.partnership, number)
    )
    keyring.put(evaluation_secret(number), pair.private_key)
    click.echo(f"Opened epoch {number} of {evaluator.partnership}.")
    _show(EvaluatorKeys.of(keyring), number)
    click.echo("Read the 40 digits by phone to whoever opens the epoch at a partner.")
    click.echo("Back up the keyring: without this key the epoch's tokens cannot be made again.")
    click.echo(_RELOAD)


@epoch.command(name="close")
@click.argument("number", type=_EPOCH)
@home_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@cli_guard
def close_command(number: int, home: Path, *, yes: bool) -> None:
    """Destroy the key of epoch NUMBER, so that its tokens can never be made again."""
    settings = load_settings(home)
    keyring = open_keyring(home, settings)
    if evaluation_secret(number) not in keyring.names():
        raise OperatorError(f"epoch {number} is not open: `index-service evaluator identity`")
    question = (
        f"Nobody can search or publish in epoch {number} of {settings.partnership} any more, "
        "ever. Close it?"
    )
    if not yes and not click.confirm(question):
        raise OperatorError(f"epoch {number} stays open: nothing was changed")
    keyring.remove(evaluation_secret(number))
    click.echo(
        f"Closed epoch {number}. Destroy the backups of the keyring that still hold its key."
    )
    click.echo(_RELOAD)


@click.command()
@home_option
@cli_guard
def identity(home: Path) -> None:
    """Show the public keys, and each epoch's 40 digits to compare by phone."""
    settings = load_settings(home)
    keys = EvaluatorKeys.of(open_keyring(home, settings))
    click.echo(
        f"Evaluator of {settings.partnership}, database {open_database(home, settings).name}"
    )
    if not keys.epochs:
        click.echo(f"signing key  {b64u_encode(keys.signing.public)}")
        click.echo("No epoch is open: `index-service evaluator epoch open NUMBER`.")
    for number in keys.epochs:
        _show(keys, number)


def _show(keys: EvaluatorKeys, number: int) -> None:
    public = keys.epochs[number].public_key
    click.echo(f"epoch {number}")
    click.echo(f"  public key   {b64u_encode(public)}")
    click.echo(f"  signing key  {b64u_encode(keys.signing.public)}")
    click.echo(f"  fingerprint  {fingerprint40(keys.signing.public, public)}")
