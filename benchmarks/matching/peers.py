"""Other ways of linking, on the same pairs in the same run, to compare with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from agency_connector.matching.normalise import normalise
from agency_connector.matching.person import Person
from benchmarks.matching.figures import by_grade, recall_at_precision, true_pairs
from benchmarks.matching.linking import TODAY, Hit
from benchmarks.matching.records import Record


def peers(stored: Sequence[Record], lookups: Sequence[Record]) -> dict[str, Any]:
    """Figures of each peer, by its name."""
    wanted = true_pairs(stored, lookups)
    hits = exact_hash(stored, lookups)
    people = len({record.entity for record in stored})
    figures = by_grade(hits, wanted, range(len(lookups)), people)["strong"]
    figures["recall_at_precision_99"] = recall_at_precision(hits, sum(wanted))
    return {"exact_hash": figures}


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
        if stored[number].name != lookup.name
    ]


def _whole(record: Record) -> tuple[str, str, str] | None:
    person = normalise(record.particulars, today=TODAY)
    if not isinstance(person, Person) or person.born is None:
        return None
    if not (person.given and person.family):
        return None
    return person.given, person.family, person.born.isoformat()
