"""Verifying a whole log in its database: every entry, tile, checkpoint, statement, side record.

In constant memory, page by page, from nothing but the database and the log's public key. The
first bad place is named. What it cannot see is a log whose operator made a whole second history
and signed it: that is what checkpoints kept elsewhere, and witnesses, are for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, select

from index_service.agencies.storage import agency_keys
from index_service.audit import storage
from index_service.audit.intake import intake
from index_service.audit.storage import LogState, log_cosignatures, log_tiles
from index_service.audit.testimony import BadTestimony, Keys, SideRecord, check_side_record
from index_service.lookups.storage import side_records, unpad_withheld
from protocol.canonical import NotCanonical
from protocol.encoding import b64u_decode
from protocol.entries import read_entry
from protocol.log.checkpoints import open_checkpoint
from protocol.log.compact_range import CompactRange
from protocol.log.errors import LogError
from protocol.log.proofs import Head
from protocol.log.tiles import WIDTH
from protocol.merkle import HASH_BYTES, leaf_hash, tree_root
from protocol.verifier_keys import KeyType, VerifierKey
from schemas.entries import Consultation

PAGE: Final = 500


class Fault(ValueError):
    """The first bad place of the log; the message names it and says what is wrong there."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified, in numbers; `erased` side records were erased by retention.

    `waiting` entries have no number yet, and `unsigned` have one that no checkpoint covers yet.
    """

    entries: int
    tiles: int
    side_records: int
    erased: int
    waiting: int
    unsigned: int
    closed: str | None


@dataclass(slots=True)
class _Tiles:
    """Compares the tiles that the entries make with those that are kept, as they fill."""

    connection: Connection
    levels: list[list[bytes]] = field(default_factory=list)
    full: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, leaf: bytes) -> None:
        level, hashed = 0, leaf
        while True:
            if level == len(self.levels):
                self.levels.append([])
                self.full.append(0)
            self.levels[level].append(hashed)
            if len(self.levels[level]) < WIDTH:
                return
            hashed = tree_root(self.levels[level])
            self._compare(level)
            self.levels[level] = []
            self.full[level] += 1
            level += 1

    def finish(self) -> None:
        for level, hashes in enumerate(self.levels):
            if hashes:
                self._compare(level)
        kept = self.connection.execute(select(func.count()).select_from(log_tiles)).scalar_one()
        if kept != self.count:
            raise Fault(f"tiles: there are {kept}, and the entries make {self.count}")

    def _compare(self, level: int) -> None:
        number = self.full[level]
        these = (log_tiles.c.level == level) & (log_tiles.c.number == number)
        kept = self.connection.execute(select(log_tiles.c.hashes).where(these)).scalar()
        if kept is None or bytes(kept) != b"".join(self.levels[level]):
            at = _first_difference(bytes(kept or b""), self.levels[level])
            raise Fault(f"tile {number} of level {level}: its hash {at} is not what entries make")
        self.count += 1


def verify_log(connection: Connection, log: VerifierKey, partnership: str) -> Verified:
    """Verify the log in this database against the log's key; raises Fault at the first bad place.

    Memory does not grow with the log. Run it in a read transaction: one snapshot is verified.
    """
    if log.type is not KeyType.ED25519:
        raise Fault("key: this is not a log's key")
    state = storage.state(connection)
    signed = _signed_head(state, log)
    wanted = _heads(connection, signed)
    tree, tiles, keys = CompactRange(), _Tiles(connection), Keys(_known_keys(connection))
    opened = erased = 0
    _require_head(wanted, tree.head())
    for row in _rows(connection):
        number = tree.size
        if row.position != number:
            raise Fault(f"entry {number}: it is missing (the next one is {row.position})")
        encoded = bytes(row.entry)
        leaf = leaf_hash(encoded)
        if leaf != bytes(row.leaf):
            raise Fault(f"entry {number}: its bytes do not have the leaf hash kept beside them")
        try:
            entry = read_entry(encoded)
            if (entry.partnership, entry.at) != (partnership, row.recorded_at):
                raise BadTestimony("it is of another partnership or time than it is kept under")
            keys.check(entry)
            if isinstance(entry, Consultation) and row.answer is None:
                erased += 1
            elif row.answer is not None:
                opened += 1
                if not isinstance(entry, Consultation):
                    raise BadTestimony("a side record is kept with it, and it is no consultation")
                check_side_record(entry, encoded, _side_record(row), keys, log)
        except (BadTestimony, NotCanonical) as error:
            raise Fault(f"entry {number}: {error}") from error
        tree.append(leaf)
        tiles.add(leaf)
        _require_head(wanted, tree.head()) if tree.size in wanted else None
    tiles.finish()
    if tree.head() != state.head:
        raise Fault(f"head: {tree.size} entries are numbered and make another root than it says")
    beyond = [size for size in wanted if size > tree.size]
    if beyond:
        raise Fault(f"entry {tree.size}: it is missing; a head of {min(beyond)} was signed")
    waiting = select(func.count()).select_from(intake).where(intake.c.position.is_(None))
    return Verified(
        entries=tree.size,
        tiles=tiles.count,
        side_records=opened,
        erased=erased,
        waiting=connection.execute(waiting).scalar_one(),
        unsigned=tree.size - (signed.size if signed else 0),
        closed=state.closed,
    )


def _signed_head(state: LogState, log: VerifierKey) -> Head | None:
    if state.note is None:
        return None
    try:
        return open_checkpoint(state.note, [log]).checkpoint.head
    except LogError as error:
        raise Fault(f"checkpoint: {error}") from error


def _heads(connection: Connection, signed: Head | None) -> dict[int, list[tuple[str, bytes]]]:
    """Return by size the roots that the log must have had, with who says so."""
    wanted: dict[int, list[tuple[str, bytes]]] = {}
    if signed is not None:
        wanted[signed.size] = [("checkpoint", signed.root)]
    for row in connection.execute(select(log_cosignatures)):
        said = (f"cosignature of {row.witness}", bytes(row.root))
        wanted.setdefault(row.size, []).append(said)
    return wanted


def _require_head(wanted: dict[int, list[tuple[str, bytes]]], head: Head) -> None:
    for who, root in wanted.get(head.size, ()):
        if root != head.root:
            raise Fault(f"{who}: its root is not that of the first {head.size} entries")


def _known_keys(connection: Connection) -> dict[str, bytes]:
    rows = connection.execute(select(agency_keys.c.key_id, agency_keys.c.signing))
    return {row.key_id: b64u_decode(row.signing, 32) for row in rows}


def _rows(connection: Connection) -> Iterator[Any]:
    """Yield the numbered entries in order, each with its side record if there still is one."""
    after = -1
    while True:
        page = connection.execute(
            select(
                intake.c.position,
                intake.c.entry,
                intake.c.leaf,
                intake.c.recorded_at,
                side_records.c.sets,
                side_records.c.answer,
                side_records.c.withheld,
                side_records.c.withheld_salt,
            )
            .outerjoin_from(intake, side_records, side_records.c.intake == intake.c.id)
            .where(intake.c.position > after)
            .order_by(intake.c.position)
            .limit(PAGE)
        ).all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].position


def _side_record(row: Any) -> SideRecord:
    return SideRecord(
        sets=bytes(row.sets),
        answer=bytes(row.answer),
        withheld=unpad_withheld(bytes(row.withheld)),
        withheld_salt=bytes(row.withheld_salt),
    )


def _first_difference(kept: bytes, made: list[bytes]) -> int:
    for at, hashed in enumerate(made):
        if kept[at * HASH_BYTES : (at + 1) * HASH_BYTES] != hashed:
            return at
    return len(made)
