"""A small program for test_serving: a click command that serves, as every `run` command does."""

import sys
import time
from pathlib import Path

import click
from flask import Flask

from foundation import logs, problems
from foundation.database import StorageUnavailable
from foundation.operator import OperatorError, cli_guard
from foundation.routes import Guard
from foundation.serving import serve


def app() -> Flask:
    made = Flask("served", static_folder=None)
    problems.register(made)
    guard = Guard({"anyone": Guard.anyone})

    @guard.route(made, "/", may="anyone")
    def hello() -> str:
        return "hello"

    @guard.route(made, "/slow", may="anyone")
    def slow() -> str:
        Path("started").touch()
        time.sleep(1)
        return "done"

    guard.seal(made)
    return made


def refusing() -> Flask:
    raise OperatorError("the database is empty: run `served init`")


def broken() -> Flask:
    raise ValueError("Aoife O'Brien")


def without_database() -> Flask:
    if Path("away").exists():
        raise StorageUnavailable("no database answers")
    return app()


@click.command()
@click.option("--bind", required=True)
@click.option("--factory", default="app")
@cli_guard
def main(bind: str, factory: str) -> None:
    logs.configure("served")
    made = {"app": app, "refusing": refusing, "broken": broken, "database": without_database}[
        factory
    ]
    serve(made, bind, 1, 4, ready=lambda address: print(address, flush=True))


if __name__ == "__main__":
    main(sys.argv[1:])
