"""The partnership that real input is published in: the programs that ship, and their set-up."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from click import Command
from click.testing import CliRunner
from sqlalchemy import func, select

from agency_connector.cli import main as connector_main
from agency_connector.installation import Installation
from agency_connector.trust import enrolment, epochs, handover, own_desks
from agency_connector.trust.comparing import fingerprint_of
from benchmarks.memory import Use
from benchmarks.server import Server
from deploy.demo.programs import Services
from foundation.clock import now_ms
from index_service.cli import main as index_main
from index_service.flags.storage import flags
from index_service.installation import Installation as Index

PARTNERSHIP, PURPOSE = "eastmere", "safeguarding"
_YEAR_MS = 365 * 86_400_000
_DIGITS = re.compile(r"[0-9]{5}(?: [0-9]{5}){7}")
_CODE = re.compile(r"^[0-9A-Z]{2,4}(?:-[0-9A-Z]{2,4})+$", re.MULTILINE)
_COLUMNS = ("rec_id", "forename", "middle", "surname", "dob", "sex", "postcode", "nin")
_EVERY = 10**9
_CONNECTOR = """
[[desks]]
id = "front-desk"
name = "{name} office"
phone = "01632 960100"
hours = ["mon-sun 00:00-23:59"]

[[sources]]
kind = "csv"
name = "cases"
path = "cases.csv"
[sources.columns]
local_id = "rec_id"
given = "forename"
middle = "middle"
family = "surname"
born = "dob"
sex = "sex"
postcode = "postcode"
nino = "nin"
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


@dataclass(slots=True)
class County:
    """Index and evaluator as processes, and the homes of the agencies' connectors.

    `services` are the process ids whose families are measured, by name.
    """

    folder: Path
    agencies: Sequence[str]
    services: dict[str, int]
    server: Server | None
    own_pid: int

    def home(self, agency: str) -> Path:
        """The home folder of an agency's connector."""
        return self.folder / agency

    def name(self, agency: str) -> str:
        """The agency's name, which tells no category."""
        return f"Partner {self.agencies.index(agency) + 1}"

    def write_cases(self, agency: str, rows: Sequence[dict[str, str]]) -> None:
        """Put records into the agency's case system: open cases of subjects."""
        opened = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"
        with (self.home(agency) / "cases.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*_COLUMNS, "role", "status", "opened"])
            for row in rows:
                writer.writerow([*(row[name] for name in _COLUMNS), "client", "open", opened])

    def flags(self) -> int:
        """How many flags the index holds."""
        index = Index.open(self.folder / "index")
        with index.database.read() as connection:
            count = int(connection.execute(select(func.count()).select_from(flags)).scalar_one())
        index.database.close()
        return count

    def sizes(self) -> dict[str, int]:
        """The bytes of each program's database; of SQLite with the write-ahead log."""
        found = {"the connectors, together": 0}
        for agency in self.agencies:
            found["the connectors, together"] += _on_disk(self.home(agency) / "state")
        if self.server is not None:
            return found | {part: self.server.size(part) for part in ("index", "evaluator")}
        return found | {
            "index": _on_disk(self.folder / "index"),
            "evaluator": _on_disk(self.folder / "evaluator"),
        }


@contextmanager
def running(folder: Path, agencies: Sequence[str], server: Server | None) -> Iterator[County]:
    """Yield the partnership, in which everybody is enrolled and nobody has published."""
    urls = {
        part: f"sqlite:///{part}.db" if server is None else server.create(part)
        for part in ("index", "evaluator")
    }
    index, evaluator = folder / "index", folder / "evaluator"
    _run(
        index_main, "init", "--home", index, "--seal", "unsealed", "--partnership", PARTNERSHIP,
        "--organisation", "Trust",
        "--accountable-officer", "A", "--data-protection-contact", "B", "--database",
        urls["index"], "--bind", "127.0.0.1:0",
    )  # fmt: skip
    settings = index / "index.toml"
    settings.write_text(
        re.sub(r"(?m)^((?:agency|officer)_per_\w+) = .*", rf"\1 = {_EVERY}", settings.read_text())
    )
    _run(
        index_main, "evaluator", "init", "--home", evaluator, "--partnership", PARTNERSHIP,
        "--seal", "unsealed", "--database", urls["evaluator"], "--bind", "127.0.0.1:0",
    )  # fmt: skip
    settings = evaluator / "evaluator.toml"
    quotas = f"\n[quotas]\npublish = {_EVERY}\nlookup = {_EVERY}\n"
    kept = re.sub(r"(?m)^(publish|lookup) = .*", rf"\1 = {_EVERY}", settings.read_text())
    settings.write_text(kept if "[quotas]" in kept else kept + quotas)
    _run(index_main, "evaluator", "epoch", "open", 1, "--home", evaluator)
    services = Services(folder / "logs")
    try:
        one = services.start("index", "index-service", "run", "--home", index)
        other = services.start(
            "evaluator", "index-service", "evaluator", "run", "--home", evaluator
        )
        pids = {"index": one.process.pid, "evaluator": other.process.pid}
        if server is not None:
            pids["PostgreSQL"] = server.process.pid
        made = County(folder, agencies, pids, server, os.getpid())
        _enrol(made, one.address, other.address)
        yield made
    finally:
        services.stop()


def sync_in_a_process(home: Path) -> Use:
    """Sync a connector in a process of its own; return what it used. SystemExit if it fails."""
    words = [sys.executable, "-m", "benchmarks.real_input_sync", str(home)]
    ended = subprocess.run(words, check=False, stdout=subprocess.PIPE)
    if ended.returncode != 0:
        raise SystemExit(f"{home.name} could not publish")
    told = msgspec.json.decode(ended.stdout.splitlines()[-1], type=dict[str, float])
    return Use(told["cpu"], int(told["peak"]))


def _enrol(made: County, index: str, evaluator: str) -> None:
    homes = made.folder / "index", made.folder / "evaluator"
    connectors = []
    for agency in made.agencies:
        home = made.home(agency)
        _run(
            connector_main, "--home", home, "init", "--agency", agency, "--name",
            made.name(agency), "--index", index, "--evaluator", evaluator, "--seal", "unsealed",
        )  # fmt: skip
        settings = home / "connector.toml"
        settings.write_text(settings.read_text() + _CONNECTOR.format(name=made.name(agency)))
        connector = Installation.open(home)
        connectors.append(connector)
        said = _run(
            index_main, "agency", "add", agency, "--home", homes[0], "--name", made.name(agency)
        )
        _run(
            index_main, "evaluator", "agency", "add", agency, "--home", homes[1],
            "--name", made.name(agency), "--signing-key", connector.keys.signing,
        )  # fmt: skip
        code = _found(_CODE, said)
        enrolment.enrol(connector, lambda _, code=code: code)  # type: ignore[misc]  # bound now
    founder, *newcomers = connectors
    spoken = iter(
        [
            _found(_DIGITS, _run(index_main, "fingerprint", "--home", homes[0])),
            _found(_DIGITS, _run(index_main, "evaluator", "identity", "--home", homes[1])),
        ]
    )
    epochs.found(founder, lambda _: next(spoken), now_ms() + _YEAR_MS)
    for newcomer in newcomers:
        digits = fingerprint_of(newcomer.keys)
        handover.send(founder, newcomer.agency, None, lambda _, said=digits: said)  # type: ignore[misc]  # bound now
        handover.receive(newcomer, None, lambda _: fingerprint_of(founder.keys))
    today = datetime.now(UTC).date()
    _run(index_main, "purpose", "add", PURPOSE, "Keeping somebody safe", "--home", homes[0])
    _run(
        index_main, "agreement", "add", "isa-1", "--home", homes[0], "--title", "All of us",
        *(word for agency in made.agencies for word in ("--party", agency)), "--purpose", PURPOSE,
        "--from", today - timedelta(days=3), "--until", today + timedelta(days=300),
    )  # fmt: skip
    for connector in connectors:
        own_desks.sign_all(connector)
        connector.close()


def _run(command: Command, *words: object) -> str:
    ended = CliRunner().invoke(command, [str(word) for word in words])
    if ended.exit_code != 0:
        raise SystemExit(f"{words}: {ended.output}")
    return ended.output


def _found(pattern: re.Pattern[str], said: str) -> str:
    found = pattern.search(said)
    if found is None:
        raise SystemExit(f"expected {pattern.pattern} in: {said}")
    return found.group()


def _on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.db*"))
