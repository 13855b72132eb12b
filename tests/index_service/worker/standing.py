"""Flags that stand in an index and have ended, put there without a signed batch for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from foundation.database import Database
from index_service.audit.intake import intake
from index_service.flags.storage import StoredFlag, add, advance, flag_tokens, flags
from protocol.encoding import b64u_encode
from protocol.entries import read_entry
from protocol.publications import items_root
from schemas.entries import Erasure
from schemas.flags import MAX_BATCH_ITEMS, Withdrawal


def stand(
    database: Database, agency: str, count: int, ends_at: int, *, epoch: int = 1, first: int = 0
) -> list[bytes]:
    """Put `count` flags with two tokens each; return their handles in ascending order."""
    handles = [number.to_bytes(16, "big") for number in range(first, first + count)]
    with database.write() as connection:
        advance(connection, agency, 1)
        for start in range(0, count, 1000):
            some = [
                StoredFlag(0, handle, _tokens(epoch, handle), "front", ends_at)
                for handle in handles[start : start + 1000]
            ]
            add(connection, agency, epoch, some)
    return handles


def _tokens(epoch: int, handle: bytes) -> bytes:
    return b"".join(bytes([epoch, number]) + handle[2:] for number in range(2))


def left(database: Database) -> tuple[int, int]:
    """How many flags and token rows there are."""
    with database.read() as connection:
        return tuple(  # type: ignore[return-value]  # two tables, two numbers
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (flags, flag_tokens)
        )


def erasures(database: Database) -> dict[str, list[tuple[int, str]]]:
    """Each agency's erasures without a statement, as (count, root), in the order of the intake."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    with database.read() as connection:
        for entry in connection.execute(select(intake.c.entry).order_by(intake.c.id)).scalars():
            read = read_entry(entry)
            if isinstance(read, Erasure) and read.statement is None:
                found[read.agency].append((read.count, read.root))
    return dict(found)


def expected(handles: Mapping[str, Sequence[bytes]]) -> dict[str, list[tuple[int, str]]]:
    """What `erasures` is if each handle is in one erasure, in ascending order, 1,000 to a batch."""
    return {
        agency: [
            _erasure(ascending[start : start + MAX_BATCH_ITEMS])
            for start in range(0, len(ascending), MAX_BATCH_ITEMS)
        ]
        for agency, ascending in handles.items()
    }


def _erasure(handles: Sequence[bytes]) -> tuple[int, str]:
    items = tuple(Withdrawal(handle=b64u_encode(handle), cause="ended") for handle in handles)
    return len(items), b64u_encode(items_root(items))
