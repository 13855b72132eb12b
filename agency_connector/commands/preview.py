"""`preview` shows what `sync` would publish and what not, people masked; nothing leaves."""

import sys
from collections import Counter
from pathlib import Path

import click

from agency_connector import settings as settings_file
from agency_connector.database import LOCATION
from agency_connector.installation import MIGRATE_COMMAND
from agency_connector.policy.preview import PreviewLine
from agency_connector.publishing.judging import desks_at_index
from agency_connector.publishing.preview import preview as preview_of
from agency_connector.publishing.reading import local_day
from agency_connector.sources.rows import SourceFailed
from foundation.clock import now_ms
from foundation.database import Database, require_migrated
from foundation.operator import EXIT_FAILED, OperatorError, cli_guard, one_line


@click.command()
@click.option("--source", "only", metavar="NAME", help="This source alone.")
@click.option("--refused", is_flag=True, help="Only records that somebody has to put right.")
@click.pass_obj
@cli_guard
def preview(home: Path, only: str | None, refused: bool) -> None:
    """Show by record number what would be published, where and until when, and what not and why.

    Needs neither index nor evaluator. Exit code 1 if a source cannot be read.
    """
    settings = settings_file.load(home)
    sources = settings.sources
    chosen = [source for source in sources if only in (None, source.name)]
    if not chosen:
        names = ", ".join(source.name for source in sources) or "none"
        raise OperatorError(f"there is no such source in connector.toml; there are: {names}")
    database = Database(settings_file.database_url(settings, home))
    require_migrated(database, LOCATION, command=MIGRATE_COMMAND)
    with database.read() as connection:
        desks = desks_at_index(connection)
    database.close()
    failed = False
    for source in chosen:
        counts: Counter[tuple[str, str]] = Counter()
        try:
            for line in preview_of(source, home, desks, local_day(now_ms())):
                counts[line.outcome, line.code] += 1
                if not refused or line.outcome == "refuse":
                    _print(source.name, line)
        except SourceFailed as error:
            failed = True
            click.echo(f"error: {one_line(str(error))}", err=True)
        for (outcome, code), count in sorted(counts.items()):
            reason = "" if code == outcome else f" ({code})"
            click.echo(f"{source.name}: {count} {outcome}{reason}")
    if failed:
        sys.exit(EXIT_FAILED)


def _print(source: str, line: PreviewLine) -> None:
    click.echo(one_line(f"{source}: {line}"))
