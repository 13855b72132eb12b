"""Finds the cut-offs between grades on a population, and says how well they hold on people unseen.

    python -m benchmarks.matching.cutoffs FOLDER...

Each FOLDER holds stored.csv.gz and lookups.csv.gz (`benchmarks.population` with another seed). For
each grade's allowance of false hits (per lookup and million stored people): the greatest cut-off on
`strangers_per_right` that keeps to it, on all; and for each population the one found on the others
(for one population alone: five times the one found on four fifths of its lookups), with the false
hits and the recall that it then has on the people unseen, beside those of the cut-off that ships.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agency_connector.matching import grading
from benchmarks.matching.figures import true_pairs
from benchmarks.matching.linking import run
from benchmarks.matching.records import read

ALLOWED = {"strong": 0.005, "likely": 0.055, "possible": 0.4}
SHIPPED = {
    "strong": grading.STRONG_AT_MOST,
    "likely": grading.LIKELY_AT_MOST,
    "possible": grading.POSSIBLE_AT_MOST,
}
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Part:
    """Some lookups on one population: weights of their hits with whether they are right."""

    hits: Sequence[tuple[float, bool]]
    lookups: int
    people: int
    wanted: int


def cut_off(parts: Sequence[Part], allowed: float) -> float:
    """The greatest weight at which false hits per lookup and million stored are `allowed`."""
    left = allowed * sum(part.lookups * part.people for part in parts) / 1e6
    best = 0.0
    for weight, right in sorted(hit for part in parts for hit in part.hits):
        left -= not right
        if left < 0:
            break
        best = weight
    return best


def measured(part: Part, cut: float) -> dict[str, float]:
    """False hits and recall on `part` of hits up to the weight `cut`."""
    kept = [right for weight, right in part.hits if weight <= cut]
    false = (len(kept) - sum(kept)) / part.lookups / part.people * 1e6
    return {"false_hits": round(false, 5), "recall": round(sum(kept) / part.wanted, 5)}


def parts_of(folder: Path, folds: int) -> list[Part]:
    """The population in `folder`, its lookups in so many parts."""
    stored, lookups = (read(folder / f"{name}.csv.gz") for name in ("stored", "lookups"))
    seen = run(stored, lookups)
    people = len({record.entity for record in stored})
    wanted = true_pairs(stored, lookups)
    return [
        Part(
            [(hit.weight, hit.right) for hit in seen.hits if hit.lookup % folds == fold],
            len(range(fold, len(lookups), folds)),
            people,
            sum(wanted[fold::folds]),
        )
        for fold in range(folds)
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching.cutoffs")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    asked = parser.parse_args()
    folds = 1 if len(asked.folders) > 1 else FOLDS
    parts = [part for folder in asked.folders for part in parts_of(folder, folds)]
    found: dict[str, dict[str, object]] = {}
    for grade, allowed in ALLOWED.items():
        unseen = []
        for place, part in enumerate(parts):
            cut = cut_off(parts[:place] + parts[place + 1 :], allowed)
            shipped = measured(part, SHIPPED[grade])
            unseen.append({"cut_off": cut, "unseen": measured(part, cut), "shipped": shipped})
        found[grade] = {"allowed": allowed, "cut_off": cut_off(parts, allowed), "folds": unseen}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
