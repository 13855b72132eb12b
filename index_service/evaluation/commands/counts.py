"""`evaluator counts`: how much was evaluated, for whom, for what and on which day."""

from datetime import UTC, datetime
from pathlib import Path

import click

from foundation.clock import now_ms
from foundation.operator import cli_guard
from index_service.evaluation import storage
from index_service.evaluation.commands.home import home_option
from index_service.evaluation.evaluating import DAY_MS
from index_service.evaluation.installation import load_settings, open_database


@click.command()
@home_option
@click.option(
    "--days", type=click.IntRange(1, 3660), default=7, show_default=True, help="Today and before."
)
@cli_guard
def counts(home: Path, days: int) -> None:
    """Show the elements evaluated per day (UTC), agency, use and epoch."""
    database = open_database(home, load_settings(home))
    now = now_ms()
    with database.read() as connection:
        rows = storage.counts_since(connection, now - now % DAY_MS - (days - 1) * DAY_MS)
    if not rows:
        click.echo("Nothing was evaluated in these days.")
        return
    click.echo(f"{'day':<10}  {'agency':<32}  {'use':<7}  {'epoch':>7}  {'elements':>15}")
    for row in rows:
        day = datetime.fromtimestamp(row.day / 1000, UTC).date().isoformat()
        click.echo(f"{day}  {row.agency:<32}  {row.use:<7}  {row.epoch:>7}  {row.elements:>15}")
