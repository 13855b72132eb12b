"""`index-service run`: serve the index under gunicorn."""

from pathlib import Path

import click
from flask import Flask

from foundation import logs, serving
from foundation.operator import cli_guard
from index_service.app import create_app
from index_service.commands.home import home_option
from index_service.installation import Installation


@click.command()
@home_option
@cli_guard
def run(home: Path) -> None:
    """Serve the index until stopped."""
    logs.configure("index-service")
    served = Installation.open(home).settings.serve

    def app() -> Flask:
        # Each worker opens its own connections.
        return create_app(Installation.open(home))

    serving.serve(
        app,
        served.bind,
        served.workers,
        served.threads,
        ready=lambda address: click.echo(f"The index is at {address}. Ctrl-C stops it."),
    )
