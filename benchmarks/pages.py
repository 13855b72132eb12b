"""The pages as an officer meets them: Enter to answer, what each page weighs and costs.

    python -m benchmarks.pages [--flags 100000] [--checks 500] [--browser 100] [--folder /tmp]

Eight agencies publish a made population (benchmarks.population) through their connectors; the
police's connector, the index with its worker, the evaluator and PostgreSQL run as they ship, on
this machine. One officer checks one name after another. `Enter to answer` is from sending the form
to the last byte of the answer's page, over HTTP; with `--browser`, in Chromium, to the end of its
load event.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from playwright.sync_api import sync_playwright

from agency_connector.installation import Installation
from agency_connector.pages import local_users
from benchmarks import server
from benchmarks.figures import Figures, machine, percentile
from benchmarks.memory import cpu_between, uses
from benchmarks.population import AGENCIES, Population
from benchmarks.real_input_county import PURPOSE, County, running, sync_in_a_process
from deploy.browser import start
from deploy.demo.programs import Services

ASKER, OFFICER, SEED = "police", "pc-archer", 1
WARM_UP = 20
OPENED = 50
"""How often each page is opened."""
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_CHECK = re.compile(r'name="check" value="([^"]+)"')
_ASSET = re.compile(r'(?:href|src)="(/assets/[^"]+)"')
_SETTINGS = """
[checks]
justify_one_in = 0
"""


@dataclass(slots=True)
class Officer:
    """A browser's session over HTTP, at the police's pages."""

    address: str
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def sign_in(self) -> None:
        """Sign in with a local token."""
        self.session.trust_env = False
        self.session.post(f"{self.address}/sign-in", data={"token": self.token}, timeout=60)

    def open(self, path: str) -> bytes:
        """Open a page; return its content."""
        answer = self.session.get(self.address + path, timeout=60)
        answer.raise_for_status()
        return answer.content

    def form(self) -> dict[str, str]:
        """Open the form; return its hidden fields."""
        page = self.open("/").decode()
        fields = {"csrf": _CSRF, "check": _CHECK}
        return {name: _found(pattern, page) for name, pattern in fields.items()}

    def check(self, person: dict[str, str]) -> tuple[float, str]:
        """Check a name; return the seconds until the whole answer is there, and its path."""
        told = {**self.form(), **person}
        began = time.perf_counter()
        answer = self.session.post(f"{self.address}/checks", data=told, timeout=60)
        took = time.perf_counter() - began
        path = answer.url.removeprefix(self.address)
        if answer.status_code != requests.codes.ok or not path.startswith("/checks/"):
            raise SystemExit(f"a check was answered with {answer.status_code} at {path}")
        return took, path


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("--flags", type=int, default=100_000)
    parser.add_argument("--checks", type=int, default=500)
    parser.add_argument("--browser", type=int, default=100, help="checks in Chromium; 0 for none")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    figures = Figures()
    measure(figures, asked.folder, asked.flags, asked.checks, asked.browser)
    print(f"\n{json.dumps(machine())}\n\n{figures.table()}\n")
    if asked.json is not None:
        asked.json.write_text(figures.as_json() + "\n")


def measure(figures: Figures, folder: Path, flags: int, checks: int, in_browser: int) -> None:
    """Bring everything up, publish `flags`, and measure."""
    population = Population(SEED)
    stored, queries = _records(population, flags, checks + in_browser + 2 * WARM_UP)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        postgres = stack.enter_context(server.running(folder))
        county = stack.enter_context(running(home, AGENCIES, postgres))
        for agency in AGENCIES:
            county.write_cases(agency, stored[agency])
            sync_in_a_process(county.home(agency))
        services = Services(home / "logs-of-pages")
        stack.callback(services.stop)
        index = home / "index"
        worker = services.start(
            "worker", "index-service", "worker", "--home", index, "--watch", "127.0.0.1:0"
        )
        address = _pages(county, services)
        county.services["index's worker"] = worker.process.pid
        told = f"{county.flags():,} flags of {len(AGENCIES)} agencies, one officer"
        _over_http(figures, county, address, queries[: checks + WARM_UP], told)
        if in_browser:
            _in_browser(figures, county, address, queries[checks + WARM_UP :], told)


def _records(
    population: Population, flags: int, queries: int
) -> tuple[dict[str, list[dict[str, str]]], list[dict[str, str]]]:
    """Return records by agency, and the people who are checked: every second one is stored."""
    people = population.people(flags + queries)
    population.chance.shuffle(people)
    held, others = people[:flags], people[flags:]
    stored: dict[str, list[dict[str, str]]] = defaultdict(list)
    for number, who in enumerate(held):
        agency = AGENCIES[number % len(AGENCIES)]
        stored[agency].append(population.written(who, f"S{number}", agency))
    wanted = [
        held[population.chance.randrange(len(held))] if place % 2 else others[place]
        for place in range(queries)
    ]
    return stored, [
        {
            "full_name": f"{who.first} {who.last}",
            "day": str(who.born.day), "month": str(who.born.month), "year": str(who.born.year),
            "purpose": PURPOSE, "reason": "Welfare visit",
        }
        for who in wanted
    ]  # fmt: skip


def _pages(county: County, services: Services) -> str:
    """Start the police's connector as it ships, and return the address of its pages."""
    home = county.home(ASKER)
    path = home / "connector.toml"
    text = path.read_text().replace("sync_minutes = 60", "sync_minutes = 0")
    path.write_text(text.replace("127.0.0.1:8300", "127.0.0.1:0") + _SETTINGS)
    started = services.start("connector", "agency-connector", "--home", home, "run")
    county.services["connector"] = started.process.pid
    return started.address


def _officer(county: County, address: str) -> Officer:
    installation = Installation.open(county.home(ASKER))
    officer = Officer(address, local_users.new_token(installation, OFFICER))
    installation.close()
    return officer


def _over_http(
    figures: Figures, county: County, address: str, queries: Sequence[dict[str, str]], told: str
) -> None:
    officer = _officer(county, address)
    officer.sign_in()
    for query in queries[:WARM_UP]:
        officer.check(query)
    seconds, path = [], ""
    with _cpu(county, figures, "check, form and answer", len(queries) - WARM_UP, told):
        for query in queries[WARM_UP:]:
            took, path = officer.check(query)
            seconds.append(took)
    _say(figures, "Enter to answer", seconds, told)
    pages = {
        "Check a name": "/", "the answer": path, "My checks": "/my-checks",
        "Someone has quoted a reference": "/references", "Help": "/help",
    }  # fmt: skip
    for name, where in pages.items():
        _page(figures, county, officer, name, where)
    first = officer.open("/")
    assets = {*_ASSET.findall(first.decode())}
    weight = len(first) + sum(len(officer.open(asset)) for asset in assets)
    figures.add("first page with all that it loads", weight / 1000, "kB", "uncompressed")


def _page(figures: Figures, county: County, officer: Officer, name: str, path: str) -> None:
    pid = county.services["connector"]
    before, seconds, content = uses(pid), [], b""
    for _ in range(OPENED):
        began = time.perf_counter()
        content = officer.open(path)
        seconds.append(time.perf_counter() - began)
    figures.add(f"page {name}: p50", percentile(seconds, 0.5) * 1000, "ms", f"{OPENED} times")
    cpu = cpu_between(before, uses(pid)) / OPENED * 1000
    figures.add(f"page {name}: CPU in the connector", cpu, "ms", "")
    figures.add(f"page {name}", len(content) / 1000, "kB", "HTML, uncompressed")


def _in_browser(
    figures: Figures, county: County, address: str, queries: Sequence[dict[str, str]], told: str
) -> None:
    officer = _officer(county, address)
    with sync_playwright() as playwright:
        browser = start(playwright)
        page = browser.new_page()
        page.goto(f"{address}/sign-in")
        page.locator("[name=token]").fill(officer.token)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        seconds = []
        for query in queries:
            page.goto(f"{address}/")
            for name, value in query.items():
                if name != "purpose":
                    page.locator(f"[name={name}]").fill(value)
            page.locator(f"[name=purpose][value={query['purpose']}]").check()
            page.locator("[name=full_name]").focus()
            began = time.perf_counter()
            page.keyboard.press("Enter")
            page.wait_for_url(re.compile("/checks/"), wait_until="load")
            seconds.append(time.perf_counter() - began)
        browser.close()
    _say(figures, "Enter to answer in Chromium", seconds[WARM_UP:], told)


def _say(figures: Figures, name: str, seconds: Sequence[float], told: str) -> None:
    for share, label in ((0.5, "p50"), (0.99, "p99")):
        value = percentile(seconds, share) * 1000
        figures.add(f"{name}: {label}", value, "ms", f"{len(seconds)} checks, {told}")


@contextmanager
def _cpu(county: County, figures: Figures, what: str, count: int, told: str) -> Iterator[None]:
    """Say what each process uses meanwhile, for each of `count`."""
    before = {name: uses(pid) for name, pid in county.services.items()}
    yield
    for name, pid in county.services.items():
        spent = cpu_between(before[name], uses(pid)) / count * 1000
        figures.add(f"{what}: CPU in {name}", spent, "ms per check", told)


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise SystemExit(f"the page has no {pattern.pattern}")
    return found[1]


if __name__ == "__main__":
    main()
