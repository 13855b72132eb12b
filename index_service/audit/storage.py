"""The log in the index's database: numbered entries, the tree's tiles, its head, cosignatures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    TextClause,
    bindparam,
    insert,
    select,
    text,
    update,
)

from foundation.inserting import inserting
from index_service.audit.intake import intake
from index_service.database import metadata
from protocol.entries import read_entry
from protocol.log.bundles import pack
from protocol.log.errors import BadTile
from protocol.log.proofs import EMPTY, Head
from protocol.log.tile_tree import Growth
from protocol.log.tiles import Bundle, Tile
from protocol.merkle import HASH_BYTES, leaf_hash

_ONE: Final = 1
_PAGE: Final = 10_000
_CLOSED_CHARACTERS: Final = 400

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    # The last checkpoint that was signed; its size is at most `size`.
    Column("note", LargeBinary),
    # Why nothing is appended any more.
    Column("closed", String(_CLOSED_CHARACTERS)),
    # 1 for the first log of this index, and one more for each successor.
    Column("generation", Integer, nullable=False, server_default="1"),
)

log_successions = Table(
    "log_successions",
    metadata,
    # That of the log that was closed.
    Column("generation", Integer, primary_key=True, autoincrement=False),
    # Its last checkpoint, with the cosignatures there were.
    Column("note", LargeBinary),
    # schemas.successions.LogSuccession, signed with its key.
    Column("envelope", LargeBinary, nullable=False),
)

log_tiles = Table(
    "log_tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # As wide as the tile is by now: a narrower one is its beginning.
    Column("hashes", LargeBinary, nullable=False),
)

log_cosignatures = Table(
    "log_cosignatures",
    metadata,
    Column("witness", String(32), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("line", LargeBinary, nullable=False),
)

_NUMBER_EACH: Final = (
    update(intake)
    .where(intake.c.id == bindparam("row"), intake.c.position.is_(None))
    .values(position=bindparam("number"))
)
_NUMBER_ALL: Final = text(
    "UPDATE intake SET position = :first + given.place - 1"
    " FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS given(id, place)"
    " WHERE intake.id = given.id AND intake.position IS NULL RETURNING given.place"
)


class Overtaken(Exception):
    """Another sequencer moved the head meanwhile: what this one was about to do is undone."""


@dataclass(frozen=True, slots=True)
class LogState:
    """The head over all numbered entries, the last signed checkpoint, and why it is closed."""

    head: Head
    note: bytes | None
    closed: str | None
    generation: int = 1


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """An intake row that has no number yet, with its leaf hash."""

    intake: int
    leaf: bytes


class DatabaseTiles:
    """The tiles of the log as a `protocol.log.tile_tree.TileReader`."""

    def __init__(self, connection: Connection) -> None:
        """Read through `connection`, in its transaction."""
        self._connection = connection

    def read(self, tile: Tile) -> bytes:
        """Return the tile's hashes, cut from a wider one if need be; BadTile if it is not there."""
        these = (log_tiles.c.level == tile.level) & (log_tiles.c.number == tile.index)
        hashes = self._connection.execute(select(log_tiles.c.hashes).where(these)).scalar()
        if hashes is None or len(hashes) < tile.size:
            raise BadTile(f"{tile.path} is not among the log's tiles.")
        return bytes(hashes[: tile.width * HASH_BYTES])


def state(connection: Connection) -> LogState:
    """Return how the log stands; before its first sequencing it is empty and not signed."""
    row = connection.execute(select(log_head)).one_or_none()
    if row is None:
        return LogState(EMPTY, None, None)
    return LogState(Head(row.size, bytes(row.root)), row.note, row.closed, row.generation)


def begin(connection: Connection) -> None:
    """Make the row of the empty log's head, if there is none yet."""
    connection.execute(
        inserting(connection, log_head)
        .values(id=_ONE, size=EMPTY.size, root=EMPTY.root)
        .on_conflict_do_nothing()
    )


def is_empty(connection: Connection) -> bool:
    """Return whether nothing at all has been taken in."""
    return connection.execute(select(intake.c.id).limit(1)).first() is None


def unnumbered(connection: Connection, limit: int) -> list[Unnumbered]:
    """Return the first `limit` committed rows that have no number, in the order of their ids."""
    waiting = (
        select(intake.c.id, intake.c.leaf)
        .where(intake.c.position.is_(None))
        .order_by(intake.c.id)
        .limit(limit)
    )
    return [Unnumbered(row.id, bytes(row.leaf)) for row in connection.execute(waiting)]


def numbered_leaves(connection: Connection) -> Iterator[bytes]:
    """Yield the leaf hashes of the numbered entries, in the order of their numbers."""
    after = -1
    while True:
        later = select(intake.c.position, intake.c.leaf).where(intake.c.position > after)
        page = connection.execute(later.order_by(intake.c.position).limit(_PAGE)).all()
        for row in page:
            yield bytes(row.leaf)
        if len(page) < _PAGE:
            return
        after = page[-1].position


def successions(connection: Connection) -> tuple[bytes, ...]:
    """Return the signed documents that ended the earlier logs of this index, oldest first."""
    rows = select(log_successions.c.envelope).order_by(log_successions.c.generation)
    return tuple(bytes(envelope) for envelope in connection.execute(rows).scalars())


def take_back(connection: Connection, entries: Sequence[bytes]) -> list[Unnumbered]:
    """Return the intake rows of `entries`, in their order, that have no number yet.

    A row that was never numbered is used again, with whatever belongs to it; the others are made.
    """
    leaves = [leaf_hash(entry) for entry in entries]
    waiting = select(intake.c.id, intake.c.leaf).where(intake.c.position.is_(None))
    known = {bytes(row.leaf): row.id for row in connection.execute(waiting)}
    rows = []
    for entry, leaf in zip(entries, leaves, strict=True):
        number = known.get(leaf)
        if number is None:
            values = {"entry": entry, "leaf": leaf, "recorded_at": read_entry(entry).at}
            number = connection.execute(insert(intake).returning(intake.c.id), values).scalar_one()
        rows.append(Unnumbered(number, leaf))
    return rows


def advance(connection: Connection, old: Head, grown: Growth, rows: Sequence[Unnumbered]) -> None:
    """Move the head from `old` to the grown tree's, and number `rows`; Overtaken if it moved."""
    _swap(connection, old, size=grown.head.size, root=grown.head.root)
    _number(connection, old.size, [row.intake for row in rows])
    put = inserting(connection, log_tiles)
    connection.execute(
        put.on_conflict_do_update(
            index_elements=[log_tiles.c.level, log_tiles.c.number],
            set_={"hashes": put.excluded.hashes},
        ),
        [
            {"level": tile.level, "number": tile.index, "hashes": hashes}
            for tile, hashes in grown.tiles.items()
        ],
    )


def _number(connection: Connection, first: int, ids: Sequence[int]) -> None:
    """Give the intake rows `ids` the numbers from `first` on; Overtaken if one has a number."""
    if connection.dialect.name == "postgresql":
        # One statement: a statement per row costs three times as much as all else in sequencing.
        numbered = connection.execute(_NUMBER_ALL, {"ids": list(ids), "first": first})
        if len(numbered.all()) != len(ids):
            raise Overtaken
        return
    pairs = [{"row": row, "number": number} for number, row in enumerate(ids, first)]
    if connection.execute(_NUMBER_EACH, pairs).rowcount != len(ids):
        raise Overtaken


def publish(connection: Connection, head: Head, note: bytes) -> None:
    """Keep the signed checkpoint of `head` as the one that is served; Overtaken if it moved."""
    _swap(connection, head, note=note)


def close(connection: Connection, head: Head, why: str) -> None:
    """Let nothing be appended or signed any more; Overtaken if the head moved meanwhile."""
    _swap(connection, head, closed=why[:_CLOSED_CHARACTERS])


def bundle(connection: Connection, wanted: Bundle) -> bytes | None:
    """Return the bundle's bytes, or None unless all of its entries have their numbers."""
    first = wanted.first
    rows = connection.execute(
        select(intake.c.entry)
        .where(intake.c.position >= first, intake.c.position < first + wanted.width)
        .order_by(intake.c.position)
    ).scalars()
    entries = [bytes(entry) for entry in rows]
    return pack(entries) if len(entries) == wanted.width else None


def entries_with(connection: Connection, marks: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the entries that hold one of `marks`, numbered or not, in the order they came in.

    Reads the whole intake, at the database: for verifying and exporting, not for requests.
    """
    held, given = _holding(connection, marks)
    rows = select(intake.c.entry).where(held).order_by(intake.c.id)
    for entry in connection.execute(rows, given).scalars():
        yield bytes(entry)


def positions_with(connection: Connection, marks: Sequence[bytes]) -> list[int]:
    """Return the numbers of the entries that hold one of `marks`; reads the whole intake."""
    held, given = _holding(connection, marks)
    rows = select(intake.c.position).where(held, intake.c.position.is_not(None))
    return [int(number) for number in connection.execute(rows, given).scalars()]


def entry_at(connection: Connection, number: int) -> bytes:
    """Return the bytes of entry `number`; NoResultFound if there is none."""
    row = select(intake.c.entry).where(intake.c.position == number)
    return bytes(connection.execute(row).scalar_one())


def _holding(connection: Connection, marks: Sequence[bytes]) -> tuple[TextClause, dict[str, bytes]]:
    postgres = connection.dialect.name == "postgresql"
    one = "position(:m{0} IN entry) > 0" if postgres else "instr(entry, :m{0}) > 0"
    held = " OR ".join(one.format(place) for place in range(len(marks)))
    return text(f"({held})"), {f"m{place}": mark for place, mark in enumerate(marks)}


def highest_cosigned(connection: Connection) -> Head | None:
    """Return the largest head of this log that a witness has cosigned, or None."""
    rows = select(log_cosignatures.c.size, log_cosignatures.c.root)
    row = connection.execute(rows.order_by(log_cosignatures.c.size.desc()).limit(1)).one_or_none()
    return None if row is None else Head(row.size, bytes(row.root))


def lines_of(connection: Connection, head: Head) -> tuple[bytes, ...]:
    """Return the cosignature lines of the witnesses whose latest is of exactly `head`."""
    of_head = (log_cosignatures.c.size == head.size) & (log_cosignatures.c.root == head.root)
    rows = select(log_cosignatures.c.line).where(of_head).order_by(log_cosignatures.c.witness)
    return tuple(bytes(line) for line in connection.execute(rows).scalars())


def _swap(connection: Connection, old: Head, **values: object) -> None:
    """Change the head's row if it is still `old` and open: the one statement that decides."""
    still = (log_head.c.size == old.size) & (log_head.c.root == old.root)
    swap = update(log_head).where(still, log_head.c.closed.is_(None)).values(**values)
    if connection.execute(swap).rowcount != 1:
        raise Overtaken
