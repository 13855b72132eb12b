"""One installed evaluator: its settings, database, keys and clock, opened together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from foundation import settings as toml
from foundation.clock import Clock, now_ms
from foundation.database import Database, require_migrated
from foundation.keyring import Keyring, seal_from_setting
from index_service.evaluation.settings import EvaluatorSettings
from index_service.evaluation.storage import LOCATION
from protocol import voprf
from protocol.keys import SigningKey
from protocol.voprf import KeyPair

SETTINGS_FILE: Final = "evaluator.toml"
MIGRATE_COMMAND: Final = "index-service evaluator migrate"
SIGNING: Final = "signing"
_EVALUATION: Final = re.compile(r"evaluation-([1-9][0-9]{0,6})")


def evaluation_secret(epoch: int) -> str:
    """Return the name of the secret that holds an epoch's scalar."""
    return f"evaluation-{epoch}"


@dataclass(frozen=True, slots=True)
class EvaluatorKeys:
    """What the keyring holds: the key that signs answers, and each live epoch's own."""

    signing: SigningKey
    epochs: Mapping[int, KeyPair]

    @classmethod
    def of(cls, keyring: Keyring) -> "EvaluatorKeys":
        """Read them from an open keyring; OperatorError if one is missing or damaged."""
        numbers = [
            int(match[1]) for name in keyring.names() if (match := _EVALUATION.fullmatch(name))
        ]
        pairs = {
            number: _key_pair(keyring.get(evaluation_secret(number))) for number in sorted(numbers)
        }
        return cls(
            signing=SigningKey.from_bytes(keyring.get(SIGNING)), epochs=MappingProxyType(pairs)
        )


@dataclass(frozen=True, slots=True)
class Evaluator:
    """What every use case of the evaluator needs."""

    settings: EvaluatorSettings
    database: Database
    keys: EvaluatorKeys
    clock: Clock

    @classmethod
    def open(
        cls, home: Path, clock: Clock = now_ms, keys: EvaluatorKeys | None = None
    ) -> "Evaluator":
        """Open the evaluator in `home`; OperatorError with the mend if anything is amiss.

        `keys`, if they have been read already, spare asking for the passphrase again.
        """
        settings = load_settings(home)
        database = open_database(home, settings)
        require_migrated(database, LOCATION, command=f"{MIGRATE_COMMAND} --home {home}")
        return cls(
            settings=settings,
            database=database,
            keys=keys or EvaluatorKeys.of(open_keyring(home, settings)),
            clock=clock,
        )

    @property
    def partnership(self) -> str:
        """The partnership whose tokens are made here."""
        return self.settings.partnership

    @property
    def audience(self) -> str:
        """What requests to this evaluator name as their audience."""
        return f"evaluator/{self.partnership}"


def load_settings(home: Path) -> EvaluatorSettings:
    """Return the settings of the evaluator in `home`."""
    return toml.load(home / SETTINGS_FILE, EvaluatorSettings)


def open_database(home: Path, settings: EvaluatorSettings) -> Database:
    """Return the database of the settings; a relative SQLite path is under `home`."""
    url, start = settings.database.url, "sqlite:///"
    if url.startswith(start) and not url.startswith(start + "/"):
        url = f"{start}{(home / url.removeprefix(start)).resolve()}"
    return Database(url)


def open_keyring(home: Path, settings: EvaluatorSettings) -> Keyring:
    """Open the keyring of the settings."""
    return Keyring.open(home / settings.keys.file, seal_from_setting(settings.keys.seal))


def _key_pair(scalar: bytes) -> KeyPair:
    return KeyPair(private_key=scalar, public_key=voprf.public_key(scalar))
