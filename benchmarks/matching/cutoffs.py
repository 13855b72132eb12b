"""Finds the cut-offs between grades on a population, and says how well they hold on people unseen.

    python -m benchmarks.matching.cutoffs --stored FILE --lookups FILE

For each grade's allowance of false hits (per lookup and million stored people): the greatest
cut-off on `strangers_per_right` that keeps to it, on all lookups; and, five times, the one found
on four fifths of the lookups with the false hits and the recall it then has on the other fifth.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks.matching.figures import true_pairs
from benchmarks.matching.linking import Hit, run
from benchmarks.matching.records import read

ALLOWED = {"strong": 0.01, "likely": 0.06, "possible": 0.35}
FOLDS = 5


def cut_off(hits: Sequence[Hit], lookups: int, people: int, allowed: float) -> float:
    """The greatest weight at which false hits per lookup and million stay within `allowed`."""
    left = allowed * lookups * people / 1e6
    best = 0.0
    for hit in sorted(hits, key=lambda hit: hit.weight):
        left -= not hit.right
        if left < 0:
            break
        best = hit.weight
    return best


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching.cutoffs")
    parser.add_argument("--stored", type=Path, required=True)
    parser.add_argument("--lookups", type=Path, required=True)
    asked = parser.parse_args()
    stored, lookups = read(asked.stored), read(asked.lookups)
    hits = run(stored, lookups).hits
    people = len({record.entity for record in stored})
    wanted = true_pairs(stored, lookups)

    def measured(members: Collection[int], cut: float) -> tuple[float, float]:
        kept = [hit for hit in hits if hit.lookup in members and hit.weight <= cut]
        right = sum(hit.right for hit in kept)
        false = (len(kept) - right) / len(members) / people * 1e6
        return round(false, 5), round(right / sum(wanted[i] for i in members), 5)

    found: dict[str, dict[str, object]] = {}
    for grade, allowed in ALLOWED.items():
        folds = []
        for fold in range(FOLDS):
            inside = {i for i in range(len(lookups)) if i % FOLDS != fold}
            outside = {i for i in range(len(lookups)) if i % FOLDS == fold}
            mine = [hit for hit in hits if hit.lookup in inside]
            cut = cut_off(mine, len(inside), people, allowed)
            false, recall = measured(outside, cut)
            folds.append({"cut_off": cut, "false_hits_unseen": false, "recall_unseen": recall})
        cut = cut_off(hits, len(lookups), people, allowed)
        false, recall = measured(range(len(lookups)), cut)
        found[grade] = {"allowed": allowed, "cut_off": cut, "false_hits": false, "recall": recall}
        found[grade]["folds"] = folds
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
