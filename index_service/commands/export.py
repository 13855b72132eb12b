"""`index-service export`: the log, or a part of it, as one file that is verified offline."""

import os
from pathlib import Path

import click

from foundation.operator import OperatorError, cli_guard
from index_service.audit import exporting
from index_service.commands.home import home_option, opened


@click.command()
@home_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--from", "first", type=click.IntRange(0), help="Number of the first entry.")
@click.option("--to", "last", type=click.IntRange(0), help="Number of the last entry.")
@cli_guard
def export(home: Path, file: Path, first: int | None, last: int | None) -> None:
    """Write the entries of the log into FILE, with all that is needed to check them.

    A part is widened to whole bundles of 256 entries. There are no side records in it: only an
    auditor reads those, one by one and on a stated ground. That entries were read is an entry.
    `index-service verify --export FILE` and `agency-connector verify-export FILE` check it.
    """
    index = opened(home)
    if file.exists():
        raise OperatorError(f"{file}: exists already: name another file")
    with index.database.read() as connection:
        note, head = exporting.checkpoint_to_export(connection, index)
        part = exporting.bounds(head, first, None if last is None else last + 1)
    with index.database.write() as connection:
        exporting.record_export(connection, index, *part)
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        with (
            index.database.read() as connection,
            open(unfinished, "xb", opener=_private) as written,
        ):
            exporting.export(connection, index, note, head, part, written)
            written.flush()
            os.fsync(written.fileno())
        unfinished.rename(file)
    except OSError as error:
        raise OperatorError(f"{file}: cannot be written ({error.strerror}): make room") from None
    finally:
        unfinished.unlink(missing_ok=True)
    click.echo(
        f"Entries {part[0]} to {part[1] - 1} of {head.size} written to {file}.\n"
        f"To check them: agency-connector verify-export {file} --log-key {index.log.verifier_key}"
    )


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_CLOEXEC, 0o600)
