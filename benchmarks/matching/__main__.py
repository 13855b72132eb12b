"""`python -m benchmarks.matching --stored FILE --lookups FILE`: one JSON object of figures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.matching.figures import figures
from benchmarks.matching.linking import run
from benchmarks.matching.peers import peers
from benchmarks.matching.records import limited, read


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--stored", type=Path, required=True, metavar="FILE.csv[.gz]")
    parser.add_argument("--lookups", type=Path, required=True, metavar="FILE.csv[.gz]")
    parser.add_argument("--peers", action="store_true", help="measure other ways beside it")
    parser.add_argument(
        "--through-service",
        action="store_true",
        help="publish and look up through connectors, evaluator and index too; exit 1 if any hit"
        " differs (with --limit: a minute for each 1,000 records and 100 lookups or so)",
    )
    parser.add_argument("--limit", type=_some, metavar="RECORDS", help="stored records at most")
    parser.add_argument("--limit-lookups", type=_some, metavar="LOOKUPS", help="lookups at most")
    asked = parser.parse_args()
    stored, lookups = read(asked.stored), read(asked.lookups)
    stored, lookups = limited(stored, lookups, asked.limit, asked.limit_lookups)
    found = figures(run(stored, lookups), stored, lookups)
    if asked.peers:
        found["peers"] = peers(stored, lookups)
    if asked.through_service:
        from benchmarks.matching.through_service import compared

        found["through_service"] = compared(stored, lookups)
    print(json.dumps(found, indent=2))
    if asked.through_service and found["through_service"]["differences"]:
        raise SystemExit(1)


def _some(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    main()
