"""Other ways of linking, on the same pairs in the same run, to compare with.

Splink and the Bloom filters need packages that the product does not:

    pip install '.[bench]' && pip install --no-deps clkhash==0.18.3

(clkhash asks for an old version of a library that we use in a new one; it runs with the new one.)
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from agency_connector.matching.normalise import normalise
from agency_connector.matching.person import Person
from benchmarks.matching.figures import by_grade, recall_at_precision, true_pairs
from benchmarks.matching.linking import TODAY, Hit
from benchmarks.matching.records import Record

Peer = Callable[[Sequence[Record], Sequence[Record]], list[Hit]]


def peers(stored: Sequence[Record], lookups: Sequence[Record]) -> dict[str, Any]:
    """Figures of all hits of each peer, by its name, and of the best cut-off at precision 0.99;
    of one that is not installed, what to install."""
    wanted = true_pairs(stored, lookups)
    people = len({record.entity for record in stored})
    found: dict[str, Any] = {}
    for name, load in _PEERS.items():
        try:
            peer = load()
        except ImportError as error:
            found[name] = {"not_installed": str(error), "install": "pip install '.[bench]'"}
            continue
        started = time.process_time()
        try:
            hits = peer(stored, lookups)
        except Exception as error:  # of any kind: a peer that fails costs no figure of ours
            found[name] = {"failed": type(error).__name__}
            continue
        seconds = time.process_time() - started
        found[name] = {
            **by_grade(hits, wanted, range(len(lookups)), people)["strong"],
            "recall_at_precision_99": recall_at_precision(hits, sum(wanted)),
            "seconds": round(seconds, 3),
        }
    return found


def exact_hash(stored: Sequence[Record], lookups: Sequence[Record]) -> list[Hit]:
    """Hits of one key: first name, surname and full date, normalised as ours are."""
    held: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for number, record in enumerate(stored):
        key = _whole(record)
        if key is not None:
            held[key].append(number)
    return [
        Hit(place, number, 0, 0.0, "same hash", stored[number].entity == lookup.entity)
        for place, lookup in enumerate(lookups)
        if (key := _whole(lookup)) is not None
        for number in held.get(key, ())
        if not stored[number].is_same(lookup)
    ]


def _whole(record: Record) -> tuple[str, str, str] | None:
    person = normalise(record.particulars, today=TODAY)
    if not isinstance(person, Person) or person.born is None:
        return None
    if not (person.given and person.family):
        return None
    return person.given, person.family, person.born.isoformat()


def _splink() -> Peer:
    from benchmarks.matching.splink_peer import splink_hits

    return splink_hits


def _bloom() -> Peer:
    from benchmarks.matching.bloom_peer import bloom_hits

    return bloom_hits


_PEERS: dict[str, Callable[[], Peer]] = {
    "exact_hash": lambda: exact_hash,
    "splink": _splink,
    "bloom_filters": _bloom,
}
