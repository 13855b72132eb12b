"""`index-service worker`: what the index does by itself, on a schedule."""

from pathlib import Path
from typing import Final

import click

from foundation import health, logs
from foundation.operator import cli_guard
from index_service.app import LOG_FIELDS
from index_service.commands.home import home_option
from index_service.installation import Installation
from index_service.worker.scheduling import work

_APART: Final = 2_000


@click.command()
@home_option
@click.option("--watch", help="host:port, or off, instead of the settings'.")
@cli_guard
def worker(home: Path, watch: str | None) -> None:
    """Do the index's jobs until stopped: the end of flags, retention, stale partners.

    Several copies may run, on several machines: each job is done by one of them at a time.
    """
    logs.configure("index-worker", LOG_FIELDS)
    first = Installation.open(home)
    first.database.close()
    settings = first.settings

    def opened() -> Installation:
        # With the keyring that is open already, so that a passphrase is asked for once.
        return Installation.open(home, keyring=first.keyring)

    work(
        opened,
        health.watch_address(watch or settings.worker.watch, settings.serve.bind, _APART),
        click.echo,
    )
