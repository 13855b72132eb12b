"""`doctor` looks at this machine: settings, keys, database, permissions, room, mail server."""

import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from agency_connector import settings as settings_file
from agency_connector.alarms import open_alarms
from agency_connector.database import LOCATION
from agency_connector.installation import MIGRATE_COMMAND, keyring_path
from agency_connector.mailing.notices import mailboxes, no_mailbox
from agency_connector.mailing.server import connected, password_of
from agency_connector.settings import Settings
from foundation.database import Database, require_migrated
from foundation.keyring import Keyring, seal_from_setting
from foundation.operator import EXIT_FAILED, OperatorError, PlainError, cli_guard, one_line

_LEAST_ROOM: Final = 200 * 1024 * 1024


@click.command()
@click.pass_obj
@cli_guard
def doctor(home: Path) -> None:
    """Check this machine's part, a line for each; exit code 1 if something is to be mended."""
    settings = settings_file.load(home)
    click.echo("ok    settings: connector.toml can be read")
    checks: dict[str, Callable[[Settings, Path], str]] = {
        "folder": _folder,
        "keys": _keys,
        "database": _database,
        "alarms": _alarms,
        "room": _room,
        "mail": _mail,
    }
    failed = False
    for about, check in checks.items():
        try:
            click.echo(f"ok    {about}: {check(settings, home)}")
        except PlainError as error:
            failed = True
            click.echo(f"MEND  {about}: {one_line(str(error))}")
    if failed:
        sys.exit(EXIT_FAILED)


def _folder(_: Settings, home: Path) -> str:
    mode = stat.S_IMODE(home.stat().st_mode)
    if mode & 0o022:
        raise OperatorError(f"{home.absolute()}: others can change it: `chmod go-w` the folder")
    return f"{home.absolute()} is this user's alone to change"


def _keys(settings: Settings, home: Path) -> str:
    path = keyring_path(settings, home)
    keyring = Keyring.open(path, seal_from_setting(settings.keys.seal))
    if not keyring.is_sealed:
        return f"{path} opens; it is NOT sealed, which is for trying out only"
    return f"{path} opens and is sealed"


def _database(settings: Settings, home: Path) -> str:
    database = Database(settings_file.database_url(settings, home))
    try:
        require_migrated(database, LOCATION, command=MIGRATE_COMMAND)
        with database.write():
            pass
    finally:
        database.close()
    return f"{database.name} is up to date and can be written"


def _alarms(settings: Settings, home: Path) -> str:
    database = Database(settings_file.database_url(settings, home))
    try:
        with database.read() as connection:
            found = open_alarms(connection)
    finally:
        database.close()
    if found:
        sentences = " ".join(f"ALARM {alarm.number}: {alarm.sentence}." for alarm in found)
        raise OperatorError(f"{sentences} Then: agency-connector alarms --acknowledge N")
    return "there is none"


def _mail(settings: Settings, home: Path) -> str:
    told = settings.mail
    if told is None:
        return "there is no [mail]: desks learn of requests to phone on their page alone"
    found = mailboxes(settings, told)
    if lacking := [desk for desk, mailbox in found.items() if mailbox is None]:
        raise OperatorError(no_mailbox(lacking[0]))
    keyring = Keyring.open(keyring_path(settings, home), seal_from_setting(settings.keys.seal))
    with connected(told, password_of(told, keyring)) as server:
        for mailbox in filter(None, found.values()):
            server.try_mailbox(mailbox)
    return f"{told.server}:{told.port} takes mail for the mailboxes of {len(found)} desks"


def _room(_: Settings, home: Path) -> str:
    free = shutil.disk_usage(home).free
    if free < _LEAST_ROOM:
        raise OperatorError(
            f"only {free >> 20} MiB are free on the disk of {home.absolute()}: make room"
        )
    return f"{free >> 20} MiB are free"
