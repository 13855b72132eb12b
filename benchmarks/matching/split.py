"""Splits a file of records into stored ones and lookups.

    python -m benchmarks.matching.split RECORDS.csv.gz FOLDER --lookups query

writes FOLDER/stored.csv.gz and FOLDER/lookups.csv.gz. What becomes a lookup: `query` or `B` (any
name of a source): the records of that source, the others are stored; `all`: every record is stored
and looked up; a number: every record is stored and so many, drawn with a fixed seed, are looked up.
A stored record with the lookup's own rec_id never counts.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from benchmarks.matching.records import COLUMNS, rows, write

SEED = 20_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching.split")
    parser.add_argument("records", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lookups", required=True, metavar="SOURCE|all|COUNT")
    asked = parser.parse_args()
    everything = list(rows(asked.records))
    if asked.lookups == "all":
        stored = lookups = everything
    elif asked.lookups.isdecimal():
        chance = random.Random(SEED)
        stored = everything
        lookups = chance.sample(everything, min(int(asked.lookups), len(everything)))
    else:
        lookups = [row for row in everything if row["source"] == asked.lookups]
        stored = [row for row in everything if row["source"] != asked.lookups]
    if not (stored and lookups):
        parser.error(f"no record has the source {asked.lookups}")
    asked.folder.mkdir(parents=True, exist_ok=True)
    columns = [*COLUMNS, *(name for name in everything[0] if name not in COLUMNS)]
    write(asked.folder / "stored.csv.gz", stored, columns)
    write(asked.folder / "lookups.csv.gz", lookups, columns)
    print(f"{len(stored)} stored, {len(lookups)} lookups in {asked.folder}")


if __name__ == "__main__":
    main()
