"""A real index, a real evaluator and the connector of one agency that publishes from CSV files."""

import csv
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from agency_connector import settings as settings_file
from agency_connector.database import LOCATION
from agency_connector.installation import HANDLES, PADDING, SEALING, SIGNING, Installation
from agency_connector.publishing import sync as publishing
from agency_connector.publishing.reading import ToMend
from agency_connector.publishing.sync import SyncReport
from agency_connector.trust import enrolment, epochs, own_desks
from foundation.database import Database, migrate
from foundation.keyring import Keyring, seal_from_setting
from index_service.agencies import enrolment as registry
from index_service.audit.intake import intake
from index_service.database import LOCATION as INDEX_LOCATION
from index_service.evaluation import storage as evaluator_storage
from index_service.evaluation.app import create_app as evaluator_app
from index_service.evaluation.installation import Evaluator, EvaluatorKeys
from index_service.evaluation.settings import EvaluatorSettings, KeySettings
from index_service.flags import marks
from index_service.flags import storage as flags
from protocol import voprf
from protocol.entries import read_entry
from protocol.fingerprints import fingerprint40
from protocol.keys import SealingKey, SigningKey
from protocol.verifier_keys import read_verifier_key
from tests.agency_connector.wsgi import WsgiAdapter, reaching
from tests.conftest import FakeClock
from tests.index_service.partnership import DAY_MS, PARTNERSHIP, Partnership

INDEX_URL = "http://127.0.0.1:8001"
EVALUATOR_URL = "http://127.0.0.1:8002"
HEADER = ["Ref", "First", "Last", "DOB", "Role", "Status", "Opened", "NHS"]
TOML = """
[agency]
id = "council"
name = "Borchester Council"
[index]
url = "{index}"
[evaluator]
url = "{evaluator}"
[keys]
seal = "unsealed"
file = "keys.json"
[database]
url = "{database}"
[[desks]]
id = "front-desk"
name = "Front desk"
phone = "01632 960000"
[[desks]]
id = "quiet-desk"
name = "Second desk"
phone = "01632 960001"
visibility = "hidden"
"""
SOURCE = """
[[sources]]
kind = "csv"
name = "{name}"
path = "{name}.csv"
[sources.columns]
local_id = "Ref"
given = "First"
family = "Last"
born = "DOB"
role = "Role"
status = "Status"
opened = "Opened"
nhs_number = "NHS"
[sources.policy]
open_status = ["open"]
longest_life_days = 365
lawful_basis = "uk-gdpr-6-1-e"
desk = "front-desk"
[sources.policy.roles]
Client = "subject"
Victim = "victim"
"""


@dataclass
class Borsetshire:
    """The services, and the connector of the council."""

    folder: Path
    clock: FakeClock
    partnership: Partnership
    evaluator: Evaluator
    index: WsgiAdapter
    evaluation: WsgiAdapter
    database_url: str
    connector: Installation = field(init=False)
    told: list[ToMend] = field(default_factory=list)

    def configure(self, *sources: str) -> None:
        """Write connector.toml with these sources, and open the connector anew."""
        text = TOML.format(index=INDEX_URL, evaluator=EVALUATOR_URL, database=self.database_url)
        text += "".join(SOURCE.format(name=name) for name in sources)
        (self.folder / "connector.toml").write_text(text)
        if hasattr(self, "connector"):
            self.connector.close()
        if not (self.folder / "keys.json").exists():
            keyring = Keyring.create(self.folder / "keys.json", seal_from_setting("unsealed"))
            keyring.put(SIGNING, SigningKey.generate().to_bytes())
            keyring.put(SEALING, SealingKey.generate().to_bytes())
            keyring.put(PADDING, secrets.token_bytes(32))
            keyring.put(HANDLES, secrets.token_bytes(32))
            url = settings_file.database_url(settings_file.load(self.folder), self.folder)
            database = Database(url)
            migrate(database, LOCATION)
            database.close()
        self.connector = Installation.open(self.folder, clock=self.clock)

    def found(self) -> None:
        """Enrol the council, let it found the partnership, and sign its desks."""
        index = self.partnership.index
        with index.database.write() as connection:
            registry.register(connection, index, "council", "Borchester Council", "member")
            code = registry.issue_code(connection, index, "council")
        with self.evaluator.database.write() as connection:
            evaluator_storage.add_agency(connection, "council", "Borchester Council", 0)
            evaluator_storage.give_key(
                connection,
                "council",
                self.connector.signing_key.key_id,
                self.connector.signing_key.public,
                0,
            )
        enrolment.enrol(self.connector, lambda _: code)
        log = read_verifier_key(index.log.verifier_key)[1]
        answers = iter([fingerprint40(index.signing_key.public, log), self.digits(1)])
        epochs.found(self.connector, lambda _: next(answers), self.clock() + 365 * DAY_MS)
        own_desks.sign_all(self.connector)

    def digits(self, epoch: int) -> str:
        """What the evaluator's operator reads out."""
        keys = self.evaluator.keys
        return fingerprint40(keys.signing.public, keys.epochs[epoch].public_key)

    def open_epoch(self, epoch: int) -> None:
        """Open a later epoch."""
        epochs.open_later(
            self.connector, epoch, lambda _: self.digits(epoch), self.clock() + 365 * DAY_MS
        )

    def write(self, *rows: list[str], source: str = "cases") -> None:
        """Write the source's file."""
        with (self.folder / f"{source}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([HEADER, *rows])

    def sync(self, **options: Any) -> SyncReport:
        """Run a sync."""
        self.told.clear()
        return publishing.sync(self.connector, tell=self.told.append, **options)

    def flags(self, epoch: int = 1) -> dict[bytes, tuple[str, int, bytes]]:
        """What stands at the index: by handle the desk, the end and the tokens."""
        with self.partnership.index.database.read() as connection:
            rows = connection.execute(select(flags.flags).where(flags.flags.c.epoch == epoch)).all()
        return {row.handle: (row.desk, row.ends_at, row.tokens) for row in rows}

    def token_rows(self) -> int:
        """How many token rows the index has."""
        with self.partnership.index.database.read() as connection:
            return len(connection.execute(select(flags.flag_tokens)).all())

    def mark(self, epoch: int = 1) -> str | None:
        """The council's mark in `epoch`."""
        with self.partnership.index.database.read() as connection:
            found = marks.by_agency(connection).get("council", ())
        return next((one.state for one in found if one.epoch == epoch), None)

    def publications(self) -> list[str]:
        """The kinds of the log's entries about flags, in order."""
        with self.partnership.index.database.read() as connection:
            rows = connection.execute(select(intake.c.entry).order_by(intake.c.recorded_at)).all()
        kinds = [type(read_entry(row.entry)).__name__.lower() for row in rows]
        return [kind for kind in kinds if kind in {"collection", "alteration", "erasure"}]

    def sent(self, path: str = "/v1/flags/batches") -> list[bytes]:
        """The bodies that the index was sent."""
        return [body for at, body in self.index.bodies if at == path]

    def elements(self) -> int:
        """How many elements the evaluator has counted."""
        with self.evaluator.database.read() as connection:
            return sum(row.elements for row in evaluator_storage.counts_since(connection, 0))


def person(number: int, **changed: str) -> list[str]:
    """A row that is published; every number another person."""
    names = ("Ambridge", "Borchester", "Felpersham", "Lakey", "Penny", "Hassett", "Perivale", "Dar")
    first = f"{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676 % 26)}li"
    told = {
        "Ref": f"C{number}",
        "First": first.title(),
        "Last": names[number % 8] + chr(97 + number // 8 % 26) + chr(97 + number // 208 % 26),
        "DOB": f"{2 + number % 27:02}/{1 + number // 27 % 12:02}/{1950 + number // 324 % 50}",
        "Role": "Client",
        "Status": "open",
        "Opened": "1/12/2025",
        "NHS": "",
    }
    return [{**told, **changed}[name] for name in HEADER]


@contextmanager
def borsetshire(
    folder: Path, migrated_url: Callable[[str], str], clock: FakeClock
) -> Iterator[Borsetshire]:
    """Yield the whole of it: the council has founded the partnership and signed its desks."""
    partnership = Partnership.on(Database(migrated_url(INDEX_LOCATION)), clock)
    keys = EvaluatorKeys(
        signing=SigningKey.generate(),
        epochs={n: voprf.derive_key_pair(secrets.token_bytes(32), b"test") for n in (1, 2)},
    )
    evaluator = Evaluator(
        settings=EvaluatorSettings(partnership=PARTNERSHIP, keys=KeySettings(seal="unsealed")),
        database=Database(migrated_url(evaluator_storage.LOCATION)),
        keys=keys,
        clock=clock,
    )
    migrate(evaluator.database, evaluator_storage.LOCATION)
    index_adapter = WsgiAdapter(partnership.client.application)
    evaluator_adapter = WsgiAdapter(evaluator_app(evaluator))
    town = Borsetshire(
        folder=folder,
        clock=clock,
        partnership=partnership,
        evaluator=evaluator,
        index=index_adapter,
        evaluation=evaluator_adapter,
        database_url=migrated_url(LOCATION),
    )
    with reaching({INDEX_URL: index_adapter, EVALUATOR_URL: evaluator_adapter}):
        town.configure("cases")
        town.found()
        try:
            yield town
        finally:
            town.connector.close()
            partnership.index.database.close()
            evaluator.database.close()
