"""Recall, precision and false hits with 95 % intervals."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agency_connector.matching.grading import GRADES
from benchmarks.matching.linking import Hit, Run
from benchmarks.matching.records import Record

_Z = 1.959964
PRECISION_ASKED = 0.99


def figures(run: Run, stored: Sequence[Record], lookups: Sequence[Record]) -> dict[str, Any]:
    """The JSON object that the program prints."""
    wanted = true_pairs(stored, lookups)
    people = len({record.entity for record in stored})
    names = sorted({record.group for record in lookups} - {""})
    return {
        "counts": {
            "stored_records": len(stored),
            "stored_people": people,
            "stored_unusable": run.unusable_stored,
            "lookups": len(lookups),
            "lookups_unusable": run.unusable_lookups,
            "true_pairs": sum(wanted),
            "hits": len(run.hits),
        },
        "stored_tokens": _sizes(run.stored_tokens),
        "lookup_tokens": _sizes(run.lookup_tokens),
        "seconds": _seconds(run, len(stored), len(lookups)),
        "grades": by_grade(run.hits, wanted, range(len(lookups)), people),
        "recall_at_precision_99": recall_at_precision(run.hits, sum(wanted)),
        "groups": {
            name: {
                "lookups": len(members),
                "true_pairs": sum(wanted[i] for i in members),
                "grades": by_grade(
                    [hit for hit in run.hits if lookups[hit.lookup].group == name],
                    wanted,
                    members,
                    people,
                ),
            }
            for name in names
            for members in [[i for i, r in enumerate(lookups) if r.group == name]]
        },
    }


def true_pairs(stored: Sequence[Record], lookups: Sequence[Record]) -> list[int]:
    """Per lookup, the stored records of the same person, the lookup's own record apart."""
    held = Counter(record.entity for record in stored)
    asked = {lookup.entity for lookup in lookups}
    own = Counter(record.identity for record in stored if record.entity in asked)
    return [held[lookup.entity] - own[lookup.identity] for lookup in lookups]


def by_grade(
    hits: Sequence[Hit], wanted: Sequence[int], members: Iterable[int], people: int
) -> dict[str, Any]:
    """Cumulative figures per grade over the lookups `members`.

    False hits count stored records, so a stranger whom three agencies hold counts three times;
    the scaling to a million divides by stored people.
    """
    inside = list(members)
    total = sum(wanted[i] for i in inside)
    found: dict[str, Any] = {}
    for place, grade in enumerate(GRADES):
        kept = [hit for hit in hits if hit.grade <= place]
        right = Counter(hit.lookup for hit in kept if hit.right)
        wrong = Counter(hit.lookup for hit in kept if not hit.right)
        rights, wrongs = right.total(), wrong.total()
        a_lookup = wrongs / len(inside) if inside else 0.0
        low, high = _rate_interval(wrongs, _clustering([*wrong.values()]))
        scale = 1e6 / people / max(len(inside), 1)
        asked = [(right[i], wanted[i]) for i in inside if wanted[i]]
        given = [(right[i], right[i] + wrong[i]) for i in {*right, *wrong}]
        found[grade] = {
            "recall": _share(rights, total),
            "recall_95": _interval(asked),
            "precision": _share(rights, rights + wrongs),
            "precision_95": _interval(given),
            "false_hits": wrongs,
            "false_hits_per_lookup": round(a_lookup, 7),
            "false_hits_per_lookup_per_million": round(wrongs * scale, 5),
            "false_hits_per_lookup_per_million_95": [round(low * scale, 5), round(high * scale, 5)],
        }
    return found


def recall_at_precision(
    hits: Sequence[Hit], total: int, precision: float = PRECISION_ASKED
) -> float | None:
    """The highest recall of any cut-off on the weight at which precision is as asked."""
    at: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for hit in hits:
        at[hit.weight][not hit.right] += 1
    best = right = wrong = 0
    for weight in sorted(at):
        right += at[weight][0]
        wrong += at[weight][1]
        if right >= precision * (right + wrong):
            best = right
    return _share(best, total)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None


def _sizes(sizes: Sequence[int]) -> Mapping[str, float]:
    return {"mean": round(sum(sizes) / max(len(sizes), 1), 2), "max": max(sizes, default=0)}


def _seconds(run: Run, stored: int, lookups: int) -> dict[str, float]:
    parts = {name: round(value, 3) for name, value in run.seconds.items()}
    keys = run.seconds.get("stored_keys", 0.0)
    mine = run.seconds.get("expansion", 0.0) + run.seconds.get("grading", 0.0)
    parts["keys_per_100000_records"] = round(keys * 1e5 / max(stored, 1), 3)
    parts["milliseconds_a_lookup"] = round(mine * 1e3 / max(lookups, 1), 4)
    return parts


def _interval(pairs: Sequence[tuple[int, int]]) -> list[float] | None:
    """Wilson's interval for a share of pairs that come in clusters (`(part, whole)` each): the
    number counted is divided by the design effect."""
    part, whole = sum(p for p, _ in pairs), sum(w for _, w in pairs)
    if not whole:
        return None
    share = part / whole
    spread = sum((p - share * w) ** 2 for p, w in pairs)
    binomial = whole * share * (1 - share)
    n = whole / max(1.0, spread / binomial if binomial else 1.0)
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return [round(max(0.0, middle - half), 5), round(min(1.0, middle + half), 5)]


def _clustering(counts: Sequence[int]) -> float:
    """How many times a count varies more than Poisson's, when it comes in such clusters."""
    return max(1.0, sum(c * c for c in counts) / sum(counts)) if counts else 1.0


def _rate_interval(count: int, clustering: float) -> tuple[float, float]:
    """Byar's approximation of the exact Poisson interval, widened for clustering."""
    n = count / clustering
    low = n * (1 - 1 / (9 * n) - _Z / (3 * math.sqrt(n))) ** 3 if n else 0.0
    high = (n + 1) * (1 - 1 / (9 * (n + 1)) + _Z / (3 * math.sqrt(n + 1))) ** 3
    return low * clustering, high * clustering
