"""The command `index-service`: what a steward, and an evaluator's operator, can do."""

from typing import Final

import click

from foundation.words import Words

# Word: module, and the click command in it.
_COMMANDS: Final = {
    "init": ("index_service.commands.init", "init"),
    "migrate": ("index_service.commands.init", "migrate_command"),
    "run": ("index_service.commands.run", "run"),
    "worker": ("index_service.commands.worker", "worker"),
    "fingerprint": ("index_service.commands.init", "fingerprint"),
    "log-head": ("index_service.commands.log", "log_head"),
    "log-successor": ("index_service.commands.log", "log_successor"),
    "verify": ("index_service.commands.verify", "verify"),
    "export": ("index_service.commands.export", "export"),
    "agency": ("index_service.commands.partnership", "agency"),
    "purpose": ("index_service.commands.partnership", "purpose"),
    "agreement": ("index_service.commands.partnership", "agreement"),
    "counts": ("index_service.commands.counts", "counts"),
    "evaluator": ("index_service.evaluation.commands", "evaluator"),
}


@click.group(cls=Words, words=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interest-flag-index")
def main() -> None:
    """The index of a partnership, and its evaluator."""
