"""A connector that nobody has enrolled: settings, keys and an empty journal, and no partner."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from agency_connector.installation import JOURNAL, SEALING, SIGNING, Installation
from foundation.keyring import Keyring, seal_from_setting
from protocol.keys import SealingKey, SigningKey
from tests.conftest import FakeClock

TOML = """
[agency]
id = "police"
name = "Borsetshire Police"
[index]
url = "http://127.0.0.1:8001"
[evaluator]
url = "http://127.0.0.1:8002"
[keys]
seal = "unsealed"
file = "keys.json"
"""


def with_keys(home: Path) -> Keyring:
    """Make the keyring that a connector has before it is enrolled."""
    keyring = Keyring.create(home / "keys.json", seal_from_setting("unsealed"))
    keyring.put(SIGNING, SigningKey.generate().to_bytes())
    keyring.put(SEALING, SealingKey.generate().to_bytes())
    keyring.put(JOURNAL, secrets.token_bytes(32))
    return keyring


@dataclass
class BareConnector:
    """The home of one, with its keys, and its migrated database."""

    home: Path
    database_url: str
    clock: FakeClock
    _opened: list[Installation] = field(default_factory=list)

    def opens(self, more: str = "") -> Installation:
        """Open it with these settings beside those that it needs."""
        database = f'[database]\nurl = "{self.database_url}"\n'
        (self.home / "connector.toml").write_text(TOML + database + more)
        self._opened.append(Installation.open(self.home, clock=self.clock))
        return self._opened[-1]

    def close(self) -> None:
        """Close whatever was opened."""
        for installation in self._opened:
            installation.close()
