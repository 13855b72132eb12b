"""`evaluator run`: serve the evaluator under gunicorn."""

from pathlib import Path

import click
from flask import Flask

from foundation import logs, serving
from foundation.operator import cli_guard
from index_service.evaluation.app import LOG_FIELDS, create_app
from index_service.evaluation.commands.home import home_option
from index_service.evaluation.installation import Evaluator


@click.command()
@home_option
@click.option("--bind", help="host:port, instead of the settings'.")
@click.option("--workers", type=click.IntRange(1, 64), help="Instead of the settings'.")
@cli_guard
def run(home: Path, bind: str | None, workers: int | None) -> None:
    """Serve the evaluator until stopped."""
    logs.configure("evaluator", LOG_FIELDS)
    # Opened here once, so that what is amiss is said at once and a passphrase is asked for once.
    opened = Evaluator.open(home)
    opened.database.close()
    if not opened.keys.epochs:
        click.echo("No epoch is open yet: `index-service evaluator epoch open 1`, then restart.")

    def app() -> Flask:
        # Each worker opens its own connections.
        return create_app(Evaluator.open(home, keys=opened.keys))

    served = opened.settings.serve
    serving.serve(
        app,
        bind or served.bind,
        workers or served.workers,
        served.threads,
        ready=lambda address: click.echo(f"The evaluator is at {address}. Ctrl-C stops it."),
    )
