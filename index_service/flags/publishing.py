"""Taking a batch: checked as a whole, done as a whole, and done once however often it comes."""

import hashlib
from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection

from foundation.operator import counted
from foundation.problems import Problem
from index_service.agencies.desks import DeskRow
from index_service.audit.administration import administer
from index_service.audit.intake import record
from index_service.caller_statements import own_statement
from index_service.flags import marks, storage
from index_service.flags.storage import StoredFlag
from index_service.installation import Installation
from index_service.spans import CLOCK_SLACK_MS, DAY_MS
from index_service.standing import Standing
from protocol import canonical
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from protocol.entries import new_entry_salt
from protocol.publications import items_root
from protocol.signed_api import Caller
from schemas.agencies import Publication
from schemas.entries import Alteration, Collection, Entry, Erasure
from schemas.flags import (
    BatchTaken,
    Flag,
    FlagBatch,
    MarkTaken,
    PublicationMark,
    PublicationStatement,
    Withdrawal,
)


def take_batch(
    connection: Connection, index: Installation, caller: Caller, batch: FlagBatch
) -> bytes:
    """Put or withdraw the batch's flags; return the canonical bytes of a BatchTaken.

    The same batch again, at the same time or later, changes nothing and gets the same bytes.
    Raises Problem: 409 if other content came under this id before or a later batch has been
    taken, 422 if the statement does not fit the content.
    """
    now = index.clock()
    statement = _statement(index, caller, batch, now)
    batch_id = b64u_decode(statement.batch, 16)
    digest = hashlib.sha256(canonical.encode(batch)).digest()
    if not storage.begin_batch(connection, caller.agency, batch_id, digest, now):
        before, answer = storage.batch_answer(connection, caller.agency, batch_id)
        if before != digest:
            raise Problem(409, "batch-differs", "This batch id was used for other content.")
        return answer
    stands_at = storage.advance(connection, caller.agency, statement.sequence)
    if stands_at is not None:
        raise Problem(
            409,
            "old-sequence",
            f"A batch with sequence {stands_at} has been taken: this one is older. "
            "Publish again from the source.",
            sequence=stands_at,
        )
    standing = index.standing.read(connection)
    if statement.kind == "erasure":
        # From a closed epoch too, as long as flags stand in it. In one that is not known here,
        # after an older backup was restored, none do: refused, they would be sent for ever.
        done = _withdraw(connection, caller.agency, statement.epoch, batch.withdrawals)
    else:
        _require_live(standing, statement.epoch, now)
        latest = now + index.settings.rules.longest_flag_days * DAY_MS
        done = _put(connection, standing.desks, caller.agency, statement.epoch, batch.flags, latest)
    entry = record(connection, index.log, _entry(index, batch, statement, done, now))
    answer = canonical.encode(
        BatchTaken(
            batch=statement.batch,
            added=done["added"],
            changed=done["changed"],
            unchanged=done["unchanged"],
            withdrawn=done["withdrawn"],
            unknown=done["unknown"],
            capped=done["capped"],
            entry=entry.entry_text,
            receipt=entry.receipt,
        )
    )
    storage.finish_batch(connection, caller.agency, batch_id, answer)
    return answer


def take_mark(
    connection: Connection, index: Installation, caller: Caller, mark: PublicationMark
) -> MarkTaken:
    """Set how fresh the caller's publication is, or note that it has left an epoch.

    Raises Problem: 409 if it leaves an epoch in which it still has flags, 422 for a reading from
    the future or an epoch that is not live.
    """
    now = index.clock()
    standing = index.standing.read(connection)
    held = storage.count(connection, caller.agency, mark.epoch)
    if mark.state == "left":
        if held:
            raise Problem(
                409,
                "flags-remain",
                f"In epoch {mark.epoch} there is still {counted(held, 'flag')}: withdraw all.",
            )
        marks.remove(connection, caller.agency, mark.epoch)
    else:
        if mark.read_at > now + CLOCK_SLACK_MS:
            raise Problem(422, "from-the-future", "The reading is from the future: set the clock.")
        _require_live(standing, mark.epoch, now)
        publication = Publication(epoch=mark.epoch, state=mark.state, read_at=mark.read_at)
        marks.put(connection, caller.agency, publication)
    stood = {each.epoch: each.state for each in standing.published.get(caller.agency, ())}
    # A fresher reading says nothing new of who is searched; a pause, its end, and leaving do.
    if stood.get(mark.epoch, "left") != mark.state:
        note = f"epoch {mark.epoch} {mark.state}"
        administer(connection, index, "publication-marked", caller.agency, note=note)
    return MarkTaken(epoch=mark.epoch, state=mark.state, read_at=mark.read_at, flags=held)


def _require_live(standing: Standing, epoch: int, now: int) -> None:
    if epoch in standing.live_epochs(now):
        return
    told = standing.epochs.get(epoch)
    if told is None:
        said = f"No epoch {epoch} has been opened at this index: ask who opened it to do so again"
    elif now < told.opens_at:
        said = f"Epoch {epoch} has not begun yet: wait until it has"
    else:
        said = f"Epoch {epoch} has closed: publish in a newer one (`agency-connector epoch list`)"
    raise Problem(422, "epoch-not-live", f"{said}.")


def _statement(
    index: Installation, caller: Caller, batch: FlagBatch, now: int
) -> PublicationStatement:
    statement = own_statement(index, caller, batch.statement, PublicationStatement)
    if statement.signed_at > now + CLOCK_SLACK_MS:
        raise Problem(422, "from-the-future", "The statement is from the future: set the clock.")
    putting = statement.kind != "erasure"
    items = batch.flags if putting else batch.withdrawals
    if len(items) != statement.count or len(batch.flags) + len(batch.withdrawals) != len(items):
        raise _not_as_stated("kind or count")
    if b64u_encode(items_root(items)) != statement.root:
        raise _not_as_stated("root")
    handles = {item.handle for item in items}
    if len(handles) != len(items):
        raise Problem(422, "handle-twice", "A handle stands twice in this batch.")
    return statement


def _not_as_stated(what: str) -> Problem:
    return Problem(422, "not-as-stated", f"The statement's {what} is not that of the batch.")


def _put(
    connection: Connection,
    desks: Mapping[tuple[str, str], DeskRow],
    agency: str,
    epoch: int,
    put: tuple[Flag, ...],
    latest: int,
) -> Counter[str]:
    for desk in sorted({flag.desk for flag in put}):
        row = desks.get((agency, desk))
        if row is None or row.document.withdrawn:
            raise Problem(
                422, "no-such-desk", f"The desk {desk} is not signed: run `desk sign` first."
            )
    wanted = [_stored(flag, latest) for flag in put]
    present = storage.by_handle(connection, agency, epoch, [flag.handle for flag in wanted])
    new = [flag for flag in wanted if flag.handle not in present]
    pairs = [(present[flag.handle], flag) for flag in wanted if flag.handle in present]
    changed = [(old, flag) for old, flag in pairs if not old.says_the_same(flag)]
    storage.add(connection, agency, epoch, new)
    storage.change(connection, changed)
    return Counter(
        added=len(new),
        changed=len(changed),
        unchanged=len(pairs) - len(changed),
        capped=sum(flag.ends_at > latest for flag in put),
    )


def _stored(flag: Flag, latest: int) -> StoredFlag:
    try:
        tokens = b64u_decode(flag.tokens, 256)
        handle = b64u_decode(flag.handle, 16)
    except EncodingError as error:
        raise Problem(422, "schema", f"A flag's handle or tokens: {error}.") from error
    parts = storage.split(tokens)
    if parts != sorted(set(parts)):
        raise Problem(
            422, "tokens-not-ascending", "A flag's tokens must differ and stand in ascending order."
        )
    return StoredFlag(0, handle, tokens, flag.desk, min(flag.ends_at, latest))


def _withdraw(
    connection: Connection, agency: str, epoch: int, withdrawals: tuple[Withdrawal, ...]
) -> Counter[str]:
    handles = [b64u_decode(withdrawal.handle, 16) for withdrawal in withdrawals]
    present = storage.by_handle(connection, agency, epoch, handles)
    storage.remove(connection, tuple(present.values()))
    return Counter(withdrawn=len(present), unknown=len(handles) - len(present))


def _entry(
    index: Installation,
    batch: FlagBatch,
    statement: PublicationStatement,
    done: Counter[str],
    now: int,
) -> Entry:
    if statement.kind == "erasure":
        return Erasure(
            v=1,
            partnership=index.partnership,
            at=now,
            salt=new_entry_salt(),
            statement=batch.statement,
            agency=statement.agency,
            count=done["withdrawn"],
            root=statement.root,
        )
    kind = Collection if statement.kind == "collection" else Alteration
    return kind(
        v=1,
        partnership=index.partnership,
        at=now,
        salt=new_entry_salt(),
        statement=batch.statement,
        added=done["added"],
        changed=done["changed"],
    )
