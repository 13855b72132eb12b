"""A partnership of the real programs: index, evaluator, and connectors that people have set up.

Everything is done with the commands and use cases that people use; only the sockets are left out.
"""

import csv
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from agency_connector.cli import main
from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.lookups import asking
from agency_connector.lookups.partnership import FRESH_MS
from agency_connector.publishing import sync as publishing
from agency_connector.publishing.sync import SyncReport
from agency_connector.trust import enrolment, epochs, handover, own_desks
from agency_connector.trust.comparing import fingerprint_of
from foundation.clock import now_ms
from foundation.database import Database, migrate
from index_service.agencies import enrolment as registry
from index_service.agreements import storage as agreements
from index_service.app import create_app
from index_service.audit.sequencing import sequence
from index_service.evaluation import storage as evaluator_storage
from index_service.evaluation.app import create_app as evaluator_app
from index_service.evaluation.installation import Evaluator, EvaluatorKeys
from index_service.evaluation.settings import EvaluatorSettings, KeySettings
from index_service.installation import Installation as Index
from index_service.settings import LimitSettings
from protocol import voprf
from protocol.encoding import b64u_decode, b64u_encode
from protocol.fingerprints import fingerprint40
from protocol.keys import SigningKey
from protocol.verifier_keys import read_verifier_key
from schemas.agencies import AgencyRole
from schemas.agreements import Agreement, Purpose
from schemas.checks import CheckAnswer, CheckRequest, TypedParticulars, WiderRequest
from schemas.lookups import LookupAnswer
from schemas.operations import EVALUATOR_OPERATIONS, INDEX_OPERATIONS
from tests.agency_connector.wsgi import WsgiAdapter, reaching
from tests.conftest import FakeClock
from tests.end_to_end.wire import Middleman
from tests.index_service.partnership import PARTNERSHIP, SAFEGUARDING, new_index

INDEX_URL = "http://127.0.0.1:8001"
EVALUATOR_URL = "http://127.0.0.1:8002"
DAY_MS = 86_400_000
HALF_AN_HOUR_MS = 1_800_000
PLENTY = LimitSettings(officer_per_hour=100_000, officer_per_day=100_000)
OFFICER = "officer.dibble"

# By agency: the team to phone, and the source it publishes from. The police only ask.
PHONES = {"police": "01632 960100", "council": "01632 960200", "health": "01632 960300"}
NO_DRAW = """
[checks]
justify_one_in = 0
"""
DESK = """
[[desks]]
id = "front-desk"
name = "{name} front desk"
phone = "{phone}"
hours = ["mon-sun 00:00-23:59"]
"""
POLICY = """
[sources.columns]
local_id = "ref"
given = "given"
family = "family"
born = "born"
role = "role"
status = "status"
opened = "opened"
[sources.policy]
open_status = ["open"]
longest_life_days = 365
lawful_basis = "uk-gdpr-6-1-e"
desk = "front-desk"
[sources.policy.roles]
client = "subject"
"""
CSV = """
[[sources]]
kind = "csv"
name = "cases"
path = "cases.csv"
"""
SQL = """
[[sources]]
kind = "sql"
name = "cases"
url = "sqlite:///cases.sqlite"
query = "SELECT * FROM cases"
"""
SOURCES = {"council": CSV + POLICY, "health": SQL + POLICY}
COLUMNS = ("ref", "given", "family", "born", "role", "status", "opened")

ZEPHYRINE = ("Zephyrine", "Quillfeather", "1983-07-19")
BARTHOLOMEW = ("Bartholomew", "Ravensgill", "1971-11-03")


@dataclass
class Town:
    """The services, what stands before them, and the connector of each agency by name."""

    folder: Path
    clock: FakeClock
    index_app: Index
    evaluator_app: Evaluator
    index: Middleman
    evaluator: Middleman
    adapters: dict[str, WsgiAdapter]
    connectors: dict[str, Installation] = field(default_factory=dict)
    fresh_url: Callable[[], str] | None = None
    """Makes the connectors' databases; None for a file of each connector's own."""
    opened: str = field(init=False)
    """When every case was opened: a month before, also when the clock has moved past midnight."""

    def __post_init__(self) -> None:
        began = datetime.fromtimestamp(self.clock() / 1000, UTC)
        self.opened = f"{began - timedelta(days=30):%Y-%m-%d}"

    def __getitem__(self, agency: str) -> Installation:
        return self.connectors[agency]

    def home(self, agency: str) -> Path:
        """The home folder of an agency's connector."""
        return self.folder / agency

    def command(self, agency: str, *words: str, typed: str = "") -> Result:
        """Run a command of an agency's connector with what a person types."""
        return CliRunner().invoke(main, ["--home", str(self.home(agency)), *words], input=typed)

    def make(self, agency: str) -> Installation:
        """Make a connector; nobody knows of it yet."""
        home = self.home(agency)
        made = self.command(
            agency, "init", "--agency", agency, "--name", agency.title(), "--index", INDEX_URL,
            "--evaluator", EVALUATOR_URL, "--seal", "unsealed",
            *(("--database", self.fresh_url()) if self.fresh_url else ()),
        )  # fmt: skip
        assert made.exit_code == 0, made.output
        settings = home / "connector.toml"
        desk = DESK.format(name=agency.title(), phone=PHONES.get(agency, "01632 960900"))
        settings.write_text(settings.read_text() + NO_DRAW + desk + SOURCES.get(agency, ""))
        self.connectors[agency] = Installation.open(home, clock=self.clock)
        return self.connectors[agency]

    def reopen(self, agency: str) -> Installation:
        """Open a connector again, as after a restart."""
        self.connectors[agency].close()
        self.connectors[agency] = Installation.open(self.home(agency), clock=self.clock)
        return self.connectors[agency]

    def enrol(self, agency: str, role: AgencyRole = "member") -> Installation:
        """Make a connector and enrol it with both operators."""
        made = self.make(agency)
        code = self.code(agency, role)
        now, key = self.clock(), made.signing_key
        with self.evaluator_app.database.write() as connection:
            evaluator_storage.add_agency(connection, agency, agency.title(), now)
            evaluator_storage.give_key(connection, agency, key.key_id, key.public, now)
        enrolment.enrol(made, lambda _: code)
        return made

    def code(self, agency: str, role: AgencyRole = "member") -> str:
        """Register an agency as the steward does; return its one-time code."""
        index = self.index_app
        with index.database.write() as connection:
            registry.register(connection, index, agency, agency.title(), role)
            return registry.issue_code(connection, index, agency)

    def found(self, agency: str) -> None:
        """Let an agency found the partnership."""
        founder = self.enrol(agency)
        log = read_verifier_key(self.index_app.log.verifier_key)[1]
        spoken = iter([fingerprint40(self.index_app.signing_key.public, log), self.digits(1)])
        epochs.found(founder, lambda _: next(spoken), self.clock() + 365 * DAY_MS)
        own_desks.sign_all(founder)

    def join(self, agency: str, by: str, role: AgencyRole = "member") -> None:
        """Let an agency join, with a hand-over from another. An auditor is not phoned."""
        newcomer = self.enrol(agency, role)
        handover.send(self[by], agency, None, lambda _: fingerprint_of(newcomer.keys))
        handover.receive(newcomer, None, lambda _: fingerprint_of(self[by].keys))
        if role == "member":
            own_desks.sign_all(newcomer)

    def work(self) -> None:
        """Let the index's worker number the entries and sign the log."""
        more = True
        while more:
            with self.index_app.database.write() as connection:
                more = sequence(connection, self.index_app, self.clock()).more

    def digits(self, epoch: int) -> str:
        """What the evaluator's operator reads out."""
        keys = self.evaluator_app.keys
        return fingerprint40(keys.signing.public, keys.epochs[epoch].public_key)

    def agree(self, *parties: str) -> None:
        """Put an agreement in force."""
        now = self.clock()
        with self.index_app.database.write() as connection:
            agreements.add_purpose(connection, Purpose(code=SAFEGUARDING, words="Safeguarding"))
            agreements.put_agreement(
                connection,
                Agreement(
                    agreement="all", title="All of us", parties=parties, purposes=(SAFEGUARDING,),
                    starts_at=now - DAY_MS, ends_at=now + 365 * DAY_MS,
                ),
            )  # fmt: skip

    def cases(self, agency: str, *people: tuple[str, str, str]) -> None:
        """Put these people, each given, family and born, into the agency's case system."""
        rows = [
            (f"{agency}-{number}", given, family, born, "client", "open", self.opened)
            for number, (given, family, born) in enumerate(people)
        ]
        if agency == "council":
            with (self.home(agency) / "cases.csv").open("w", newline="") as file:
                csv.writer(file).writerows([COLUMNS, *rows])
            return
        source = sqlite3.connect(self.home(agency) / "cases.sqlite")
        source.execute("DROP TABLE IF EXISTS cases")
        source.execute(f"CREATE TABLE cases ({', '.join(COLUMNS)})")
        source.executemany("INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        source.commit()
        source.close()

    def sync(self, agency: str, **options: Any) -> SyncReport:
        """Run an agency's sync."""
        return publishing.sync(self[agency], **options)

    def check(self, agency: str, person: tuple[str, str, str], check: str = "") -> CheckAnswer:
        """Check a name as an officer of the agency does."""
        return asking.check(self[agency], OFFICER, asked_for(person, check))

    def look_wider(self, agency: str, after: CheckAnswer) -> CheckAnswer:
        """Look wider after a check."""
        request = WiderRequest(check=new_id(), follows=after.check)
        return asking.look_wider(self[agency], OFFICER, request)

    def kept(self, agency: str, check: str) -> LookupAnswer:
        """Return the index's answer to a check, as the agency's journal keeps it."""
        found = Journal.of(self[agency]).find(b64u_decode(check))
        assert found is not None
        assert found.kept is not None
        return found.kept.answer

    def down(self, url: str, is_down: bool = True) -> None:
        """Let nothing get through to the service at `url`, or let it through again."""

        def refuse(_: Any) -> None:
            raise ConnectionRefusedError

        self.adapters[url].before = refuse if is_down else lambda _: None

    def down_all(self) -> None:
        """Let nothing get through to any service."""
        for url in self.adapters:
            self.down(url)

    def later(self) -> None:
        """Let a minute pass: what a connector has seen of the directory is then fetched anew."""
        self.clock.advance(FRESH_MS + 1)

    def close(self) -> None:
        """Close every database."""
        for connector in self.connectors.values():
            connector.close()
        self.index_app.database.close()
        self.evaluator_app.database.close()


def new_id() -> str:
    """Return the id of a new check."""
    return b64u_encode(secrets.token_bytes(16))


def asked_for(person: tuple[str, str, str], check: str = "") -> CheckRequest:
    """Return an officer's request to check the name of `person`."""
    given, family, born = person
    return CheckRequest(
        check=check or new_id(),
        particulars=TypedParticulars(given=given, family=family, born=born),
        purpose=SAFEGUARDING,
        reason="A neighbour is worried",
    )


def phones(answer: CheckAnswer) -> dict[str, str]:
    """Return the partners that are involved, each with the number to phone."""
    return {told.partner: told.team.phone for told in answer.involved}


def one_line(message: object) -> str:
    """Return the message after checking that it is one line that a person can act on."""
    text = str(message)
    assert "\n" not in text
    assert re.search(r"[a-z]{3}", text)
    assert "Traceback" not in text
    return text


def _new_evaluator(folder: Path, clock: FakeClock) -> Evaluator:
    database = Database(f"sqlite:///{folder / 'evaluator.db'}")
    migrate(database, evaluator_storage.LOCATION)
    return Evaluator(
        settings=EvaluatorSettings(partnership=PARTNERSHIP, keys=KeySettings(seal="unsealed")),
        database=database,
        keys=EvaluatorKeys(
            signing=SigningKey.generate(),
            epochs={n: voprf.derive_key_pair(secrets.token_bytes(32), b"test") for n in (1, 2)},
        ),
        clock=clock,
    )


@contextmanager
def services(
    folder: Path, limits: LimitSettings = PLENTY, fresh_url: Callable[[], str] | None = None
) -> Iterator[Town]:
    """Yield index and evaluator, without any agency yet.

    The index and the connectors to come are on databases of `fresh_url`, or on SQLite files in
    `folder`, as the evaluator is.

    The clock stands still at the present, so that commands, which have their own, agree with it.
    """
    clock = FakeClock(now_ms())
    url = fresh_url() if fresh_url else f"sqlite:///{folder / 'index.db'}"
    index = replace(
        new_index(Database(url), clock, limits=limits),
        head_file=folder / "log.head",
    )
    evaluator = _new_evaluator(folder, clock)
    before_index = Middleman(create_app(index), INDEX_OPERATIONS, index.signing_key, clock)
    before_evaluator = Middleman(
        evaluator_app(evaluator), EVALUATOR_OPERATIONS, evaluator.keys.signing, clock
    )
    adapters = {INDEX_URL: WsgiAdapter(before_index), EVALUATOR_URL: WsgiAdapter(before_evaluator)}
    town = Town(folder, clock, index, evaluator, before_index, before_evaluator, adapters)
    town.fresh_url = fresh_url
    with reaching(adapters):
        try:
            yield town
        finally:
            town.close()


@contextmanager
def eastmere(
    folder: Path, limits: LimitSettings = PLENTY, fresh_url: Callable[[], str] | None = None
) -> Iterator[Town]:
    """Yield police, council and health in agreement, each with a desk; nobody has published.

    It was founded half an hour ago.
    """
    with services(folder, limits, fresh_url) as town:
        town.clock.advance(-HALF_AN_HOUR_MS)
        town.found("police")
        town.join("council", by="police")
        town.join("health", by="council")
        town.agree("police", "council", "health")
        town.clock.advance(HALF_AN_HOUR_MS)
        yield town
