"""Verifying the whole log from outside: every tile to the signed root, and every entry of ours.

In constant memory, tile by tile, from nothing but what the index serves, the keys and the trust
file that were handed over, and what this connector keeps itself. The first bad place is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection

from agency_connector.auditing.storage import ReadingJournal
from agency_connector.installation import Installation
from agency_connector.receipts import checkpoints, following, storage
from agency_connector.receipts.checkpoints import Published
from agency_connector.receipts.own_entries import check_own_entries
from agency_connector.receipts.storage import Receipt
from agency_connector.transport.log import LogClient
from agency_connector.trust import storage as trust
from agency_connector.trust.anchors import Anchors
from agency_connector.witness import storage as witness
from foundation.operator import PlainError
from protocol import verification
from protocol.log.bundles import unpack
from protocol.log.compact_range import CompactRange
from protocol.log.errors import LogError
from protocol.log.proofs import Head
from protocol.log.tiles import WIDTH, Bundle, Tile, tile_in
from protocol.merkle import HASH_BYTES, leaf_hash, tree_root
from protocol.verification import Verification


class Fault(PlainError):
    """The first bad place of the log; the message names it and says what is wrong there."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What was found whole.

    `checkpoint` is what everything leads to; `tiles` were compared; the first `entries` were read,
    which only an auditor may, None for the others, and only those that two people have scanned in
    the last day. `own` entries of ours stand where they should, `waiting`
    have no place in it yet. `heads` are earlier heads of this log, that this connector had read or
    countersigned, of which the log is the continuation; `longest` is the size of the greatest.
    """

    checkpoint: Published
    tiles: int
    entries: int | None
    own: int
    waiting: int
    heads: int
    longest: int


def verify(installation: Installation) -> Whole:
    """Verify the whole log as the index serves it now.

    Raises Fault at the first bad place, and PlainError if the log cannot be read.
    """
    anchors = installation.anchors()
    client = checkpoints.client_of(installation, anchors)
    try:
        checkpoint = checkpoints.newest(client, anchors)
        enough = checkpoints.newest_enough(client, anchors, checkpoint) or checkpoint
        return _verify(installation, anchors, client, enough)
    except LogError as error:
        raise Fault(str(error)) from error
    finally:
        client.close()


def _verify(
    installation: Installation, anchors: Anchors, client: LogClient, checkpoint: Published
) -> Whole:
    size = checkpoint.head.size
    with installation.database.read() as connection:
        heads = _heads(connection, anchors)
        entries = _Entries(client, anchors, _may_read(installation, connection))
        own = _Own(storage.placed(connection, anchors.log_name))
        tree, tiles = CompactRange(), _Tiles(client, size)
        for first, leaves in following.leaves(client, 0, size):
            entries.read(first // WIDTH, leaves)
            for leaf in leaves:
                own.require(tree.size, leaf)
                tree.append(leaf)
                tiles.add(leaf)
                if tree.size in heads:
                    _require_same(heads[tree.size], tree.head())
        tiles.finish()
    if tree.head() != checkpoint.head:
        raise Fault(f"checkpoint: its root is not that of the {size} leaves that are served")
    beyond = [seen for seen in heads if seen > size]
    if beyond:
        raise Fault(f"entry {size}: it is missing; this connector has seen {max(beyond)} entries")
    counted = check_own_entries(installation, anchors)
    return Whole(
        checkpoint=checkpoint,
        tiles=tiles.count,
        entries=entries.count,
        own=own.found,
        waiting=counted - own.found,
        heads=len(heads),
        longest=max(heads, default=0),
    )


def _heads(connection: Connection, anchors: Anchors) -> dict[int, Head]:
    heads = storage.heads_after(connection, anchors.log_name, 0)
    cosigned = witness.last(connection, anchors.log_name)
    if cosigned is not None:
        known = heads.setdefault(cosigned.head.size, cosigned.head)
        _require_same(known, cosigned.head)
    return heads


def _require_same(seen: Head, now: Head) -> None:
    if seen != now:
        raise Fault(
            f"the first {seen.size} entries: this connector has read or countersigned another "
            "history of this log than the one that is served now"
        )


def _may_read(installation: Installation, connection: Connection) -> int | None:
    """Return how many of the first entries the index lets this agency read; None if it is none."""
    if trust.require_enrolment(connection).role != "auditor":
        return None
    return ReadingJournal(installation).scanned_to(installation.clock())


class _Entries:
    """The entries themselves, held against their leaves, and what is signed in them checked.

    The first `upto` are read; None for an agency that may read none.
    """

    def __init__(self, client: LogClient, anchors: Anchors, upto: int | None) -> None:
        self._client = client
        self._upto = upto or 0
        self._pass = Verification(
            checkpoints.log_key(anchors), anchors.partnership, CompactRange(), {}
        )
        self.count = None if upto is None else 0

    def read(self, index: int, leaves: list[bytes]) -> None:
        """Check the entries under the leaves of a whole tile, as far as they may be read."""
        width = min(len(leaves), self._upto - index * WIDTH)
        if self.count is None or width <= 0:
            return
        bundle = Bundle(index, width)
        entries = unpack(bundle, self._client.entries(bundle))
        for number, (entry, leaf) in enumerate(zip(entries, leaves, strict=False), bundle.first):
            if leaf_hash(entry) != leaf:
                raise Fault(f"entry {number}: its bytes are not what its leaf hash was made of")
            try:
                self._pass.enter(entry, leaf)
            except verification.Fault as error:
                raise Fault(str(error)) from error
        self.count += width


class _Own:
    """Our entries in the order of their numbers, held against the leaves as they pass."""

    def __init__(self, receipts: Iterator[Receipt]) -> None:
        self._receipts = receipts
        self._next = next(receipts, None)
        self.found = 0

    def require(self, number: int, leaf: bytes) -> None:
        while self._next is not None and self._next.position == number:
            if self._next.leaf != leaf:
                raise Fault(
                    f"entry {number}: it is another than the one of {self._next.kind} "
                    f"{self._next.reference}, for which this connector has the receipt"
                )
            self.found += 1
            self._next = next(self._receipts, None)


@dataclass(slots=True)
class _Tiles:
    """Compares the hashes above the leaves with those that are served, each as it is made."""

    client: LogClient
    size: int
    levels: list[list[bytes]] = field(default_factory=list)
    full: list[int] = field(default_factory=list)
    served: dict[int, bytes] = field(default_factory=dict)
    count: int = 0

    def add(self, leaf: bytes) -> None:
        level, hashed = 0, leaf
        while True:
            if level == len(self.levels):
                self.levels.append([])
                self.full.append(0)
            if level:  # the leaves came from the tiles of level 0 themselves
                self._compare(level, len(self.levels[level]), hashed)
            self.levels[level].append(hashed)
            if len(self.levels[level]) < WIDTH:
                return
            hashed = tree_root(self.levels[level])
            self.levels[level] = []
            self.full[level] += 1
            self.count += 1
            level += 1

    def finish(self) -> None:
        self.count += sum(1 for hashes in self.levels if hashes)

    def _compare(self, level: int, at: int, hashed: bytes) -> None:
        tile = tile_in(self.size, level, self.full[level])
        if at == 0:
            self.served[level] = self.client.read(tile)
            if len(self.served[level]) != tile.size:
                raise Fault(f"{tile.path}: it has {len(self.served[level])} bytes")
        if self.served[level][at * HASH_BYTES : (at + 1) * HASH_BYTES] != hashed:
            below = Tile(level - 1, tile.index * WIDTH + at).path
            raise Fault(f"{tile.path}: its hash {at} is not what {below} makes")
