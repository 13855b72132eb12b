"""`evaluator run`: serve the evaluator under gunicorn."""

from pathlib import Path

import click

from foundation import health, logs, serving
from foundation.operator import cli_guard
from foundation.serving import Size
from index_service.evaluation.app import LOG_FIELDS, create_app
from index_service.evaluation.commands.home import home_option
from index_service.evaluation.installation import (
    Evaluator,
    EvaluatorKeys,
    load_settings,
    open_keyring,
)


@click.command()
@home_option
@click.option("--bind", help="host:port, instead of the settings'.")
@click.option("--workers", type=click.IntRange(1, 64), help="Instead of the settings'.")
@click.option(
    "--gunicorn",
    "tuning",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A gunicorn configuration file, such as deploy/gunicorn/gunicorn.conf.py.",
)
@cli_guard
def run(home: Path, bind: str | None, workers: int | None, tuning: Path | None) -> None:
    """Serve the evaluator until stopped; SIGHUP reads settings and keys anew."""
    logs.configure("evaluator", LOG_FIELDS)
    # Opened here once, so that what is amiss is said at once and a passphrase is asked for once.
    keyring = open_keyring(home, load_settings(home))
    opened = Evaluator.open(home, keys=EvaluatorKeys.of(keyring))
    opened.database.close()
    if not opened.keys.epochs:
        click.echo("No epoch is open yet: `index-service evaluator epoch open 1`, then reload.")

    def afresh() -> Evaluator:
        keyring.refresh()
        return Evaluator.open(home, keys=EvaluatorKeys.of(keyring))

    def reread() -> Size:
        again = afresh()
        again.database.close()
        return Size(workers or again.settings.serve.workers, again.settings.serve.threads)

    served = opened.settings.serve
    serving.serve(
        # Each worker opens its own connections.
        lambda: create_app(afresh()),
        bind or served.bind,
        workers or served.workers,
        served.threads,
        ready=lambda address: click.echo(f"The evaluator is at {address}. Ctrl-C stops it."),
        watch=health.watch_address(served.watch, bind or served.bind),
        tuning=tuning,
        reread=reread,
    )
