"""The end of flags: what has ended is taken out of the index, and the log says so."""

from typing import Final

from sqlalchemy import Connection, select

from index_service.audit.intake import record
from index_service.flags.storage import StoredFlag, flags, publishers, remove
from index_service.installation import Installation
from index_service.worker.doing import Done
from protocol.encoding import b64u_encode
from protocol.entries import new_entry_salt
from protocol.publications import items_root
from schemas.entries import Erasure
from schemas.flags import MAX_BATCH_ITEMS, Withdrawal

BATCH: Final = MAX_BATCH_ITEMS


def end_flags(connection: Connection, index: Installation, now: int) -> Done:
    """Remove at most BATCH flags of one agency and epoch that have ended by `now`.

    They are recorded as one erasure without a statement. Its root is that of a withdrawal of the
    same flags: over `Withdrawal(handle, "ended")`, in ascending order of the handles' bytes, so
    an agency can check it against its own list.
    """
    ended = select(flags.c.agency, flags.c.epoch).where(flags.c.ends_at <= now)
    first = connection.execute(ended.order_by(flags.c.ends_at).limit(1)).one_or_none()
    if first is None:
        return Done(0, more=False)
    # The row that a batch of the agency locks first: a flag that is being moved on at this moment
    # is seen as it is before or after, never taken away in between.
    connection.execute(
        select(publishers.c.sequence).where(publishers.c.agency == first.agency).with_for_update()
    )
    rows = connection.execute(
        select(flags)
        .where(flags.c.agency == first.agency, flags.c.epoch == first.epoch, flags.c.ends_at <= now)
        .order_by(flags.c.handle)
        .limit(BATCH)
    ).all()
    if not rows:
        return Done(0, more=False)
    remove(
        connection,
        [StoredFlag(row.id, row.handle, row.tokens, row.desk, row.ends_at) for row in rows],
    )
    gone = tuple(Withdrawal(handle=b64u_encode(row.handle), cause="ended") for row in rows)
    record(
        connection,
        index.log,
        Erasure(
            v=1,
            partnership=index.partnership,
            at=now,
            salt=new_entry_salt(),
            statement=None,
            agency=first.agency,
            count=len(gone),
            root=b64u_encode(items_root(gone)),
        ),
    )
    return Done(len(gone), more=True)
