"""Brings up the partnership of the drill: index and evaluator as programs, connectors in process.

Index and evaluator run as they do anywhere, each from its own home, with their logs and temporary
files in folders of the drill, so that everything they hold can be stolen.
"""

import csv
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import requests
from click import Command
from click.testing import CliRunner

from agency_connector.cli import main as connector_main
from agency_connector.installation import Installation
from agency_connector.lookups import asking, resolving
from agency_connector.publishing.sync import sync
from agency_connector.trust import enrolment, epochs, handover, own_desks
from agency_connector.trust.comparing import fingerprint_of
from benchmarks.breach_drill.people import AGENCIES, Canary, Case, Sample
from deploy.demo.people import Person
from deploy.demo.programs import Service, Services
from foundation.clock import now_ms
from foundation.operator import OperatorError
from index_service.cli import main as index_main
from protocol.encoding import b64u_encode
from schemas.checks import CheckAnswer, CheckRequest, Identifier, TypedParticulars, WiderRequest
from schemas.operations import EVALUATE, LOOK_UP, PUBLISH

PARTNERSHIP: Final = "eastmere"
PURPOSE: Final = "safeguarding"
FOUNDER: Final = AGENCIES[0]
ASKER: Final = AGENCIES[0]
SQLITE_INDEX: Final = "sqlite:///index.db"
SQLITE_EVALUATOR: Final = "sqlite:///evaluator.db"
_YEAR_MS: Final = 365 * 86_400_000
_DIGITS: Final = re.compile(r"[0-9]{5}(?: [0-9]{5}){7}")
_CODE: Final = re.compile(r"^[0-9A-Z]{2,4}(?:-[0-9A-Z]{2,4})+$", re.MULTILINE)
_COLUMNS: Final = (
    "ref", "given", "middle", "family", "born", "postcode", "role", "status", "opened", "reviewed",
    "team", "nhs", "pnc", "nin",
)  # fmt: skip
_DESKS_AND_SOURCE: Final = """
[[desks]]
id = "front-desk"
name = "{name} front desk"
phone = "01632 960{number}"
hours = ["mon-sun 00:00-23:59"]

[[desks]]
id = "quiet"
name = "{name} second desk"
phone = "01632 960{number}"
visibility = "hidden"

[[sources]]
kind = "csv"
name = "cases"
path = "cases.csv"
dates = "day-first"
[sources.columns]
local_id = "ref"
given = "given"
middle = "middle"
family = "family"
born = "born"
postcode = "postcode"
role = "role"
status = "status"
opened = "opened"
reviewed = "reviewed"
category = "team"
nhs_number = "nhs"
pnc_id = "pnc"
nino = "nin"
[sources.policy]
open_status = ["open"]
longest_life_days = 365
lawful_basis = "uk-gdpr-6-1-e"
desk = "front-desk"
[sources.policy.roles]
subject = "subject"
victim = "victim"
witness = "witness"
reporter = "reporter"
[sources.policy.categories]
include = ["general", "quiet"]
[sources.policy.categories.desks]
quiet = "quiet"
"""


class DrillFailed(OperatorError):
    """The partnership could not be brought up, so nothing was drilled."""


@dataclass
class Partnership:
    """The running partnership. `services` and `logs` are of index and evaluator."""

    folder: Path
    index: Service
    evaluator: Service
    connectors: dict[str, Installation] = field(default_factory=dict)
    checks: dict[int, CheckAnswer] = field(default_factory=dict)

    @property
    def index_home(self) -> Path:
        """The home folder of the index."""
        return self.folder / "index"

    @property
    def evaluator_home(self) -> Path:
        """The home folder of the evaluator."""
        return self.folder / "evaluator"

    def metrics(self, service: Service) -> bytes:
        """Return what a service tells at its watch address."""
        started = next(
            line
            for line in (self.folder / "logs" / f"{service.name}.log").read_text().splitlines()
            if '"watch_port"' in line
        )
        port = json.loads(started)["watch_port"]
        return _get(f"http://127.0.0.1:{port}/metrics").content


@contextmanager
def running(
    folder: Path,
    sample: Sample,
    index_url: str = SQLITE_INDEX,
    evaluator_url: str = SQLITE_EVALUATOR,
) -> Iterator[Partnership]:
    """Yield a partnership in which every agency has published and names have been checked.

    Raises DrillFailed or another OperatorError if a step does not succeed.
    """
    # One of each: `Services.start` is not made to be called by several threads at the same time.
    services = Services(folder / "logs"), Services(folder / "logs")
    try:
        made = _start(folder, *services, index_url, evaluator_url)
        try:
            _enrol(made, sample)
            _publish(made)
            _check_names(made, sample)
            _make_mistakes(made, sample)
            yield made
        finally:
            for connector in made.connectors.values():
                connector.close()
    finally:
        for one in services:
            one.stop()


def run(command: Command, *words: object, typed: str = "") -> str:
    """Run a command of a program in this process; return what it printed."""
    ended = CliRunner().invoke(command, [str(word) for word in words], input=typed)
    if ended.exit_code != 0:
        raise DrillFailed(f"`{' '.join(map(str, words))}`: {ended.output.strip()}")
    return ended.output


def _start(
    folder: Path, first: Services, second: Services, index_url: str, evaluator_url: str
) -> Partnership:
    index, evaluator = folder / "index", folder / "evaluator"
    run(
        index_main, "init", "--home", index, "--seal", "unsealed", "--partnership", PARTNERSHIP,
        "--organisation", "Eastmere Partnership Office", "--accountable-officer", "Morgan Rowan",
        "--data-protection-contact", "dp@eastmere.example", "--database", index_url,
        "--bind", "127.0.0.1:0", "--workers", 1,
    )  # fmt: skip
    run(
        index_main, "evaluator", "init", "--home", evaluator, "--partnership", PARTNERSHIP,
        "--seal", "unsealed", "--database", evaluator_url, "--bind", "127.0.0.1:0",
        "--workers", 1,
    )  # fmt: skip
    run(index_main, "evaluator", "epoch", "open", 1, "--home", evaluator)
    with _temporary_files_in(folder / "tmp"), ThreadPoolExecutor(2) as pool:
        one = pool.submit(first.start, "index", "index-service", "run", "--home", index)
        other = pool.submit(
            second.start, "evaluator", "index-service", "evaluator", "run", "--home", evaluator
        )
        return Partnership(folder, one.result(), other.result())


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


def _enrol(made: Partnership, sample: Sample) -> None:
    today = datetime.now(UTC).date()
    for number, agency in enumerate(AGENCIES, start=101):
        home = made.folder / agency
        run(
            connector_main, "--home", home, "init", "--agency", agency, "--name", agency.title(),
            "--index", made.index.address, "--evaluator", made.evaluator.address,
            "--seal", "unsealed",
        )  # fmt: skip
        settings = home / "connector.toml"
        own = _DESKS_AND_SOURCE.format(name=agency.title(), number=number)
        settings.write_text(settings.read_text() + own)
        _write_cases(home / "cases.csv", [case for case in sample.cases if case.agency == agency])
        connector = made.connectors[agency] = Installation.open(home)
        printed = run(
            index_main, "agency", "add", agency, "--home", made.index_home, "--name", agency.title()
        )
        run(
            index_main, "evaluator", "agency", "add", agency, "--home", made.evaluator_home,
            "--name", agency.title(), "--signing-key", connector.keys.signing,
        )  # fmt: skip
        code = _the(_CODE, printed)
        enrolment.enrol(connector, lambda _, code=code: code)  # type: ignore[misc]  # bound now
    founder = made.connectors[FOUNDER]
    spoken = iter(
        [
            _the(_DIGITS, run(index_main, "fingerprint", "--home", made.index_home)),
            _the(
                _DIGITS,
                run(index_main, "evaluator", "identity", "--home", made.evaluator_home),
            ),
        ]
    )
    epochs.found(founder, lambda _: next(spoken), now_ms() + _YEAR_MS)
    for newcomer in list(made.connectors.values())[1:]:
        digits = fingerprint_of(newcomer.keys)
        handover.send(founder, newcomer.agency, None, lambda _, said=digits: said)  # type: ignore[misc]  # bound now
        handover.receive(newcomer, None, lambda _: fingerprint_of(founder.keys))
    run(index_main, "purpose", "add", PURPOSE, "Keeping somebody safe", "--home", made.index_home)
    run(
        index_main, "agreement", "add", "isa-1", "--home", made.index_home, "--title", "All of us",
        *(word for agency in AGENCIES for word in ("--party", agency)), "--purpose", PURPOSE,
        "--from", today - timedelta(days=30), "--until", today + timedelta(days=300),
    )  # fmt: skip


def _write_cases(path: Path, cases: Sequence[Case]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, restval="")
        writer.writeheader()
        for case in cases:
            told = case.particulars
            writer.writerow(
                {
                    "ref": case.local_id,
                    "given": told.given,
                    "middle": told.middle,
                    "family": told.family,
                    "born": _slashed(told.born),
                    "postcode": told.postcode,
                    "role": case.role,
                    "status": "open" if case.is_open else "closed",
                    "opened": _slashed(case.opened.isoformat()),
                    "reviewed": _slashed(case.reviewed.isoformat()),
                    "team": "quiet" if case.is_sensitive else "general",
                    **dict(told.identifiers),
                }
            )


def _slashed(iso: str) -> str:
    return f"{date.fromisoformat(iso):%d/%m/%Y}" if iso else "31/02/1988"


def _publish(made: Partnership) -> None:
    for connector in made.connectors.values():
        own_desks.sign_all(connector)
        report = sync(connector)
        if report.troubles or not report.marked:
            raise DrillFailed(f"{connector.agency} could not publish: {report.troubles}")


def _check_names(made: Partnership, sample: Sample) -> None:
    """Have officers check every canary, narrow and wide, and a partner resolve a reference."""
    for canary in sample.canaries:
        connector = made.connectors[ASKER]
        answer = asking.check(connector, canary.officer, _asked_for(canary))
        made.checks[canary.who] = answer
        if answer.can_look_wider:
            asking.look_wider(
                connector, canary.officer, WiderRequest(check=_new_id(), follows=answer.check)
            )
        for hit in answer.involved:
            holder = made.connectors[hit.partner.lower()]
            resolving.resolve(holder, canary.officer, hit.reference)
    for place, agency in enumerate(AGENCIES[1:]):
        plain = sample.people[place]
        asking.check(made.connectors[agency], "officer.dibble", _plainly(plain, "A neighbour asks"))


def _asked_for(canary: Canary) -> CheckRequest:
    person = canary.person
    return CheckRequest(
        check=_new_id(),
        particulars=TypedParticulars(
            given=person.given,
            middle=person.middle,
            family=person.family,
            born=f"{person.born:%d/%m/%Y}",
            postcode=person.postcode,
            identifiers=(Identifier(kind="nhs", value=canary.nhs_number),),
        ),
        purpose=PURPOSE,
        reason=canary.reason,
    )


def _plainly(person: Person, reason: str) -> CheckRequest:
    return CheckRequest(
        check=_new_id(),
        particulars=TypedParticulars(
            given=person.given, family=person.family, born=f"{person.born:%d/%m/%Y}"
        ),
        purpose=PURPOSE,
        reason=reason,
    )


class _Mistaken(msgspec.Struct, frozen=True, kw_only=True):
    """What no connector of ours would send: a person in clear."""

    name: str
    born: str
    nhs_number: str
    reason: str


def _make_mistakes(made: Partnership, sample: Sample) -> None:
    """Send canaries in clear to index and evaluator, in every place a mistake could put them.

    Both must refuse and neither may keep them, whether or not the request is signed by a partner.
    """
    connector = made.connectors[ASKER]
    anchor = connector.anchors().epochs[0]
    for canary in sample.canaries:
        person = canary.person
        wrong = _Mistaken(
            name=f"{person.given} {person.family}",
            born=person.born.isoformat(),
            nhs_number=canary.nhs_number,
            reason=canary.reason,
        )
        for client, operation in (
            (connector.index(), LOOK_UP),
            (connector.index(), PUBLISH),
            (connector.evaluator(anchor), EVALUATE),
        ):
            try:
                client.call(operation, wrong)
            except OperatorError:
                pass
            else:
                raise DrillFailed(f"{operation.name} took a person in clear")
            finally:
                client.close()
        for service in (made.index, made.evaluator):
            _get(f"{service.address}/{person.family}/{canary.nhs_number}?born={person.born}")
            requests.post(
                f"{service.address}/v1/lookups",
                data=msgspec.json.encode(wrong),
                params={"name": person.given, "reason": canary.reason},
                headers={
                    "Content-Type": "application/json",
                    "User-Agent": person.family.encode("ascii", "replace").decode(),
                    "Referer": f"http://127.0.0.1/{person.postcode.replace(' ', '')}",
                },
                timeout=30,
            )


def _get(url: str) -> requests.Response:
    return requests.get(url, timeout=30)


def _new_id() -> str:
    return b64u_encode(secrets.token_bytes(16))


def _the(pattern: re.Pattern[str], printed: str) -> str:
    found = pattern.search(printed)
    if found is None:
        raise DrillFailed("a program printed neither the code nor the digits that were expected")
    return found.group()
