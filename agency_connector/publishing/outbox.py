"""The outbox: batches are made and signed once, and delivered in order, byte for byte."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import Connection

from agency_connector.publishing import storage
from agency_connector.publishing.lease import Lease
from agency_connector.publishing.storage import Batch, Put
from agency_connector.receipts import storage as due
from agency_connector.transport import Refused
from agency_connector.trust.anchors import Anchors
from foundation.clock import Clock
from foundation.operator import OperatorError, counted
from protocol import canonical, documents, receipts
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import read_entry
from protocol.keys import SigningKey
from protocol.publications import items_root
from schemas.entries import Alteration, Collection, Erasure
from schemas.flags import (
    BatchKind,
    BatchTaken,
    Flag,
    FlagBatch,
    PublicationStatement,
    Withdrawal,
)
from schemas.operations import PUBLISH, Operation

BATCH_BYTES: Final = 16
_OLD: Final = "old-sequence"
_ENTRY_OF: Final[dict[BatchKind, type[Collection | Alteration | Erasure]]] = {
    "collection": Collection,
    "alteration": Alteration,
    "erasure": Erasure,
}
# The batch itself is at fault: sending it again would be refused again.
_UNACCEPTABLE: Final = (409, 413, 422)


class Index(Protocol):
    """The index as the transport reaches it."""

    def call(self, operation: Operation, message: FlagBatch) -> BatchTaken:
        """Return the answer; raise OperatorError if none can be had."""


@dataclass(slots=True)
class Delivery:
    """What came of one delivery.

    `delivered`: batches the index has taken. `refused`: a line for each batch that was put back.
    `stopped`: why the rest waits, or empty. `behind`: the index knows later batches of ours than
    this database, which is an older one; everything has to be published anew.
    """

    delivered: int = 0
    refused: list[str] = field(default_factory=list)
    stopped: str = ""
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Outbox:
    """The outbox of one run."""

    lease: Lease
    anchors: Anchors
    key: SigningKey
    clock: Clock

    def put_flags(
        self,
        connection: Connection,
        epoch: int,
        kind: BatchKind,
        flags: Sequence[Flag],
        subjects: Sequence[Put],
    ) -> None:
        """Make a batch of `flags`, 1 to 1,000, and note in the same transaction what it says."""
        batch = self._enqueue(connection, epoch, kind, flags=tuple(flags))
        storage.put(connection, epoch, batch, subjects)

    def put_withdrawals(
        self, connection: Connection, epoch: int, withdrawals: Sequence[Withdrawal]
    ) -> None:
        """Make a batch of 1 to 1,000 withdrawals, and note in the same transaction what it says."""
        batch = self._enqueue(connection, epoch, "erasure", withdrawals=tuple(withdrawals))
        handles = [b64u_decode(one.handle) for one in withdrawals]
        storage.withdraw(connection, batch, handles)

    def deliver(self, index: Index) -> Delivery:
        """Deliver what waits, in order, until the index stops answering or refuses us."""
        result = Delivery()
        while (batch := self._next()) is not None:
            try:
                taken = index.call(PUBLISH, canonical.decode(batch.body, FlagBatch))
                entry = self._checked(batch, taken)
            except Refused as refusal:
                if refusal.code == _OLD:
                    self._start_after(refusal.sequence or 0)
                    result.behind = True
                    return result
                if refusal.status not in _UNACCEPTABLE:
                    result.stopped = str(refusal)
                    return result
                self._put_back(batch, refusal, result)
                continue
            except OperatorError as error:
                result.stopped = str(error)
                return result
            receipt = canonical.encode(taken.receipt)
            with self.lease.write() as connection:
                storage.delivered(connection, batch, entry, receipt, self.clock())
                due.expect(connection, "publication", taken.batch, taken.receipt)
            result.delivered += 1
        return result

    def _enqueue(
        self,
        connection: Connection,
        epoch: int,
        kind: BatchKind,
        flags: tuple[Flag, ...] = (),
        withdrawals: tuple[Withdrawal, ...] = (),
    ) -> bytes:
        batch = secrets.token_bytes(BATCH_BYTES)
        sequence = storage.last_sequence(connection) + 1
        items = flags or withdrawals
        statement = PublicationStatement(
            partnership=self.anchors.partnership,
            agency=self.anchors.agency,
            epoch=epoch,
            batch=b64u_encode(batch),
            sequence=sequence,
            kind=kind,
            count=len(items),
            root=b64u_encode(items_root(items)),
            signed_at=self.clock(),
        )
        body = canonical.encode(
            FlagBatch(
                statement=documents.sign(statement, self.key), flags=flags, withdrawals=withdrawals
            )
        )
        made = Batch(sequence, batch, epoch, kind, len(items), body)
        storage.enqueue(connection, made, self.lease.run, self.clock())
        storage.set_sequence(connection, sequence)
        return batch

    def _next(self) -> Batch | None:
        with self.lease.write() as connection:
            return storage.next_batch(connection)

    def _checked(self, batch: Batch, taken: BatchTaken) -> bytes:
        """Return the entry of the log after checking that it, and its receipt, are for `batch`."""
        sent = canonical.decode(batch.body, FlagBatch)
        try:
            entry = b64u_decode(taken.entry)
            receipts.check(taken.receipt, entry, self.anchors.log_name, self.anchors.log_key)
            told = read_entry(entry)
            right = (
                isinstance(told, Collection | Alteration | Erasure)
                and type(told) is _ENTRY_OF[batch.kind]
                and told.statement == sent.statement
                and taken.batch == b64u_encode(batch.batch)
            )
        except ValueError:
            right = False
        if not right:
            raise OperatorError(
                f"the index's receipt for batch {batch.sequence} does not show that it was "
                "recorded, so the batch stays in the outbox: tell the steward"
            )
        return entry

    def _put_back(self, batch: Batch, refusal: Refused, result: Delivery) -> None:
        with self.lease.write() as connection:
            storage.put_back(connection, batch)
        were = "was put back and comes" if batch.size == 1 else "were put back and come"
        result.refused.append(
            f"{refusal} ({counted(batch.size, 'flag')} {were} with the next sync)"
        )

    def _start_after(self, sequence: int) -> None:
        """Publish everything anew, with sequences after the one that the index stands at."""
        with self.lease.write() as connection:
            storage.put_back_all(connection)
            storage.set_sequence(connection, max(sequence, storage.last_sequence(connection)))


def put_back_run(lease: Lease) -> int:
    """Put back the flags that this run made and that have not been delivered; return how many."""
    with lease.write() as connection:
        batches = storage.waiting_of_run(connection, lease.run)
        for batch in batches:
            storage.put_back(connection, batch)
    return sum(batch.size for batch in batches)
