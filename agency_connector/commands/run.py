"""`run` serves the local API and the officers' pages, on this machine only, and syncs."""

import ipaddress
from pathlib import Path
from typing import Final

import click
from flask import Flask

from agency_connector import scheduling
from agency_connector.app import create_app
from agency_connector.installation import Installation
from agency_connector.sign_in.settings import SignInSettings
from foundation import health, logs, serving
from foundation.metrics import Metrics
from foundation.operator import OperatorError, cli_guard
from foundation.serving import Size

# Sessions are in the memory of one process.
_WORKERS: Final = 1
_THREADS: Final = 8

_COUNTS: Final = (
    "delivered",
    "doubts",
    "handovers",
    "held",
    "size",
    "troubles",
    "verified",
    "waiting",
    "witnesses",
)
LOG_FIELDS: Final = dict.fromkeys(_COUNTS, logs.whole) | dict.fromkeys(
    ("agency", "trouble"), logs.identifier
)
"""What the connector's log may hold beyond every program's fields: counts, ids, trouble's code."""


@click.command()
@click.option("--bind", help="host:port instead of that of the settings; loopback only.")
@click.pass_obj
@cli_guard
def run(home: Path, bind: str | None) -> None:
    """Serve the page and the local API until stopped. `token` makes the token to sign in with.

    Syncs and looks at the index on the schedule of the settings. SIGHUP reads them anew.
    """
    logs.configure("agency-connector", LOG_FIELDS)
    first = Installation.open(home)
    address = bind or first.settings.pages.bind
    require_fit(address, first.settings.sign_in)
    # The worker is forked from this process: it takes the open keyring and connects anew.
    first.close()

    def app() -> Flask:
        installation = Installation.open(home, keyring=first.keyring)
        figures = Metrics()
        made = create_app(installation, figures)
        scheduling.start(installation, figures)
        return made

    def reread() -> Size:
        Installation.open(home, keyring=first.keyring).close()
        return Size(_WORKERS, _THREADS)

    serving.serve(
        app,
        address,
        _WORKERS,
        _THREADS,
        ready=lambda url: click.echo(f"Check a name at {url}. Ctrl-C stops it."),
        watch=health.watch_address(first.settings.pages.watch, address),
        reread=reread,
    )


def require_fit(bind: str, sign_in: SignInSettings | None) -> None:
    """Raise OperatorError unless pages may listen at `bind`: loopback, or behind TLS.

    Other machines may reach them only if people sign in and a proxy in front of them has TLS.
    """
    if sign_in is None or not sign_in.is_https:
        require_loopback(bind)
    if sign_in is not None and not sign_in.is_https:
        click.echo(
            "The pages are plain http on this machine: their cookies are not marked Secure, and "
            "other programs of this machine could read them. For other machines set "
            '[sign_in] address = "https://..." and put a proxy with TLS in front.',
            err=True,
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
            "connector.toml, or set [sign_in] up with an https address and a proxy"
        )
