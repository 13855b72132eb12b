"""Runs lookups against stored records through the shipped code; a key is its own token here."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from agency_connector.matching.expansion import expand
from agency_connector.matching.grading import GRADES, GradedKey, grade_hit, strangers_per_right
from agency_connector.matching.normalise import normalise
from agency_connector.matching.person import Person
from agency_connector.matching.scheme import RecordKeys, record_keys
from agency_connector.publishing.staging import MOST_SUBJECTS_PER_INPUT
from benchmarks.matching.records import Record

TODAY = date(2026, 1, 15)
"""The day on which all lookups of a measurement are made."""

Token = tuple[str, str]
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored record that a lookup found: positions in the two lists, how sure, and why.

    `steps`: what the narrow and the wide step each said (place of the grade, reason), or None.
    """

    lookup: int
    record: int
    grade: int
    weight: float
    because: str
    right: bool
    steps: tuple[tuple[int, str] | None, ...] = ()


@dataclass(slots=True)
class Run:
    """What one measurement saw; `seconds` per part on one core."""

    hits: list[Hit] = field(default_factory=list)
    stored_tokens: list[int] = field(default_factory=list)
    lookup_tokens: list[int] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    unusable_stored: int = 0
    unusable_lookups: int = 0


def run(stored: Sequence[Record], lookups: Sequence[Record], today: date = TODAY) -> Run:
    """Publish every stored record, make every lookup (narrow, then wide), grade every hit."""
    seen = Run()
    index = _publish(stored, seen, today)
    normalising = expanding = finding = grading = 0.0
    for number, lookup in enumerate(lookups):
        mark = time.process_time()
        person = normalise(lookup.particulars, today=today)
        normalising += time.process_time() - mark
        if not isinstance(person, Person):
            seen.unusable_lookups += 1
            continue
        mark = time.process_time()
        expansion = expand(person)
        expanding += time.process_time() - mark
        mark = time.process_time()
        found = [_matched(index, keys) for keys in (expansion.narrow, expansion.wide)]
        finding += time.process_time() - mark
        mark = time.process_time()
        seen.lookup_tokens.append(len(expansion.narrow) + len(expansion.wide))
        seen.hits += _graded(number, lookup, found, stored)
        grading += time.process_time() - mark
    seen.seconds.update(
        lookup_normalising=normalising, expansion=expanding, index=finding, grading=grading
    )
    return seen


def _publish(stored: Sequence[Record], seen: Run, today: date) -> dict[Token, list[int]]:
    index: dict[Token, list[int]] = defaultdict(list)
    making = holding = 0.0
    for start in range(0, len(stored), _AT_ONCE):
        mark = time.process_time()
        made = [_keys_of(record, today) for record in stored[start : start + _AT_ONCE]]
        between = time.process_time()
        for number, keys in enumerate(made, start):
            if keys is None:
                seen.unusable_stored += 1
                continue
            seen.stored_tokens.append(len(keys.names))
            for key in keys.names + keys.identifiers:
                index[key.kind, key.value].append(number)
        making += between - mark
        holding += time.process_time() - between
    mark = time.process_time()
    _drop_common(index, stored)
    holding += time.process_time() - mark
    seen.seconds.update(stored_keys=making, stored_index=holding)
    return index


def _drop_common(index: dict[Token, list[int]], stored: Sequence[Record]) -> None:
    """A key that more than ten subjects of one agency (here: source) share is not published."""
    for token, numbers in index.items():
        if len(numbers) > MOST_SUBJECTS_PER_INPUT:
            held = Counter(stored[number].source for number in numbers)
            index[token] = [n for n in numbers if held[stored[n].source] <= MOST_SUBJECTS_PER_INPUT]


def _keys_of(record: Record, today: date) -> RecordKeys | None:
    person = normalise(record.particulars, today=today)
    return record_keys(person) if isinstance(person, Person) else None


def _matched(
    index: dict[Token, list[int]], keys: Sequence[GradedKey]
) -> dict[int, list[GradedKey]]:
    """The keys that each stored record shares with one set of a lookup, in the set's order."""
    found: dict[int, list[GradedKey]] = defaultdict(list)
    for key in keys:
        for number in index.get((key.kind, key.value), ()):
            found[number].append(key)
    return found


def _graded(
    number: int,
    lookup: Record,
    found: Sequence[dict[int, list[GradedKey]]],
    stored: Sequence[Record],
) -> Iterator[Hit]:
    """One hit per record: the surer of what the narrow and the wide step say of it."""
    for record in sorted(found[0].keys() | found[1].keys()):
        if stored[record].is_same(lookup):
            continue
        answers = []
        said: list[tuple[int, str] | None] = []
        for step in found:
            if record not in step:
                said.append(None)
                continue
            grade, because = grade_hit(step[record])
            place = GRADES.index(grade)
            said.append((place, because))
            answers.append((place, strangers_per_right(step[record]), because))
        grade_number, weight, because = min(answers)
        right = stored[record].entity == lookup.entity
        yield Hit(number, record, grade_number, weight, because, right, tuple(said))
