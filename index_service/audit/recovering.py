"""Recovery: entries that an older database lacks, taken back from the mirror.

Only entries that make exactly the head that may have been signed are taken, and they get the very
numbers they had. What the acts did beside their entries (flags, registrations, side records) is not
in the mirror: `sync --all` repairs flags, and `verify` counts the side records that are lost.
"""

from sqlalchemy import Connection

from foundation import logs
from index_service.audit import storage
from index_service.audit.administration import administer
from index_service.audit.mirror import Mirror
from index_service.audit.storage import DatabaseTiles, Unnumbered
from index_service.installation import Installation
from protocol.log.errors import BadBundle
from protocol.log.proofs import Head
from protocol.log.tile_tree import TileHashes
from protocol.log.tile_walk import range_before
from protocol.merkle import leaf_hash
from protocol.testimony import recovered_note


def next_rows(
    connection: Connection,
    index: Installation,
    mirror: Mirror,
    head: Head,
    signed: Head,
    portion: int,
) -> list[Unnumbered]:
    """Return the next rows after `head` on the way to `signed`, at most `portion`, or none.

    Each is in the intake when this returns. None are returned unless all entries from `head` to
    `signed` are in the mirror and make the root of `signed`; that is checked for each portion.
    """
    if mirror.written().size < signed.size:
        return []
    tree = range_before(TileHashes(DatabaseTiles(connection), head.size), head.size)
    try:
        tree.extend(leaf_hash(entry) for entry in mirror.entries(head.size, signed.size))
        if tree.head() != signed:
            return []
        end = min(head.size + portion, signed.size)
        entries = list(mirror.entries(head.size, end))
    except BadBundle:
        return []
    rows = storage.take_back(connection, entries)
    note = recovered_note(head.size, end - 1)
    administer(connection, index, "log-recovered", None, note=note)
    logs.get_logger().warning("log.recovered", rows=len(rows), size=end)
    return rows
