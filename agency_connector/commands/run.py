"""`run` serves the local API and the officers' pages, on this machine only."""

import ipaddress
from pathlib import Path
from typing import Final

import click

from agency_connector.app import create_app
from agency_connector.installation import Installation
from foundation import serving
from foundation.operator import OperatorError, cli_guard

# Sessions are in the memory of one process.
_WORKERS: Final = 1
_THREADS: Final = 8


@click.command()
@click.option("--bind", help="host:port instead of that of the settings; loopback only.")
@click.pass_obj
@cli_guard
def run(home: Path, bind: str | None) -> None:
    """Serve the page and the local API until stopped. `token` makes the token to sign in with."""
    installation = Installation.open(home)
    address = bind or installation.settings.pages.bind
    require_loopback(address)
    # The worker is forked from this process: it takes the open keyring and connects anew.
    installation.close()
    serving.serve(
        lambda: create_app(installation),
        address,
        _WORKERS,
        _THREADS,
        ready=lambda url: click.echo(f"Check a name at {url}. Ctrl-C stops it."),
    )


def require_loopback(bind: str) -> None:
    """Raise OperatorError unless `bind`, host:port, can be reached from this machine alone."""
    host = bind.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise OperatorError(
            "page and local API listen on this machine only: write 127.0.0.1:8300 under [pages] in "
            "connector.toml"
        )
