"""Verifying the log in its database: every entry, tile, checkpoint, statement, side record.

In constant memory, page by page, from nothing but the database and the log's public key. The
first bad place is named. `protocol.verification` is the core, which exports and mirrors share.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from foundation.statements import Statement
from index_service.audit import storage
from index_service.audit.intake import intake
from index_service.audit.rounds import newest_first
from index_service.audit.storage import LogState, log_cosignatures, log_tiles
from index_service.lookups.storage import side_records, unpad_withheld
from protocol.canonical import NotCanonical
from protocol.entries import read_entry
from protocol.log.checkpoints import Checkpoint, open_checkpoint
from protocol.log.errors import LogError
from protocol.log.notes import Note, read_note, read_signatures
from protocol.log.proofs import Head
from protocol.log.tile_walk import TileWalk
from protocol.log.tiles import Tile
from protocol.merkle import HASH_BYTES, leaf_hash
from protocol.signature_checks import SignatureChecks
from protocol.testimony import Absences, Keys, SideRecord, Signed
from protocol.verification import Fault, Verification
from protocol.verifier_keys import KeyType, VerifierKey

PAGE: Final = 500
_SPEAK_OF_SIDE_RECORDS: Final = (b'"act":"side-records-erased"', b'"act":"log-recovered"')


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified, in numbers.

    Of the consultations, `side_records` have theirs; those of `erased` were erased by retention,
    and those of `lost` did not come back with entries that were recovered from a mirror. `waiting`
    entries have no number yet, and `unsigned` have one that no checkpoint covers yet.
    """

    entries: int
    tiles: int
    cosignatures: int
    side_records: int
    erased: int
    lost: int
    waiting: int
    unsigned: int
    closed: str | None


class _Row(NamedTuple):
    """An entry as it is kept, and its side record, all None if there is none.

    One that waits has None for its position, which nobody asks for.
    """

    id: int
    position: int
    entry: bytes
    leaf: bytes
    recorded_at: int
    sets: bytes
    answer: bytes | None
    withheld: bytes
    withheld_salt: bytes


@dataclass(slots=True)
class _Tiles:
    """Compares the tiles that the entries make with those that are kept, as they fill."""

    connection: Connection
    count: int = 0

    def compare(self, tile: Tile, made: bytes) -> None:
        these = (log_tiles.c.level == tile.level) & (log_tiles.c.number == tile.index)
        kept = self.connection.execute(select(log_tiles.c.hashes).where(these)).scalar()
        if kept is None or bytes(kept) != made:
            at = _first_difference(bytes(kept or b""), made)
            raise Fault(
                f"tile {tile.index} of level {tile.level}: its hash {at} is not what entries make"
            )
        self.count += 1

    def require_no_more(self) -> None:
        kept = self.connection.execute(select(func.count()).select_from(log_tiles)).scalar_one()
        if kept != self.count:
            raise Fault(f"tiles: there are {kept}, and the entries make {self.count}")


def verify_log(
    connection: Connection,
    log: VerifierKey,
    partnership: str,
    *,
    signatures: bool = True,
    checks: SignatureChecks | None = None,
) -> Verified:
    """Verify the log in this database against the log's key; raises Fault at the first bad place.

    Without `signatures` those in entries and side records are passed over, which takes a fraction
    of the time; the checkpoint's and the cosignatures are always checked. With `checks` other
    processes check what is signed in numbered entries. Memory does not grow with the log. Run it
    in a read transaction: one snapshot is verified.
    """
    if log.type is not KeyType.ED25519:
        raise Fault("key: this is not a log's key")
    state = storage.state(connection)
    signed = _signed_head(state, log)
    tiles = _Tiles(connection)
    walk = TileWalk(tiles.compare)
    heads = _heads(connection, signed)
    keys = Keys(signatures)
    verification = Verification(
        log, partnership, walk, heads, keys=keys, absences=_absences(connection)
    )
    with _checked_elsewhere(keys, walk, checks):
        for row in _numbered(connection):
            _enter(verification, row)
    if walk.finish() != state.head:
        raise Fault(f"head: {walk.size} entries are numbered and make another root than it says")
    tiles.require_no_more()
    beyond = [size for size in heads if size > walk.size]
    if beyond:
        raise Fault(f"entry {walk.size}: it is missing; a head of {min(beyond)} was signed")
    waiting = 0
    for row in _waiting(connection):
        _require_kept_as_hashed(row, "an entry that waits for its number")
        verification.wait(row.entry, _side_record(row))
        waiting += 1
    return Verified(
        entries=walk.size,
        tiles=tiles.count,
        cosignatures=_check_cosignatures(connection, verification, log),
        side_records=verification.side_records,
        erased=verification.erased,
        lost=verification.lost,
        waiting=waiting,
        unsigned=walk.size - (signed.size if signed else 0),
        closed=state.closed,
    )


@contextmanager
def _checked_elsewhere(
    keys: Keys, walk: TileWalk, checks: SignatureChecks | None
) -> Iterator[None]:
    """Hand over what is signed meanwhile; Fault for the first bad place, in the log's order."""
    if checks is None:
        yield
        return

    def later(signed: Signed) -> None:
        _raise_if_bad(checks.put(walk.size, signed))

    keys.later = later
    try:
        yield
    except Fault:
        # What was handed over stands before the place that was found here.
        _raise_if_bad(checks.finish())
        raise
    _raise_if_bad(checks.finish())
    keys.later = None


def _raise_if_bad(found: tuple[int, str] | None) -> None:
    if found is not None:
        raise Fault(f"entry {found[0]}: {found[1]}")


def _enter(verification: Verification, row: _Row) -> None:
    number = verification.tree.size
    if row.position != number:
        raise Fault(f"entry {number}: it is missing (the next one is {row.position})")
    leaf = _require_kept_as_hashed(row, f"entry {number}")
    entry = verification.enter(row.entry, leaf, _side_record(row))
    if entry.at != row.recorded_at:
        raise Fault(f"entry {number}: it is of another time than it is kept under")


def _require_kept_as_hashed(row: _Row, what: str) -> bytes:
    leaf = leaf_hash(row.entry)
    if leaf != row.leaf:
        raise Fault(f"{what}: its bytes do not have the leaf hash kept beside them")
    return leaf


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
    for one in newest_first(connection):
        wanted.setdefault(one.head.size, []).append(("round", one.head.root))
    return wanted


def _check_cosignatures(
    connection: Connection, verification: Verification, log: VerifierKey
) -> int:
    """Check every line that witnesses brought; return how many there are."""
    count = 0
    for row in connection.execute(select(log_cosignatures)):
        who = f"cosignature of {row.witness}"
        text = Checkpoint(log.name, Head(row.size, bytes(row.root))).text
        count += verification.check_cosignatures(who, _note(who, text, bytes(row.line)))
    for one in newest_first(connection):
        who = f"round of {one.head.size} entries"
        note = _read_note(who, one.note)
        if note.text != Checkpoint(log.name, one.head).text:
            raise Fault(f"{who}: its checkpoint is of another head")
        verification.check_cosignatures(who, note)
        for witness, line in one.lines.items():
            what = f"cosignature of {witness} in the {who}"
            count += verification.check_cosignatures(what, _note(what, note.text, line))
    return count


def _read_note(who: str, content: bytes) -> Note:
    try:
        return read_note(content)
    except LogError as error:
        raise Fault(f"{who}: {error}") from error


def _note(who: str, text: str, line: bytes) -> Note:
    try:
        return Note(text, read_signatures(line.decode()))
    except (LogError, UnicodeDecodeError) as error:
        raise Fault(f"{who}: {error}") from error


def _absences(connection: Connection) -> Absences:
    """Return which side records may be missing, as entries, numbered or not, say."""
    absences = Absences()
    for encoded in storage.entries_with(connection, _SPEAK_OF_SIDE_RECORDS):
        try:
            absences.add(read_entry(encoded))
        except NotCanonical:
            continue  # it is met again in its place, and named there
    return absences


_FIELDS: Final = (
    intake.c.id,
    intake.c.position,
    intake.c.entry,
    intake.c.leaf,
    intake.c.recorded_at,
    side_records.c.sets,
    side_records.c.answer,
    side_records.c.withheld,
    side_records.c.withheld_salt,
)
_ROWS: Final = (
    select(*_FIELDS)
    .outerjoin_from(intake, side_records, side_records.c.intake == intake.c.id)
    .limit(PAGE)
)
_NUMBERED: Final = Statement(
    _ROWS.where(intake.c.position > bindparam("after")).order_by(intake.c.position)
)
_WAITING: Final = Statement(
    _ROWS.where(intake.c.position.is_(None), intake.c.id > bindparam("after")).order_by(intake.c.id)
)


def _numbered(connection: Connection) -> Iterator[_Row]:
    """Yield the numbered entries in order, each with its side record if there still is one."""
    after = -1
    while True:
        page = [_Row(*values) for values in _NUMBERED.rows(connection, after=after)]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].position


def _waiting(connection: Connection) -> Iterator[_Row]:
    """Yield the entries that have no number yet, in the order in which they came."""
    after = -1
    while True:
        page = [_Row(*values) for values in _WAITING.rows(connection, after=after)]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def _side_record(row: _Row) -> SideRecord | None:
    if row.answer is None:
        return None
    return SideRecord(
        sets=row.sets,
        answer=row.answer,
        withheld=unpad_withheld(row.withheld),
        withheld_salt=row.withheld_salt,
    )


def _first_difference(kept: bytes, made: bytes) -> int:
    for start in range(0, len(made), HASH_BYTES):
        if kept[start : start + HASH_BYTES] != made[start : start + HASH_BYTES]:
            return start // HASH_BYTES
    return len(made) // HASH_BYTES
