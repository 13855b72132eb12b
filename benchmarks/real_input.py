"""Real input: eight connectors publish a file of records over HTTP, and names are checked.

    python -m benchmarks.real_input RECORDS.csv.gz --database sqlite|postgresql
        [--records 96034] [--lookups 1000] [--folder /tmp]

RECORDS has the columns of benchmarks.matching; records whose source is `query` are looked up, the
others are published by the agency that their source names. With fewer `--records` the records of
people who are looked up come first, so that there is something to find, and others fill up.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import secrets
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agency_connector.installation import Installation
from agency_connector.lookups import asking
from agency_connector.lookups.errors import CheckRefused
from benchmarks import server
from benchmarks.figures import Figures, machine, percentile
from benchmarks.memory import Use, cpu_between, largest, use, uses
from benchmarks.real_input_county import PURPOSE, County, running, sync_in_a_process
from foundation.operator import PlainError
from protocol.encoding import b64u_encode
from schemas.checks import CheckRequest, TypedParticulars

ASKER = "police"
SEED = 1


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_input")
    parser.add_argument("file", type=Path)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), required=True)
    parser.add_argument("--records", type=int, help="how many to publish (default: all)")
    parser.add_argument("--lookups", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    rows = _rows(asked.file)
    chance = random.Random(SEED)
    queries = [row for row in rows if row["source"] == "query"]
    queries = chance.sample(queries, min(asked.lookups, len(queries)))
    stored = _chosen([row for row in rows if row["source"] != "query"], queries, asked.records)
    figures = Figures()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder)))
        postgres = None
        if asked.database == "postgresql":
            postgres = stack.enter_context(server.running(asked.folder))
        agencies = sorted({row["source"] for row in stored})
        county = stack.enter_context(running(folder, agencies, postgres))
        conditions = f"{len(stored):,} records, {len(agencies)} agencies, {asked.database}"
        _publish(figures, county, stored, conditions)
        _look_up(figures, county, stored, queries, conditions)
        _sizes(figures, county, conditions)
    print(f"\n{json.dumps(machine())}\n\n{figures.table()}\n\n{figures.as_json()}")


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _chosen(
    stored: list[dict[str, str]], queries: list[dict[str, str]], records: int | None
) -> list[dict[str, str]]:
    if records is None or records >= len(stored):
        return stored
    wanted = {row["ent_id"] for row in queries}
    first = [row for row in stored if row["ent_id"] in wanted]
    rest = [row for row in stored if row["ent_id"] not in wanted]
    return (first + rest)[:records]


@contextmanager
def _cpu(county: County) -> Iterator[dict[str, float]]:
    """Fill what is yielded with the CPU seconds that each service uses meanwhile."""
    told: dict[str, float] = {}
    before = {name: uses(pid) for name, pid in county.services.items()}
    yield told
    for name, pid in county.services.items():
        told[name] = cpu_between(before[name], uses(pid))


def _publish(
    figures: Figures, county: County, stored: list[dict[str, str]], conditions: str
) -> None:
    by_agency: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in stored:
        by_agency[row["source"]].append(row)
    for agency, rows in by_agency.items():
        county.write_cases(agency, rows)
    started = time.perf_counter()
    connectors: list[Use] = []
    with _cpu(county) as cpu:
        for agency in by_agency:
            connectors.append(sync_in_a_process(county.home(agency)))
    wall = time.perf_counter() - started
    flags = county.flags()
    figures.add("published: wall time", wall, "s", f"{conditions}, one agency after another")
    figures.add("published: flags", flags, "flags", conditions)
    figures.add("published, end to end", flags / wall, "flags per second", conditions)
    cpu["connectors"] = sum(used.cpu for used in connectors)
    for part, seconds in sorted(cpu.items()):
        figures.add(f"published: CPU in {part}", seconds, "s", conditions)
    peak = max(used.peak for used in connectors)
    figures.add("published: peak memory of a connector", peak / 2**20, "MiB", conditions)


def _look_up(
    figures: Figures,
    county: County,
    stored: list[dict[str, str]],
    queries: list[dict[str, str]],
    conditions: str,
) -> None:
    held: dict[str, set[str]] = defaultdict(set)
    for row in stored:
        held[row["ent_id"]].add(county.name(row["source"]))
    wanted = found = false = 0
    seconds: list[float] = []
    untold: Counter[str] = Counter()
    own = use(county.own_pid)
    connector = Installation.open(county.home(ASKER))
    asker = county.name(ASKER)
    with _cpu(county) as cpu:
        for row in queries:
            # An agency's own records are not shown to it.
            partners = held[row["ent_id"]] - {asker}
            wanted += len(partners)
            started = time.perf_counter()
            try:
                answer = asking.check(connector, "officer.dibble", _request(row))
            except (CheckRefused, PlainError) as error:
                untold[getattr(error, "code", type(error).__name__)] += 1
                continue
            seconds.append(time.perf_counter() - started)
            named = {hit.partner for hit in answer.involved}
            found += len(named & partners)
            false += len(named - partners)
    connector.close()
    told = f"{conditions}, {len(queries):,} narrow checks by one agency, one after another"
    figures.add("checked: recall", found / max(wanted, 1), f"of {wanted} true partners", told)
    figures.add("checked: partners named wrongly", false, "in all", told)
    figures.add("checked: refused", sum(untold.values()), f"{dict(untold)}", told)
    figures.add("checked: wall time", sum(seconds), "s", told)
    for share, label in ((0.5, "p50"), (0.99, "p99")):
        figures.add(f"checked: {label}", percentile(seconds, share) * 1000, "ms", told)
    cpu["connector"] = use(county.own_pid).cpu - own.cpu
    for part, used in sorted(cpu.items()):
        figures.add(f"checked: CPU in {part}", used / len(seconds) * 1000, "ms per check", told)


def _request(row: dict[str, str]) -> CheckRequest:
    return CheckRequest(
        check=b64u_encode(secrets.token_bytes(16)),
        particulars=TypedParticulars(
            given=row["forename"], middle=row["middle"], family=row["surname"],
            born=row["dob"], postcode=row["postcode"],
        ),
        purpose=PURPOSE,
        reason="A measurement",
    )  # fmt: skip


def _sizes(figures: Figures, county: County, conditions: str) -> None:
    for part, size in county.sizes().items():
        figures.add(f"database of {part}", size / 2**20, "MiB", conditions)
    for part, pid in county.services.items():
        peak = largest(uses(pid)) / 2**20
        figures.add(f"peak memory: {part}", peak, "MiB, largest process", conditions)


if __name__ == "__main__":
    main()
