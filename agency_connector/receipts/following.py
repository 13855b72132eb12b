"""Following the log: its new leaves are read, must make the root it signed, and ours are found.

The place of an entry is found by its leaf hash among all leaves, which are public: the index is
not asked where an entry of ours is, and so cannot tell which one is looked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agency_connector.installation import Installation
from agency_connector.receipts import checkpoints, overdue, proofs, storage
from agency_connector.receipts.checkpoints import Published
from agency_connector.receipts.overdue import SLACK_MS
from agency_connector.transport.log import LogClient
from agency_connector.trust.anchors import Anchors
from foundation.operator import PlainError
from protocol.log.errors import BadTile, LogError
from protocol.log.proofs import Head
from protocol.log.tile_tree import split
from protocol.log.tiles import WIDTH, tile_in

_PHONE: Final = "phone another member and the steward"


class LogLies(PlainError):
    """What the log serves contradicts what it signed, or what it served before."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of reading the log.

    `newest` is its newest checkpoint, `enough` the newest that enough countersigned, if any;
    `verified` receipts were verified now, and `alarmed` ones became an alarm.
    """

    newest: Published
    enough: Published | None
    verified: int
    alarmed: int


def follow(installation: Installation) -> Followed:
    """Read what is new of the log, verify the receipts whose entries stand in it, raise alarms.

    Raises PlainError if the log cannot be read, and LogLies if it lies; both are alarms too, the
    first only once a receipt is past its deadline.
    """
    anchors = installation.anchors()
    client = checkpoints.client_of(installation, anchors)
    try:
        newest = checkpoints.newest(client, anchors)
        enough = checkpoints.newest_enough(client, anchors, newest)
        _read(installation, anchors, client, newest, enough)
        if overdue.missing(installation, anchors):
            # What is said to be missing is looked for in the whole log before anybody is alarmed.
            _read(installation, anchors, client, newest, enough, from_start=True)
        verified = proofs.prove(installation, anchors, client, enough)
    except LogLies as told:
        overdue.raise_lie(installation, anchors, str(told))
        raise
    except LogError as error:
        lie = LogLies(f"the log serves what it cannot hold. {error} {_PHONE.capitalize()}")
        overdue.raise_lie(installation, anchors, str(lie))
        raise lie from error
    except PlainError:
        overdue.raise_unreadable(installation, anchors)
        raise
    finally:
        client.close()
    alarmed = overdue.raise_overdue(installation, anchors, newest.head.size)
    return Followed(newest, enough, verified, alarmed)


def leaves(client: LogClient, since: int, size: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the leaf hashes from number `since` to `size` - 1, tile by tile, with the first's.

    Raises BadTile for a tile that is missing or cut off; whether they are the log's is for the
    caller to find out, who makes the root of them.
    """
    for index in range(since // WIDTH, (size + WIDTH - 1) // WIDTH):
        tile = tile_in(size, 0, index)
        content = client.read(tile)
        if len(content) != tile.size:
            raise BadTile(f"{tile.path} has {tile.size} bytes; this has {len(content)}.")
        first = max(since, index * WIDTH)
        yield first, split(content)[first - index * WIDTH :]


def _read(
    installation: Installation,
    anchors: Anchors,
    client: LogClient,
    newest: Published,
    enough: Published | None,
    *,
    from_start: bool = False,
) -> None:
    """Read the log up to `newest`, and keep where our entries are and how far it was read.

    On the way it must have been what it was at every head that was read before, and at `enough`.
    """
    log, now = anchors.log_name, installation.clock()
    with installation.database.read() as connection:
        waiting = storage.unfound(connection, log)
        recorded = [receipt.recorded_at for receipt in waiting if receipt.alarmed_at is None]
        before = 0 if from_start else min([now, *recorded]) - SLACK_MS
        read = storage.mark_before(connection, log, before)
        heads = storage.heads_after(connection, log, read.size)
    _require_forward(newest.head, read.head(), heads)
    if enough is not None and enough.head != newest.head:
        # The log may have grown between the fetches: then this one is the greater and waits.
        heads.setdefault(enough.head.size, enough.head)
    wanted = {receipt.leaf for receipt in waiting}
    positions: dict[bytes, int] = {}
    for first, hashes in leaves(client, read.size, newest.head.size):
        positions.update(
            (leaf, number) for number, leaf in enumerate(hashes, start=first) if leaf in wanted
        )
        for leaf in hashes:
            read.append(leaf)
            if read.size in heads and read.head() != heads[read.size]:
                raise LogLies(
                    f"the log shows two pasts: its first {read.size} entries are not those that "
                    f"this connector had read, or that partners countersigned: {_PHONE}"
                )
    if read.head() != newest.head:
        raise LogLies(
            f"the {newest.head.size} leaves that the log serves do not make the root that it "
            f"signed: it serves wrong tiles, or has changed its past: {_PHONE}"
        )
    with installation.database.write() as connection:
        storage.place(connection, positions)
        storage.mark(connection, log, read, now)


def _require_forward(newest: Head, start: Head, heads: dict[int, Head]) -> None:
    seen = max([start.size, *heads])
    if newest.size < seen:
        raise LogLies(
            f"the log shows a checkpoint of {newest.size} entries, and this connector has read "
            f"{seen}: it went back, or something in between keeps an old checkpoint: {_PHONE}"
        )
