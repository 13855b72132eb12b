"""The command `index-service`: what a steward, and an evaluator's operator, can do."""

import click

from index_service.commands.export import export
from index_service.commands.init import fingerprint, init, migrate_command
from index_service.commands.log import log_head, log_successor
from index_service.commands.partnership import agency, agreement, purpose
from index_service.commands.run import run
from index_service.commands.verify import verify
from index_service.commands.worker import worker
from index_service.evaluation.commands import evaluator


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interest-flag-index")
def main() -> None:
    """The index of a partnership, and its evaluator."""


for command in (
    init,
    migrate_command,
    run,
    worker,
    fingerprint,
    log_head,
    log_successor,
    verify,
    export,
    agency,
    purpose,
    agreement,
    evaluator,
):
    main.add_command(command)
