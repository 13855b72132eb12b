"""`index-service run`: serve the index under gunicorn."""

from pathlib import Path

import click
from flask import Flask

from foundation import health, logs, serving
from foundation.operator import cli_guard
from foundation.serving import Size
from index_service.app import LOG_FIELDS, create_app
from index_service.commands.home import home_option
from index_service.installation import Installation


@click.command()
@home_option
@click.option(
    "--gunicorn",
    "tuning",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A gunicorn configuration file, such as deploy/gunicorn/gunicorn.conf.py.",
)
@cli_guard
def run(home: Path, tuning: Path | None) -> None:
    """Serve the index until stopped; SIGHUP reads settings and keys anew."""
    logs.configure("index-service", LOG_FIELDS)
    # Opened here once, so that what is amiss is said at once and a passphrase is asked for once.
    first = Installation.open(home)
    first.database.close()
    served = first.settings.serve

    def app() -> Flask:
        # Each worker opens its own connections.
        return create_app(Installation.open(home, keyring=first.keyring))

    def reread() -> Size:
        again = Installation.open(home, keyring=first.keyring)
        again.database.close()
        return Size(again.settings.serve.workers, again.settings.serve.threads)

    serving.serve(
        app,
        served.bind,
        served.workers,
        served.threads,
        ready=lambda address: click.echo(f"The index is at {address}. Ctrl-C stops it."),
        watch=health.watch_address(served.watch, served.bind),
        tuning=tuning,
        reread=reread,
    )
