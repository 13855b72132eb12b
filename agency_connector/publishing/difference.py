"""The second half of a sync: what was staged against what is published, into the outbox."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeVar

from agency_connector.evaluation.tokeniser import LARGEST_BATCH, Tokeniser
from agency_connector.publishing import staging
from agency_connector.publishing.flagging import Flagging
from agency_connector.publishing.lease import Lease
from agency_connector.publishing.outbox import Outbox
from agency_connector.publishing.reading import KEYS_TOO_COMMON, WRONG, ToMend
from agency_connector.publishing.staging import Subject
from agency_connector.publishing.storage import Put
from foundation.database import Database
from foundation.operator import OperatorError
from protocol.encoding import b64u_encode
from schemas.flags import MAX_BATCH_ITEMS, BatchKind, Flag, Withdrawal

T = TypeVar("T")

SUBJECTS_PER_STEP: Final = 500
FEW_WITHDRAWALS: Final = 5
"""So many withdrawals need no confirmation, whatever their share."""

_Wanted = tuple[Subject, tuple[bytes, ...], bytes]


@dataclass
class Difference:
    """How many subjects are new, changed and unchanged, and who has only keys that many share."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    too_common: int = 0


@dataclass
class _Pending:
    flags: list[Flag] = field(default_factory=list)
    subjects: list[Put] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Puts what changed into the outbox; `tell` is called for each record that is to be mended."""

    database: Database
    lease: Lease
    outbox: Outbox
    flagging: Flagging
    tokeniser: Tokeniser
    tell: Callable[[ToMend], None]

    def put_changed(self, found: Difference) -> None:
        """Evaluate the subjects that are new or changed and put their flags into the outbox.

        `found` is counted up on the way. Raises what the evaluator's client raises; what is in the
        outbox by then stays, and the next sync goes on.
        """
        with self.lease.write() as connection:
            any_common = staging.find_common_inputs(connection) > 0
        pending: dict[BatchKind, _Pending] = {"collection": _Pending(), "alteration": _Pending()}
        try:
            for wanted in _evaluations(self._wanted(found, any_common)):
                for subject, flag, put in self._flags(wanted):
                    kind: BatchKind = "alteration" if subject.stands else "collection"
                    pending[kind].flags.append(flag)
                    pending[kind].subjects.append(put)
                    if len(pending[kind].flags) == MAX_BATCH_ITEMS:
                        self._enqueue(kind, pending, found)
        except OperatorError:
            self._enqueue_rest(pending, found)
            raise
        self._enqueue_rest(pending, found)

    def _wanted(self, found: Difference, any_common: bool) -> Iterator[_Wanted]:
        """Yield the subjects whose flag is to be published, with its inputs and digest."""
        epoch = self.flagging.epoch
        for step in _in_steps(staging.subjects(self.database, epoch), SUBJECTS_PER_STEP):
            common: Collection[bytes] = ()
            if any_common:
                asked = [one for subject in step for one in (*subject.names, *subject.identifiers)]
                with self.database.read() as connection:
                    common = staging.common_of(connection, asked)
            without = []
            for subject in step:
                inputs = self.flagging.inputs(subject, common)
                if not inputs:
                    without.append(subject)
                    continue
                digest = self.flagging.digest(subject, inputs)
                if subject.stands and subject.digest == digest:
                    found.unchanged += 1
                else:
                    yield subject, inputs, digest
            if without:
                self._withhold(without)
                found.too_common += len(without)

    def _withhold(self, subjects: Sequence[Subject]) -> None:
        with self.lease.write() as connection:
            for subject in subjects:
                staging.withhold(connection, subject, KEYS_TOO_COMMON)
        for subject in subjects:
            self.tell(
                ToMend(
                    subject.source,
                    "",
                    subject.local_id,
                    KEYS_TOO_COMMON,
                    "every match key is shared by more than ten records: check that name and date "
                    "of birth are no stand-ins, and that local_id names a person and not a case",
                )
            )

    def _flags(self, wanted: list[_Wanted]) -> Iterator[tuple[Subject, Flag, Put]]:
        tokens = self.tokeniser.tokens_of([one for _, inputs, _ in wanted for one in inputs])
        start = 0
        for subject, inputs, digest in wanted:
            own = tokens[start : start + len(inputs)]
            start += len(inputs)
            put = Put(subject.source, subject.local_id, self.flagging.handle(subject), digest)
            yield subject, self.flagging.flag(subject, own), put

    def _enqueue_rest(self, pending: dict[BatchKind, _Pending], found: Difference) -> None:
        for kind in [kind for kind, made in pending.items() if made.flags]:
            self._enqueue(kind, pending, found)

    def _enqueue(
        self, kind: BatchKind, pending: dict[BatchKind, _Pending], found: Difference
    ) -> None:
        made = pending[kind]
        pending[kind] = _Pending()
        with self.lease.write() as connection:
            self.outbox.put_flags(connection, self.flagging.epoch, kind, made.flags, made.subjects)
        if kind == "collection":
            found.new += len(made.flags)
        else:
            found.changed += len(made.flags)


def put_withdrawals(
    lease: Lease, outbox: Outbox, epochs: Iterable[int], unread: Collection[str]
) -> Counter[str]:
    """Put the withdrawal of every flag that is over into the outbox; return how many by cause."""
    done: Counter[str] = Counter()
    for epoch in epochs:
        while True:
            with lease.write() as connection:
                flags = staging.over(connection, epoch, unread, WRONG, MAX_BATCH_ITEMS)
                if not flags:
                    break
                withdrawals = [
                    Withdrawal(
                        handle=b64u_encode(one.handle), cause="wrong" if one.wrong else "ended"
                    )
                    for one in flags
                ]
                outbox.put_withdrawals(connection, epoch, withdrawals)
            done.update(one.cause for one in withdrawals)
    return done


def needs_confirmation(withdrawals: int, published: int, share: float) -> bool:
    """Return whether so many withdrawals, of so many published flags, are above the set share."""
    return withdrawals > max(FEW_WITHDRAWALS, share * published)


def _evaluations(wanted: Iterator[_Wanted]) -> Iterator[list[_Wanted]]:
    """Yield as many subjects at a time as fill one batch of the evaluator."""
    batch: list[_Wanted] = []
    size = 0
    for one in wanted:
        if size + len(one[1]) > LARGEST_BATCH:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one[1])
    if batch:
        yield batch


def _in_steps(values: Iterator[T], size: int) -> Iterator[list[T]]:
    while step := list(islice(values, size)):
        yield step
