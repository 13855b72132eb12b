"""A partnership of real processes: index, evaluator, two workers, and connectors of three agencies.

The police ask; council and health publish. Between the connectors and the services stand
proxies, so that a service may come back at another port, and so that the network can fail.
"""

import csv
import itertools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from click.testing import CliRunner

from agency_connector.cli import main as connector_main
from agency_connector.installation import Installation
from foundation import settings as toml
from foundation.database import Database
from index_service.cli import main as service_main
from index_service.evaluation import installation as evaluator_installation
from index_service.evaluation.settings import EvaluatorSettings
from index_service.installation import Installation as Index
from tests.faults.programs import Program
from tests.faults.proxy import Proxy

AGENCIES: Final = ("police", "council", "health")
ASKING: Final = ("police",)
PUBLISHING: Final = ("council", "health")
PURPOSE: Final = "safeguarding"
WORKERS: Final = 2

_DIGITS: Final = re.compile(r"[0-9]{5}(?: [0-9]{5}){7}")
_CODE: Final = re.compile(r"^[0-9A-Z]{2,4}(?:-[0-9A-Z]{2,4})+$", re.MULTILINE)
_COLUMNS: Final = ("ref", "given", "family", "born", "role", "status", "opened")
_GIVEN: Final = (
    "Zephyrine", "Bartholomew", "Ottoline", "Peregrine", "Araminta", "Lysander", "Clementina",
    "Thaddeus", "Persephone", "Ignatius", "Wilhelmina", "Barnaby",
)  # fmt: skip
_FAMILY: Final = (
    "Quillfeather", "Ravensgill", "Harbourne", "Thistlewood", "Pennyfarthing", "Ashgrove",
    "Wintersmith", "Larkspurre", "Underhay", "Fothergale", "Brackenridge", "Merriwether",
    "Oxenholme", "Silverlock",
)  # fmt: skip
PEOPLE: Final = tuple(itertools.product(_GIVEN, _FAMILY))
"""Everybody there is: 168 invented people, by number."""

_CONNECTOR: Final = """
[[desks]]
id = "front-desk"
name = "{name} front desk"
phone = "01632 960100"
hours = ["mon-sun 00:00-23:59"]
"""
_SOURCE: Final = """
[[sources]]
kind = "csv"
name = "cases"
path = "cases.csv"
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
_WORKER: Final = """
[worker]
watch = "off"
lease_seconds = 2
flag_ends_seconds = 1
nonces_seconds = 1
stale_seconds = 1
retention_seconds = 1
"""


def born(person: int) -> str:
    """Return the date of birth of the person with this number."""
    return f"{1950 + person % 50}-{1 + person % 12:02}-{2 + person % 27:02}"


@dataclass(slots=True)
class County:
    """The processes, and where everything is."""

    folder: Path
    index: Program
    evaluator: Program
    workers: tuple[Program, ...]
    to_index: Proxy
    to_evaluator: Proxy
    sources: dict[str, dict[int, int]] = field(default_factory=dict)
    """By agency: who is in its case system, by number, and in how many days' time each opened."""

    def home(self, agency: str) -> Path:
        """The home folder of an agency's connector."""
        return self.folder / agency

    def start(self, *programs: Program) -> None:
        """Start programs, and lead the proxies to where they serve."""
        for program in programs:
            program.start()
        for program in programs:
            port = program.serving()
            if program is self.index:
                self.to_index.point_at(port)
            elif program is self.evaluator:
                self.to_evaluator.point_at(port)

    def programs(self) -> tuple[Program, ...]:
        """Every program that stays."""
        return (self.index, self.evaluator, *self.workers)

    @contextmanager
    def opened(self, agency: str) -> Iterator[Installation]:
        """Open an agency's connector in this process, to look at it."""
        installation = Installation.open(self.home(agency))
        try:
            yield installation
        finally:
            installation.close()

    @contextmanager
    def opened_index(self) -> Iterator[Index]:
        """Open the index in this process, to look at it."""
        index = Index.open(self.folder / "index")
        try:
            yield index
        finally:
            index.database.close()

    @contextmanager
    def evaluators_database(self) -> Iterator[Database]:
        """Open the evaluator's database in this process, to look at it."""
        home = self.folder / "evaluator"
        settings = toml.load(home / evaluator_installation.SETTINGS_FILE, EvaluatorSettings)
        database = evaluator_installation.open_database(home, settings)
        try:
            yield database
        finally:
            database.close()

    def write_source(self, agency: str) -> None:
        """Put who is in the agency's case system into its file, all at once."""
        today = datetime.now(UTC)
        path = self.home(agency) / "cases.csv"
        with path.with_suffix(".new").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(_COLUMNS)
            for person, days in sorted(self.sources[agency].items()):
                opened = today - timedelta(days=days)
                given, family = PEOPLE[person]
                rows.writerow(
                    (f"{agency}-{person}", given, family, born(person), "client", "open",
                     f"{opened:%Y-%m-%d}")
                )  # fmt: skip
        os.replace(path.with_suffix(".new"), path)


@contextmanager
def county(folder: Path, fresh_url: Callable[[], str]) -> Iterator[County]:
    """Yield a partnership that is set up and running; nobody has published. Ends every process."""
    _service("init", "--home", folder / "index", "--partnership", "eastmere", "--organisation",
             "Trust", "--accountable-officer", "A", "--data-protection-contact", "B",
             "--seal", "unsealed", "--bind", "127.0.0.1:0", "--database", fresh_url())  # fmt: skip
    settings = folder / "index" / "index.toml"
    text = re.sub(r"^((?:agency|officer)_per_\w+) = .*$", r"\1 = 1000000", settings.read_text(),
                  flags=re.MULTILINE)  # fmt: skip
    settings.write_text(text + _WORKER)
    evaluator = folder / "evaluator"
    _service("evaluator", "init", "--home", evaluator, "--partnership", "eastmere", "--seal",
             "unsealed", "--bind", "127.0.0.1:0", "--database", fresh_url())  # fmt: skip
    said = _service("evaluator", "epoch", "open", "1", "--home", evaluator)
    evaluator_digits = _found(_DIGITS, said)
    made = County(
        folder=folder,
        index=Program("index", folder / "index.log", "index-service", "run", "--home",
                      folder / "index", serves=True),
        evaluator=Program("evaluator", folder / "evaluator.log", "index-service", "evaluator",
                          "run", "--home", evaluator, serves=True),
        workers=tuple(
            Program(f"worker-{number}", folder / f"worker-{number}.log", "index-service", "worker",
                    "--home", folder / "index", "--watch", "off")
            for number in range(WORKERS)
        ),
        to_index=Proxy(),
        to_evaluator=Proxy(),
    )  # fmt: skip
    try:
        made.start(*made.programs())
        _set_up(made, fresh_url, evaluator_digits)
        yield made
    finally:
        for program in made.programs():
            program.kill()
        for proxy in (made.to_index, made.to_evaluator):
            proxy.close()


def _set_up(made: County, fresh_url: Callable[[], str], evaluator_digits: str) -> None:
    """Do what the steward, the evaluator's operator and the agencies' people do."""
    index, evaluator = made.folder / "index", made.folder / "evaluator"
    digits: dict[str, str] = {}
    for agency in AGENCIES:
        _connector(made, agency, "init", "--agency", agency, "--name", agency.title(), "--index",
                   made.to_index.url, "--evaluator", made.to_evaluator.url, "--seal", "unsealed",
                   "--database", fresh_url())  # fmt: skip
        path = made.home(agency) / "connector.toml"
        text = path.read_text().replace("withdrawal_share = 0.2", "withdrawal_share = 1.0")
        source = _SOURCE if agency in PUBLISHING else ""
        path.write_text(text + _CONNECTOR.format(name=agency.title()) + source)
        made.sources[agency] = {}
        said = _connector(made, agency, "keys")
        keys = dict(re.findall(r"^(signing|sealing) +(\S+)$", said, re.MULTILINE))
        digits[agency] = _found(_DIGITS, said)
        _service("evaluator", "agency", "add", agency, "--home", evaluator, "--name", agency,
                 "--signing-key", keys["signing"], "--sealing-key", keys["sealing"])  # fmt: skip
        code = _found(_CODE, _service("agency", "add", agency, "--home", index, "--name",
                                      agency.title(), "--role", "member"))  # fmt: skip
        _connector(made, agency, "enrol", typed=[code])
    today = datetime.now(UTC)
    _service("purpose", "add", PURPOSE, "Safeguarding", "--home", index)
    _service("agreement", "add", "all", "--home", index, "--title", "All of us", *itertools.chain(
        *(("--party", agency) for agency in AGENCIES)), "--purpose", PURPOSE,
        "--from", f"{today - timedelta(days=3):%Y-%m-%d}",
        "--until", f"{today + timedelta(days=300):%Y-%m-%d}")  # fmt: skip
    index_digits = _found(_DIGITS, _service("fingerprint", "--home", index))
    founder, *newcomers = AGENCIES
    _connector(made, founder, "epoch", "found", typed=[index_digits, evaluator_digits])
    for agency in newcomers:
        _connector(made, founder, "handover", "send", agency, typed=[digits[agency]])
        _connector(made, agency, "handover", "receive", typed=[digits[founder]])
    for agency in AGENCIES:
        _connector(made, agency, "desk", "sign")


def _connector(made: County, agency: str, *words: str, typed: list[str] | None = None) -> str:
    return _run(connector_main, ["--home", str(made.home(agency)), *words], typed or [])


def _service(*words: str | Path) -> str:
    return _run(service_main, list(map(str, words)), [])


def _run(command: click.Command, words: list[str], typed: list[str]) -> str:
    done = CliRunner().invoke(command, words, input="".join(f"{line}\n" for line in typed))
    assert done.exit_code == 0, (words, done.output)
    return done.output


def _found(pattern: re.Pattern[str], said: str) -> str:
    found = pattern.search(said)
    assert found is not None, said
    return found.group()
