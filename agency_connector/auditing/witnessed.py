"""Who countersigned what a reading is proved against, and that it is of one history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agency_connector.auditing.asking import Answered, Reader
from agency_connector.receipts import checkpoints
from agency_connector.receipts.checkpoints import Published
from agency_connector.transport.log import LogClient
from agency_connector.trust.anchors import Anchors
from agency_connector.witness.checking import Contradiction, Unproven, prove
from foundation.operator import PlainError
from protocol.log.errors import BadTile, LogError
from protocol.log.proofs import Head
from protocol.log.tiles import Tile, tile_in


@dataclass(frozen=True, slots=True)
class Measured:
    """What is to be said of who countersigned, and what is wrong with the checkpoints."""

    said: str
    alarms: tuple[str, ...] = ()


def measure(reader: Reader, pages: Sequence[Answered]) -> Measured:
    """Hold the checkpoints of an answer's pages to the witnesses, and to what was seen before.

    The log's tiles have to show that all of them, those that this connector has seen and the one
    that enough witnesses countersigned are of one history. A log that cannot be read now is said.
    """
    anchors, heads = reader.anchors, [page.head for page in pages]
    client = checkpoints.client_of(reader.installation, anchors)
    try:
        newest = checkpoints.newest(client, anchors)
        enough = _greatest(client, anchors, newest, pages)
        known = {*heads, *reader.seen(), *([enough.head] if enough else [])}
        fault = _fault(client, sorted(known, key=lambda head: head.size), newest.head)
    except (Unproven, LogError) as error:
        return Measured("Who countersigned this is not shown.", (str(error),))
    except PlainError as error:
        return Measured(f"Whether partners countersigned this could not be found out: {error}.")
    finally:
        client.close()
    return Measured(_said(enough, newest, max(head.size for head in heads)), fault)


def _greatest(
    client: LogClient, anchors: Anchors, newest: Published, pages: Sequence[Answered]
) -> Published | None:
    """Return the greatest checkpoint that enough countersigned, of those that were shown."""
    shown = [checkpoints.opened(page.answer.checkpoint.encode(), anchors) for page in pages[-1:]]
    found = checkpoints.newest_enough(client, anchors, newest)
    enough = [one for one in (*shown, found) if one is not None and one.enough]
    return max(enough, key=lambda one: one.head.size, default=None)


def _fault(client: LogClient, heads: Sequence[Head], newest: Head) -> tuple[str, ...]:
    """Return why these heads, by size, cannot be of one history; nothing if they are."""
    tiles = _Tiles(client, max(newest.size, heads[-1].size))
    for before, after in pairwise(heads):
        if isinstance(prove(tiles, before, after), Contradiction):
            said = (
                f"the log has signed {after.size} entries that do not continue the {before.size} "
                "it had signed before: it shows two histories"
            )
            return (said,)
    return ()


def _said(enough: Published | None, newest: Published, size: int) -> str:
    if not newest.witnesses:
        return "The log alone signed this: no witness is agreed."
    if enough is None:
        return (
            "The log alone signed this: too few witnesses have countersigned any of it, so nothing "
            "shows that partners see the same log."
        )
    who = enough.countersigned()
    if enough.head.size >= size:
        return f"All of it stands in the log of a checkpoint that is {who}."
    return (
        f"Its first {enough.head.size} entries are {who}. What came behind them the log alone has "
        "signed so far."
    )


@dataclass(slots=True)
class _Tiles:
    """The log's tiles, each fetched once as wide as it is at `size`, and cut as it is asked for."""

    client: LogClient
    size: int
    fetched: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def read(self, tile: Tile) -> bytes:
        place = tile.level, tile.index
        if place not in self.fetched:
            self.fetched[place] = self.client.read(tile_in(self.size, *place))
        content = self.fetched[place][: tile.size]
        if len(content) != tile.size:
            raise BadTile(f"{tile.path} has {tile.size} bytes; this has {len(content)}.")
        return content
