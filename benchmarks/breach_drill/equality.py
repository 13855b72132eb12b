"""What equal tokens tell a thief without keys: which flags and lookups share some, and how many.

The thief cannot compute a token, but can count. Against each pair of flags that share tokens he
holds everybody in his dictionary: whose records could share just so many?
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations
from typing import Any

import msgspec
from sqlalchemy.engine import Row

from agency_connector.matching.particulars import Particulars
from benchmarks.breach_drill.dictionary import keys_of
from benchmarks.breach_drill.people import Sample, forms_of
from protocol.encoding import b64u_decode
from protocol.tokens import TOKEN_BYTES
from schemas.lookups import TokenSet


@dataclass(frozen=True, slots=True)
class Patterns:
    """Which flags, and which lookups and flags, share tokens, and how many they share."""

    flags: Mapping[tuple[int, int], int]
    lookups: Mapping[tuple[bytes, int], int]
    lookup_pairs: Mapping[tuple[bytes, bytes], int]


def patterns(tables: Mapping[str, Sequence[Row[Any]]]) -> Patterns:
    """Count what rows of the index's tables share."""
    holders: defaultdict[bytes, set[int]] = defaultdict(set)
    for row in tables["flag_tokens"]:
        holders[bytes(row.token)].add(row.flag)
    flags: Counter[tuple[int, int]] = Counter()
    for held in holders.values():
        flags.update(combinations(sorted(held), 2))
    lookups: Counter[tuple[bytes, int]] = Counter()
    askers: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for row in tables["side_records"]:
        for token in lookup_tokens(row):
            askers[token].add(bytes(row.lookup))
            lookups.update((bytes(row.lookup), flag) for flag in holders.get(token, ()))
    pairs: Counter[tuple[bytes, bytes]] = Counter()
    for asked in askers.values():
        pairs.update(combinations(sorted(asked), 2))
    return Patterns(flags, lookups, pairs)


def lookup_tokens(row: Row[Any]) -> tuple[bytes, ...]:
    """Return the tokens of a lookup from its side record."""
    sets = msgspec.json.decode(bytes(row.sets), type=tuple[TokenSet, ...])
    joined = b"".join(b64u_decode(one.tokens) for one in sets)
    return tuple(joined[at : at + TOKEN_BYTES] for at in range(0, len(joined), TOKEN_BYTES))


def anonymity(found: Patterns, sample: Sample, today: date) -> tuple[int, int]:
    """Return how many people fit the pattern that fewest fit, and how many patterns only one fits.

    A pattern is the number of tokens that two flags share. (0, 0) if no two share any.
    """
    possible = [_counts(sample.forms(who), today) for who in range(len(sample.people))]
    possible += [_counts(forms_of(stranger), today) for stranger in sample.strangers]
    fitting = {
        shared: sum(shared in counts for counts in possible) for shared in {*found.flags.values()}
    }
    if not fitting:
        return 0, 0
    return min(fitting.values()), sum(fitting[s] == 1 for s in found.flags.values())


def _counts(forms: Iterable[Particulars], today: date) -> frozenset[int]:
    """Return how many keys two records of one person may share, each written in its own way."""
    written = {keys_of(other, today) for form in forms for other in _written(form)}
    shared = {len(one & other) for one, other in combinations(written, 2)}
    return frozenset(shared | {len(keys) for keys in written})


def _written(form: Particulars) -> Iterable[Particulars]:
    """Yield a record as different clerks write it."""
    for numbers in (form.identifiers, ()):
        for postcode in (form.postcode, ""):
            for middle in (form.middle, ""):
                plain = replace(form, identifiers=numbers, postcode=postcode, middle=middle)
                yield plain
                yield replace(plain, given=form.given[:1])
                yield replace(plain, given=form.given[1:])
                yield replace(plain, family=form.family[:-1] + "x")
                yield replace(plain, born=_exchanged(form.born))


def _exchanged(born: str) -> str:
    if not born:
        return born
    day = date.fromisoformat(born)
    return day.replace(day=day.month, month=day.day).isoformat() if day.day <= 12 else born
