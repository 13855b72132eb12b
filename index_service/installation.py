"""One installed index: its settings, database, keys and clock, opened together or not at all."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from foundation import settings as toml
from foundation.clock import Clock, now_ms
from foundation.database import Database, require_migrated
from foundation.keyring import Keyring, seal_from_setting
from index_service.audit import storage
from index_service.audit.intake import Log
from index_service.audit.mirror import Mirror
from index_service.database import LOCATION
from index_service.settings import IndexSettings
from index_service.standing import StandingReader
from protocol.keys import SigningKey

SETTINGS_FILE: Final = "index.toml"
SIGNING: Final = "signing"
LOG: Final = "log"
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Installation:
    """What every use case of the index needs."""

    settings: IndexSettings
    database: Database
    signing_key: SigningKey
    log: Log
    clock: Clock
    standing: StandingReader = field(default_factory=StandingReader)
    keyring: Keyring | None = None
    head_file: Path | None = None
    mirror: Mirror | None = None

    @classmethod
    def open(
        cls, home: Path, clock: Clock = now_ms, keyring: Keyring | None = None
    ) -> "Installation":
        """Open the index in `home`; OperatorError with the mend if anything is amiss.

        `keyring`, if it is open already, is read anew, which spares asking for its passphrase.
        """
        settings = toml.load(home / SETTINGS_FILE, IndexSettings)
        database = open_database(home, settings)
        require_migrated(database, LOCATION)
        if keyring is None:
            keyring = Keyring.open(home / settings.keys.file, seal_from_setting(settings.keys.seal))
        else:
            keyring.refresh()
        with database.read() as connection:
            generation = storage.state(connection).generation
        log = log_of(
            settings, SigningKey.from_bytes(keyring.get(log_secret(generation))), generation
        )
        return cls(
            settings=settings,
            database=database,
            signing_key=SigningKey.from_bytes(keyring.get(SIGNING)),
            log=log,
            clock=clock,
            keyring=keyring,
            head_file=head_file_of(home, settings, generation),
            mirror=mirror_of(home, settings, log.name),
        )

    @property
    def partnership(self) -> str:
        """The partnership this index serves."""
        return self.settings.partnership

    @property
    def audience(self) -> str:
        """What requests to this index name as their audience."""
        return f"index/{self.partnership}"


def log_of(settings: IndexSettings, key: SigningKey, generation: int = 1) -> Log:
    """Return log number `generation` of the index with these settings, signed with `key`."""
    deadline = settings.rules.log_deadline_minutes * _MINUTE_MS
    name = f"{settings.partnership}.ifi-log{_numbered(generation)}"
    return Log(name=name, key=key, deadline_ms=deadline, generation=generation)


def log_secret(generation: int) -> str:
    """Return the name in the keyring of the key of log number `generation`."""
    return f"{LOG}{_numbered(generation)}"


def head_file_of(home: Path, settings: IndexSettings, generation: int) -> Path:
    """Return the head file of log number `generation`; an earlier log's stays as it is."""
    path = home / settings.log.head_file
    return path.with_name(f"{path.name}{_numbered(generation)}")


def mirror_of(home: Path, settings: IndexSettings, origin: str) -> Mirror | None:
    """Return the mirror of the log `origin`: a folder of its own in the settings' folder."""
    if settings.log.mirror is None:
        return None
    return Mirror(home / settings.log.mirror / origin, origin)


def _numbered(generation: int) -> str:
    """Return what tells a successor's name from that of the partnership's first log."""
    return "" if generation == 1 else f"-{generation}"


def open_database(home: Path, settings: IndexSettings) -> Database:
    """Return the database of the settings; a relative SQLite path is under `home`."""
    url, start = settings.database.url, "sqlite:///"
    if url.startswith(start) and not url.startswith(start + "/"):
        url = f"{start}{(home / url.removeprefix(start)).resolve()}"
    return Database(url)
