"""Bloom filters (clkhash) compared by Dice's coefficient (anonlink), on the same pairs."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

from anonlink.candidate_generation import find_candidate_pairs
from anonlink.similarities import dice_coefficient
from clkhash import clk
from clkhash.comparators import NgramComparison
from clkhash.field_formats import BitsPerFeatureStrategy, FieldHashingProperties, StringSpec
from clkhash.schema import Schema

from agency_connector.matching.normalise import normalise
from agency_connector.matching.person import Person
from benchmarks.matching.linking import TODAY, Hit
from benchmarks.matching.records import Record

BITS = 1024
LEAST_SIMILARITY = 0.7
_WEIGHTS = {"forename": 200, "middle": 60, "surname": 200, "dob": 250, "postcode": 120}


def bloom_hits(stored: Sequence[Record], lookups: Sequence[Record]) -> list[Hit]:
    """Hits of cryptographic long-term keys; `weight` is minus Dice's coefficient.

    One filter of 1,024 bits for each record: two-letter parts of the names, of the date by place
    and of the postcode, a fixed number of bits for each field. Candidates are pairs that agree in
    the whole date, in first name with surname, or in the surname with the postcode: blocks in
    plain text, which a real use would not have.
    """
    people = [_fields(records) for records in (stored, lookups)]
    # One process: a fork beside the threads of another peer may never end.
    filters = [
        clk.generate_clks(
            fields, _schema(), "a secret for the measurement", validate=False, max_workers=1
        )
        for fields in people
    ]

    def blocks(dataset: int, record: int, _: object) -> Iterable[Hashable]:
        first, _middle, last, born, place = people[dataset][record]
        named = first and last
        return [
            *([("date", born)] if born else ()),
            *([("names", first, last)] if named else ()),
            *([("place", last, place)] if last and place else ()),
        ]

    similarities, _, (held, asked) = find_candidate_pairs(
        filters, dice_coefficient, LEAST_SIMILARITY, blocking_f=blocks
    )
    return _hits(similarities, held, asked, stored, lookups)


def _schema() -> Schema:
    fields = [
        StringSpec(
            name,
            FieldHashingProperties(NgramComparison(2, name == "dob"), BitsPerFeatureStrategy(bits)),
        )
        for name, bits in _WEIGHTS.items()
    ]
    return Schema(fields, BITS)


def _fields(records: Sequence[Record]) -> list[tuple[str, str, str, str, str]]:
    found = []
    for record in records:
        person = normalise(record.particulars, today=TODAY)
        if not isinstance(person, Person):
            person = Person()
        born = person.born.strftime("%Y%m%d") if person.born is not None else ""
        place = person.postcode.unit if person.postcode is not None else ""
        middle = person.middles[0] if person.middles else ""
        found.append((person.given, middle, person.family, born, place))
    return found


def _hits(
    similarities: array[float],
    held: array[int],
    asked: array[int],
    stored: Sequence[Record],
    lookups: Sequence[Record],
) -> list[Hit]:
    best: dict[tuple[int, int], float] = defaultdict(float)
    for similarity, record, lookup in zip(similarities, held, asked, strict=True):
        if not stored[record].is_same(lookups[lookup]):
            pair = lookup, record
            best[pair] = max(best[pair], similarity)
    return [
        Hit(lookup, record, 0, -similarity, "", stored[record].entity == lookups[lookup].entity)
        for (lookup, record), similarity in best.items()
    ]
