"""`evaluator counts`: how much was evaluated, for whom, for what and on which day."""

from datetime import UTC, datetime
from pathlib import Path

import click

from foundation.clock import now_ms
from foundation.operator import OperatorError, cli_guard
from index_service.evaluation import storage
from index_service.evaluation.commands.home import home_option
from index_service.evaluation.evaluating import DAY_MS
from index_service.evaluation.installation import Evaluator, load_settings, open_database
from protocol import canonical, documents
from schemas.evaluation import DailyCount, EvaluatorCounts


@click.command()
@home_option
@click.option(
    "--days", type=click.IntRange(1, 3660), default=7, show_default=True, help="Today and before."
)
@click.option(
    "--sign",
    "signed",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Print the counts of this day (UTC), signed, for `index-service counts add`.",
)
@cli_guard
def counts(home: Path, days: int, signed: datetime | None) -> None:
    """Show the elements evaluated per day (UTC), agency, use and epoch."""
    if signed is not None:
        _print_signed(Evaluator.open(home), signed)
        return
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


def _print_signed(evaluator: Evaluator, day: datetime) -> None:
    begins, now = int(day.replace(tzinfo=UTC).timestamp() * 1000), evaluator.clock()
    if begins + DAY_MS > now:
        raise OperatorError(f"{day:%Y-%m-%d} is not over (UTC): sign its counts tomorrow")
    with evaluator.database.read() as connection:
        rows = [row for row in storage.counts_since(connection, begins) if row.day == begins]
    told = EvaluatorCounts(
        partnership=evaluator.partnership,
        day=begins,
        counts=tuple(
            DailyCount(agency=row.agency, epoch=row.epoch, use=row.use, elements=row.elements)
            for row in rows
        ),
        signed_at=now,
    )
    signed = documents.sign(told, evaluator.keys.signing)
    click.echo(canonical.encode(signed).decode())
