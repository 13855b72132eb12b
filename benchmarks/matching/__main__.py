"""`python -m benchmarks.matching --stored FILE --lookups FILE`: one JSON object of figures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.matching.figures import figures
from benchmarks.matching.linking import run
from benchmarks.matching.peers import peers
from benchmarks.matching.records import read


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--stored", type=Path, required=True, metavar="FILE.csv[.gz]")
    parser.add_argument("--lookups", type=Path, required=True, metavar="FILE.csv[.gz]")
    parser.add_argument("--peers", action="store_true", help="measure an exact hash beside it")
    asked = parser.parse_args()
    stored, lookups = read(asked.stored), read(asked.lookups)
    found = figures(run(stored, lookups), stored, lookups)
    if asked.peers:
        found["peers"] = peers(stored, lookups)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
