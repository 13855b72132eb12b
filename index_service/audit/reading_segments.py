"""Segments: what makes lookups findable by token and by asker, built after they are numbered.

A segment is SPAN entry numbers of the log. Once all of them are taken, a job of the worker writes
a catalogue of its lookups and, by the first bits of each token, postings: six bytes per token,
that is four more bytes of the token and the entry's place in the segment. Postings only point to
side records, which are then compared token by token. Whatever has no segment yet is read itself.
Nothing is written here in a lookup's transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    delete,
    insert,
    select,
)

from index_service.audit import storage
from index_service.audit.intake import intake
from index_service.database import metadata
from index_service.installation import Installation
from index_service.lookups.storage import side_records
from index_service.worker.doing import Done
from protocol import documents
from protocol.encoding import b64u_decode
from protocol.entries import read_entry
from protocol.tokens import TOKEN_BYTES
from schemas.entries import Consultation
from schemas.lookups import LookupStatement, TokenSet

SPAN: Final = 1_024
_PRINT_BYTES: Final = 4
_PRINT_END: Final = 2 + _PRINT_BYTES
_PLACE_BYTES: Final = 2
_POSTING_BYTES: Final = _PRINT_BYTES + _PLACE_BYTES

audit_segments = Table(
    "audit_segments",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # Of how many of its lookups the side record was erased when it was built.
    Column("erased", Integer, nullable=False),
    Column("catalogue", LargeBinary, nullable=False),
)

audit_postings = Table(
    "audit_postings",
    metadata,
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("postings", LargeBinary, nullable=False),
)


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """One lookup of a catalogue; `kept` says whether its side record is still there."""

    place: int
    agency: str
    purpose: str
    officer: bytes
    lookup: bytes
    at: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """A lookup with the number of its entry."""

    number: int
    listed: Listed


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(tuple[Listed, ...])
_SETS: Final = msgspec.json.Decoder(tuple[TokenSet, ...])


def build_segments(connection: Connection, index: Installation, _: int) -> Done:
    """Build one segment that is complete and not there; a piece of the worker's job."""
    complete = storage.state(connection).head.size // SPAN
    number = _first_missing(connection, complete)
    if number is None:
        return Done(0, more=False)
    listed: list[Listed] = []
    buckets: dict[int, list[bytes]] = defaultdict(list)
    for one, sets in _lookups(connection, number * SPAN, (number + 1) * SPAN):
        listed.append(one.listed)
        place = one.listed.place.to_bytes(_PLACE_BYTES, "big")
        for token in tokens_of(sets or ()):
            buckets[_bucket(token)].append(token[2:_PRINT_END] + place)
    connection.execute(
        insert(audit_segments),
        {
            "number": number,
            "erased": sum(not one.kept for one in listed),
            "catalogue": _ENCODER.encode(listed),
        },
    )
    if buckets:
        connection.execute(
            insert(audit_postings),
            [
                {"bucket": bucket, "segment": number, "postings": b"".join(sorted(postings))}
                for bucket, postings in buckets.items()
            ],
        )
    return Done(len(listed), more=True)


def forget_segments(connection: Connection, positions: Iterable[int | None]) -> None:
    """Forget the segments of these entries, whose side records are erased in this transaction.

    The job builds them anew from what remains.
    """
    numbers = {position // SPAN for position in positions if position is not None}
    if numbers:
        connection.execute(delete(audit_postings).where(audit_postings.c.segment.in_(numbers)))
        connection.execute(delete(audit_segments).where(audit_segments.c.number.in_(numbers)))


def catalogue(
    connection: Connection, first: int, end: int, *, holding: Sequence[bytes] = ()
) -> Iterator[Numbered]:
    """Yield the lookups numbered from `first` to just before `end`, in order.

    `holding` are bytes (an officer, a lookup's id, an agency's name) that every lookup wanted has:
    segments without them are passed over.
    """
    for number in range(first // SPAN, (end + SPAN - 1) // SPAN):
        start = number * SPAN
        built = _catalogue(connection, number)
        if built is None:
            found: Iterable[Numbered] = (
                one for one, _ in _lookups(connection, start, start + SPAN)
            )
        elif all(part in built for part in holding):
            found = (Numbered(start + listed.place, listed) for listed in _DECODER.decode(built))
        else:
            continue
        for one in found:
            if first <= one.number < end:
                yield one


def with_tokens(connection: Connection, tokens: Iterable[bytes], first: int, end: int) -> list[int]:
    """Return the ascending numbers, from `first` to just before `end`, of lookups that may match.

    Every lookup that has one of `tokens`, of 16 bytes, is among them. One that has none may be:
    compare the side records.
    """
    sought = set(tokens)
    prints: dict[int, list[bytes]] = defaultdict(list)
    for token in sought:
        prints[_bucket(token)].append(token[2:_PRINT_END])
    # One statement says which segments there are and what they hold: what another transaction
    # builds or forgets meanwhile is either in it whole, or read below.
    here = (audit_postings.c.segment == audit_segments.c.number) & (
        audit_postings.c.bucket.in_(prints)
    )
    rows = connection.execute(
        select(audit_segments.c.number, audit_postings.c.bucket, audit_postings.c.postings)
        .outerjoin_from(audit_segments, audit_postings, here)
        .where(audit_segments.c.number.between(first // SPAN, end // SPAN))
    )
    built: set[int] = set()
    found: set[int] = set()
    for row in rows:
        built.add(row.number)
        if row.postings is not None:
            start = row.number * SPAN
            found.update(
                start + place for place in _places(bytes(row.postings), prints[row.bucket])
            )
    for number in range(first // SPAN, (end + SPAN - 1) // SPAN):
        if number not in built:
            start = number * SPAN
            for one, sets in _lookups(connection, start, start + SPAN):
                if sets is not None and not sought.isdisjoint(tokens_of(sets)):
                    found.add(one.number)
    return sorted(number for number in found if first <= number < end)


def erased(connection: Connection, first: int, end: int) -> int:
    """Return how many lookups numbered from `first` to just before `end` have no side record."""
    whole = range((first + SPAN - 1) // SPAN, end // SPAN)
    rows = connection.execute(
        select(audit_segments.c.number, audit_segments.c.erased).where(
            audit_segments.c.number >= whole.start, audit_segments.c.number < whole.stop
        )
    )
    counted = {row.number: int(row.erased) for row in rows}
    others = [
        number for number in range(first // SPAN, (end + SPAN - 1) // SPAN) if number not in counted
    ]
    return sum(counted.values()) + sum(
        not one.listed.kept
        for number in others
        for one in catalogue(connection, max(first, number * SPAN), min(end, (number + 1) * SPAN))
    )


def tokens_of(sets: Iterable[TokenSet]) -> list[bytes]:
    """Return the tokens of all sets, 16 bytes each."""
    found: list[bytes] = []
    for token_set in sets:
        joined = b64u_decode(token_set.tokens)
        found += [joined[at : at + TOKEN_BYTES] for at in range(0, len(joined), TOKEN_BYTES)]
    return found


def listed_of(number: int, encoded: bytes, *, kept: bool) -> Listed | None:
    """Return what a catalogue says of entry `number`, whose bytes these are; None for others."""
    entry = read_entry(encoded)
    if not isinstance(entry, Consultation):
        return None
    told = documents.claimed(entry.statement, LookupStatement)
    return Listed(
        place=number % SPAN,
        agency=told.agency,
        purpose=told.purpose,
        officer=b64u_decode(told.officer, 16),
        lookup=b64u_decode(told.lookup, 16),
        at=entry.at,
        kept=kept,
    )


def read_sets(sets: bytes) -> tuple[TokenSet, ...]:
    """Return the token sets as a side record keeps them."""
    return _SETS.decode(sets)


def _first_missing(connection: Connection, complete: int) -> int | None:
    here = select(audit_segments.c.number).where(audit_segments.c.number < complete)
    built = set(connection.execute(here).scalars())
    return next((number for number in range(complete) if number not in built), None)


def _catalogue(connection: Connection, number: int) -> bytes | None:
    this = select(audit_segments.c.catalogue).where(audit_segments.c.number == number)
    built = connection.execute(this).scalar()
    return None if built is None else bytes(built)


def _lookups(
    connection: Connection, first: int, end: int
) -> Iterator[tuple[Numbered, tuple[TokenSet, ...] | None]]:
    """Yield the lookups among these entries from the entries themselves, with their token sets."""
    rows = connection.execute(
        select(intake.c.position, intake.c.entry, side_records.c.sets)
        .outerjoin_from(intake, side_records, side_records.c.intake == intake.c.id)
        .where(intake.c.position >= first, intake.c.position < end)
        .order_by(intake.c.position)
    )
    for row in rows:
        listed = listed_of(row.position, bytes(row.entry), kept=row.sets is not None)
        if listed is not None:
            sets = None if row.sets is None else read_sets(row.sets)
            yield Numbered(row.position, listed), sets


def _bucket(token: bytes) -> int:
    # The first ten bits, which the postings do not repeat.
    return token[0] << 2 | token[1] >> 6


def _places(postings: bytes, prints: Sequence[bytes]) -> Iterator[int]:
    for sought in prints:
        at = postings.find(sought)
        while at >= 0:
            if at % _POSTING_BYTES == 0:
                place = postings[at + _PRINT_BYTES : at + _POSTING_BYTES]
                yield int.from_bytes(place, "big")
            at = postings.find(sought, at + 1)
