"""A sync: read every source, publish what changed, withdraw what is over, and say how fresh it is.

What can go wrong at one place stops that place alone; the rest goes on, and each trouble is one
line of the report. docs/decisions/publishing.md says why each step is as it is.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from agency_connector.evaluation.tokeniser import EvaluatorDishonest, Tokeniser
from agency_connector.installation import HANDLES, PADDING, Installation
from agency_connector.matching.scheme import SCHEMES
from agency_connector.publishing import outbox as outbox_of
from agency_connector.publishing import staging, storage
from agency_connector.publishing.difference import (
    Difference,
    Publisher,
    needs_confirmation,
    put_withdrawals,
)
from agency_connector.publishing.flagging import Flagging
from agency_connector.publishing.judging import desks_at_index
from agency_connector.publishing.lease import Lease, held
from agency_connector.publishing.marks import Marks
from agency_connector.publishing.outbox import Delivery, Outbox
from agency_connector.publishing.reading import Reader, SourceReading, ToMend, local_day
from agency_connector.transport import SignedClient
from agency_connector.trust.anchors import Anchors, EpochAnchor
from foundation.operator import OperatorError, counted


@dataclass
class SyncReport:
    """What a sync did. `troubles` are lines that each ask somebody to do something; `notices` not.

    `held`: withdrawals that wait for `--confirm-withdrawals` with this very number. `waiting`:
    batches left in the outbox. `codes`: those of the troubles. `marked`: whether the reading was
    complete and is delivered.
    """

    epoch: int
    sources: list[SourceReading] = field(default_factory=list)
    difference: Difference = field(default_factory=Difference)
    withdrawn: Counter[str] = field(default_factory=Counter)
    held: int = 0
    delivered: int = 0
    waiting: int = 0
    left: list[int] = field(default_factory=list)
    marked: bool = False
    notices: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)

    def trouble(self, code: str, line: str) -> None:
        """Add a line unless it has been said, and its code, under which a log may name it."""
        if line and line not in self.troubles:
            self.troubles.append(line)
            self.codes.add(code)


def sync(
    installation: Installation,
    *,
    confirmed_withdrawals: int | None = None,
    everything: bool = False,
    tell: Callable[[ToMend], None] = lambda _: None,
) -> SyncReport:
    """Bring what is published in line with the sources, and report.

    `confirmed_withdrawals`: the number of withdrawals that a person has confirmed. `everything`:
    publish unchanged flags too, after an older backup of index or connector was restored. `tell` is
    called for each record that somebody has to put right.

    Raises OperatorError if nothing can be done at all: not enrolled, no source, a scheme that this
    version does not know, or another sync is running.
    """
    anchors = installation.anchors()
    anchor = anchors.epoch(anchors.publish_epoch)
    require_scheme(anchor)
    if not installation.settings.sources:
        raise OperatorError(
            "connector.toml has no [[sources]]: describe the case system to publish from "
            "(docs/policy.md shows one)"
        )
    index = installation.index()
    evaluator = installation.evaluator(anchor)
    try:
        with held(installation.database, installation.clock) as lease:
            run = _Run(
                installation=installation,
                lease=lease,
                anchors=anchors,
                anchor=anchor,
                index=index,
                tokeniser=Tokeniser(anchor, evaluator, "publish"),
                outbox=Outbox(lease, anchors, installation.signing_key, installation.clock),
                tell=tell,
                report=SyncReport(anchor.epoch),
            )
            return run.through(confirmed_withdrawals, everything)
    finally:
        index.close()
        evaluator.close()


def require_scheme(anchor: EpochAnchor) -> None:
    """Raise OperatorError unless this version can make the match keys of the epoch's scheme."""
    scheme = anchor.descriptor.scheme
    if scheme not in SCHEMES:
        raise OperatorError(
            f"epoch {anchor.epoch} has match keys of scheme {scheme}, which this version cannot "
            f"make (it knows {', '.join(sorted(SCHEMES))}): install a version that can, or publish "
            "in another epoch with `agency-connector epoch use`"
        )


@dataclass(frozen=True, slots=True)
class _Run:
    installation: Installation
    lease: Lease
    anchors: Anchors
    anchor: EpochAnchor
    index: SignedClient
    tokeniser: Tokeniser
    outbox: Outbox
    tell: Callable[[ToMend], None]
    report: SyncReport

    def through(self, confirmed: int | None, everything: bool) -> SyncReport:
        with self.lease.write() as connection:
            staging.clear(connection)
            storage.forget_gone(connection, self.installation.clock())
            if everything:
                storage.publish_all_anew(connection)
        # What is refused or does not get through now is compared and tried again below.
        self._deliver()
        read_at = self.installation.clock()
        self._read()
        unread = {reading.source for reading in self.report.sources if reading.failed}
        compared = self._compare(unread, confirmed)
        delivery = self._deliver()
        if delivery.behind:
            compared = self._compare(unread, confirmed)
            delivery = self._deliver()
        self._tell(delivery)
        if len(unread) == len(self.report.sources):
            self._pause()
        elif compared and not (unread or delivery.refused or delivery.stopped):
            self._complete(read_at)
        with self.lease.write() as connection:
            staging.clear(connection)
            self.report.waiting = storage.waiting(connection)
        return self.report

    def _read(self) -> None:
        with self.installation.database.read() as connection:
            desks = desks_at_index(connection)
        reader = Reader(
            lease=self.lease,
            home=self.installation.home,
            inputs=self.tokeniser,
            desks=desks,
            today=local_day(self.installation.clock()),
            tell=self.tell,
        )
        for settings in self.installation.settings.sources:
            reading = reader.read(settings)
            self.report.sources.append(reading)
            if reading.failed:
                self.report.trouble(
                    "source-failed",
                    f"{reading.failed} (nothing of {settings.name} was withdrawn or changed)",
                )

    def _compare(self, unread: set[str], confirmed: int | None) -> bool:
        """Put into the outbox what changed and what is over; return whether that is all of it."""
        self.report.difference = Difference()
        self.report.withdrawn = Counter()
        with self.lease.write() as connection:
            before = storage.count_subjects(connection)
        publisher = Publisher(
            database=self.installation.database,
            lease=self.lease,
            outbox=self.outbox,
            flagging=Flagging(
                partnership=self.anchors.partnership,
                epoch=self.anchor.epoch,
                handle_key=self.installation.keyring.get(HANDLES),
                pad_key=self.installation.keyring.get(PADDING),
            ),
            tokeniser=self.tokeniser,
            tell=self.tell,
        )
        whole = True
        try:
            publisher.put_changed(self.report.difference)
        except EvaluatorDishonest as error:
            whole = False
            back = outbox_of.put_back_run(self.lease)
            self.report.trouble(
                "evaluator-dishonest", f"{error} (of this sync, {counted(back, 'flag')} put back)"
            )
        except OperatorError as error:
            whole = False
            self.report.trouble(
                "tokens-not-made", f"{error} (what is not published yet comes with the next sync)"
            )
        return self._withdraw(unread, confirmed, before) and whole

    def _withdraw(self, unread: set[str], confirmed: int | None, published: int) -> bool:
        """Withdraw what is over; False if it is so much that a person has to confirm it."""
        with self.lease.write() as connection:
            count = staging.count_over(connection, unread)
            epochs = storage.epochs_in_use(connection)
        share = self.installation.settings.publishing.withdrawal_share
        if count != confirmed and needs_confirmation(count, published, share):
            self.report.held = count
            self.report.trouble(
                "withdrawals-held",
                f"{count} of {published} published flags would be withdrawn, more than the share "
                f"of {share:g} that is set: nothing was withdrawn; look at the sources and at "
                f"`preview`, and if it is right run `agency-connector sync --confirm-withdrawals "
                f"{count}`",
            )
            return False
        self.report.held = 0
        self.report.withdrawn += put_withdrawals(self.lease, self.outbox, epochs, unread)
        return True

    def _deliver(self) -> Delivery:
        """Deliver the outbox."""
        delivery = self.outbox.deliver(self.index)
        self.report.delivered += delivery.delivered
        if delivery.behind:
            self.report.notices.append(
                "the index knows later batches of this agency than this connector, whose database "
                "must be an older backup: every flag is published anew"
            )
        return delivery

    def _tell(self, delivery: Delivery) -> None:
        for line in delivery.refused:
            self.report.trouble("batch-refused", line)
        if delivery.stopped:
            self.report.trouble(
                "delivery-stopped", f"{delivery.stopped} (the outbox keeps it for the next sync)"
            )

    def _pause(self) -> None:
        try:
            Marks(self.lease, self.index).paused(self.anchor.epoch)
        except OperatorError as error:
            self.report.trouble(
                "partners-not-told", f"{error} (partners are told with the next sync)"
            )

    def _complete(self, read_at: int) -> None:
        """Tell the index that the whole reading is delivered; then leave other epochs."""
        marks = Marks(self.lease, self.index)
        try:
            self.report.trouble("counts-differ", marks.complete(self.anchor.epoch, read_at))
            self.report.marked = True
            self._leave_others(marks)
        except OperatorError as error:
            self.report.trouble(
                "partners-not-told", f"{error} (partners are told with the next sync)"
            )

    def _leave_others(self, marks: Marks) -> None:
        """Withdraw what stands in other epochs, now that the one we publish in is complete."""
        with self.lease.write() as connection:
            others = [
                epoch for epoch in storage.epochs_in_use(connection) if epoch != self.anchor.epoch
            ]
            # Without staged rows no subject was seen, so every flag of these epochs is over.
            staging.clear(connection)
        if not others:
            return
        put_withdrawals(self.lease, self.outbox, others, ())
        self._tell(self._deliver())
        for epoch in others:
            with self.lease.write() as connection:
                remaining = storage.count_rows(connection, epoch)
            if not remaining:
                marks.left(epoch, self.installation.clock())
                self.report.left.append(epoch)
