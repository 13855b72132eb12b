"""How many strangers come up, by name group, with an interval that a small group allows too.

    python -m benchmarks.matching.other_birthdays --stored FILE --lookups FILE --times 4

A group of a few hundred lookups meets a stranger once or never. Here each lookup is made so many
times with another birthday, drawn at random within four years of its own (1 January stays that, in
another year): whoever then has the same names and the new date is a stranger, and the person's own
records do not count. Relatives are not measured so, and what compares no date is not drawn anew.
Lookups of the group named `other`, which need it least, are left out.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.matching.figures import by_grade
from benchmarks.matching.linking import run
from benchmarks.matching.records import Record, read

SEED = 1
YEARS = 4


def redated(lookups: Sequence[Record], times: int) -> Iterator[Record]:
    """Each lookup of a small group with a full ISO date, so often with another birthday."""
    chance = random.Random(SEED)
    for turn in range(times):
        for lookup in lookups:
            born = lookup.particulars.born
            if lookup.group in ("", "other") or len(born) != len("2000-01-01"):
                continue
            try:
                year = date.fromisoformat(born).year
            except ValueError:
                continue
            year += chance.choice([away for away in range(-YEARS, YEARS + 1) if away])
            day = 0 if born.endswith("-01-01") else chance.randrange(1, 365)
            other = (date(year, 1, 1) + timedelta(days=day)).isoformat()
            told = replace(lookup.particulars, born=other)
            yield replace(lookup, name=f"{lookup.name}/{turn}", particulars=told)


def strangers(
    stored: Sequence[Record], lookups: Sequence[Record], times: int
) -> dict[str, dict[str, Any]]:
    """Group -> lookups made, and per grade the strangers per lookup and million stored people."""
    made = list(redated(lookups, times))
    found = run(stored, made)
    people = len({record.entity for record in stored})
    groups: dict[str, dict[str, Any]] = {}
    for group in sorted({record.group for record in made}):
        members = [number for number, record in enumerate(made) if record.group == group]
        hits = [hit for hit in found.hits if made[hit.lookup].group == group and not hit.right]
        graded = by_grade(hits, [0] * len(made), members, people)
        groups[group] = {"lookups": len(members)} | {
            grade: {
                "strangers": figures["false_hits_per_lookup_per_million"],
                "strangers_95": figures["false_hits_per_lookup_per_million_95"],
            }
            for grade, figures in graded.items()
        }
    return groups


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching.other_birthdays")
    parser.add_argument("--stored", type=Path, required=True, metavar="FILE.csv[.gz]")
    parser.add_argument("--lookups", type=Path, required=True, metavar="FILE.csv[.gz]")
    parser.add_argument("--times", type=int, default=4)
    asked = parser.parse_args()
    print(json.dumps(strangers(read(asked.stored), read(asked.lookups), asked.times), indent=2))


if __name__ == "__main__":
    main()
