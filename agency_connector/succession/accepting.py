"""Taking up a successor, as a person decided: it is read whole first, and holds what it must.

The entries that the old log kept stand in it in their old order, behind the entry that opened it;
every head of the old log that this connector has seen is made from them again, as far as they go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from agency_connector.alarms import acknowledge, open_alarms, raise_alarm
from agency_connector.installation import Installation
from agency_connector.receipts import checkpoints, following, overdue
from agency_connector.receipts import storage as receipts
from agency_connector.receipts.overdue import SLACK_MS
from agency_connector.receipts.storage import Receipt
from agency_connector.succession import storage
from agency_connector.succession.offered import SUCCEEDED, BadSuccession, Link, seen_heads
from agency_connector.transport.log import LogClient
from agency_connector.trust import storage as trust
from agency_connector.trust.anchors import Anchors
from agency_connector.trust.storage import PinsRow
from agency_connector.witness import policy
from agency_connector.witness import storage as witness
from foundation import logs
from foundation.operator import OperatorError
from protocol.log.checkpoints import open_checkpoint
from protocol.log.compact_range import CompactRange
from protocol.log.errors import LogError
from protocol.log.proofs import Head
from protocol.verifier_keys import VerifierKey

LOST: Final = "receipts-lost"
"""The kind of alarm that says which of our entries were lost with a log, its subject."""

_PHONE: Final = "nothing was accepted: phone another member and the steward"


@dataclass(frozen=True, slots=True)
class Examined:
    """What a successor is, after it has been read whole and held against the log that ended.

    `survived` entries of the pinned log stand in it; `seen` is the size of the largest head of the
    pinned log that this connector has seen. `positions` are the numbers in the successor of our
    own entries, by leaf. `waiting` are entries that are not in it and not due yet, `lost` those
    that are.
    """

    links: tuple[Link, ...]
    read: CompactRange
    survived: int
    seen: int
    positions: Mapping[bytes, int]
    waiting: tuple[Receipt, ...]
    lost: tuple[Receipt, ...]

    @property
    def key(self) -> VerifierKey:
        """The successor's key."""
        return self.links[-1].successor

    @property
    def denied(self) -> tuple[Receipt, ...]:
        """Our lost entries that stood in the log beyond the head that is named as its last."""
        said = self.links[0].told.head_size
        return tuple(one for one in self.lost if one.position is not None and one.position >= said)


def examine(installation: Installation, anchors: Anchors, links: Sequence[Link]) -> Examined:
    """Read the successor to which `links` lead, and hold it against what was seen of the old log.

    Nothing is changed. Raises BadSuccession if it contradicts what its document says or what this
    connector has seen, and whatever keeps the connector from reading it.
    """
    with installation.database.read() as connection:
        heads = seen_heads(connection, anchors.log_name)
        own = receipts.leaves_of(connection, anchors.log_name)
    client = checkpoints.client_of(installation, anchors)
    try:
        kept = _Kept.of(links, heads)
        read, positions = _read(client, links[-1].successor, kept, own)
    except LogError as error:
        raise BadSuccession(
            f"the successor {links[-1].successor.name} serves what it cannot hold. {error} "
            f"{_PHONE[:1].upper()}{_PHONE[1:]}"
        ) from error
    finally:
        client.close()
    waiting, lost = _missing(installation, anchors, positions)
    return Examined(
        links=tuple(links),
        read=read,
        survived=kept.ours.upto,
        seen=max(heads, default=0),
        positions=positions,
        waiting=waiting,
        lost=lost,
    )


def accept(installation: Installation, anchors: Anchors, found: Examined, by: str) -> None:
    """Pin the successor for the old log, with the same witnesses; follow our receipts in it.

    One transaction. `by` is the person's user name. Raises OperatorError if somebody else has
    changed what is pinned meanwhile.
    """
    now, old = installation.clock(), checkpoints.log_key(anchors)
    with installation.database.write() as connection:
        pinned = trust.pins(connection)
        if pinned is None or pinned.log_key != old.text:
            raise OperatorError("another log was pinned meanwhile: start again")
        text = policy.for_log(pinned, found.key)
        trust.keep_pins(
            connection, PinsRow(found.key.text, text, pinned.handed_over_by, pinned.pinned_at)
        )
        for link in found.links:
            storage.accept(connection, link.envelope, by, now)
        waiting = [receipt.leaf for receipt in found.waiting]
        receipts.follow_in(connection, found.key.name, found.positions, waiting, now)
        receipts.alarmed(connection, [receipt.leaf for receipt in found.lost], now)
        receipts.mark(connection, found.key.name, found.read, now)
        witness.forget_attempt(connection)
        _settle_alarms(connection, old.name, found, by, now)
    logs.get_logger().warning("log.succeeded", size=found.read.size)


def _settle_alarms(connection: Connection, log: str, found: Examined, by: str, now: int) -> None:
    """Close the alarm that waited for this person, and say what is lost; others stay."""
    for alarm in open_alarms(connection):
        if (alarm.kind, alarm.subject) == (SUCCEEDED, log):
            acknowledge(connection, alarm.number, by, now)
    if found.lost:
        raise_alarm(
            connection,
            kind=LOST,
            subject=log,
            sentence=f"Lost with the log {log}: {overdue.named(found.lost)}, recorded at the "
            "index, whose entries its successor does not hold. Receipts and proofs are kept and "
            "show that they were there: `agency-connector receipts` lists them",
            now=now,
        )
        logs.get_logger().error("log.alarm", trouble=LOST)


@dataclass(slots=True)
class _Taken:
    """Entries of one earlier log as they stand in the newest: `upto` of them from `first` on."""

    name: str
    first: int
    upto: int
    wanted: dict[int, Head]
    tree: CompactRange

    def add(self, number: int, leaf: bytes) -> None:
        """Take the leaf at `number` of the newest log, in order; BadSuccession if it is another."""
        if not self.first <= number < self.first + self.upto:
            return
        self.tree.append(leaf)
        wanted = self.wanted.pop(self.tree.size, None)
        if wanted is not None and wanted != self.tree.head():
            raise BadSuccession(
                f"the first {self.tree.size} entries that were taken over are not those of the log "
                f"{self.name}, as it signed them; {_PHONE}"
            )


@dataclass(frozen=True, slots=True)
class _Kept:
    """The earlier logs in the newest; the first of them is ours."""

    logs: tuple[_Taken, ...]

    @classmethod
    def of(cls, links: Sequence[Link], heads: Mapping[int, Head]) -> "_Kept":
        """Return what must be found, given the `heads` seen; BadSuccession if they contradict."""
        ended = links[0].head
        if ended.size in heads and heads[ended.size] != ended:
            raise BadSuccession(
                f"the log signed another history of {ended.size} entries than the one that it says "
                f"at its end; {_PHONE}"
            )
        logs = []
        for place, link in enumerate(links):
            upto = link.told.kept
            for above, later in enumerate(links[place + 1 :], start=1):
                upto = min(upto, max(0, later.told.kept - above))
            wanted = dict(heads) if place == 0 else {}
            if link.kept.size in wanted and wanted[link.kept.size] != link.kept:
                raise BadSuccession(
                    f"the {link.kept.size} entries that were kept are not the beginning of the log "
                    f"as this connector has seen it; {_PHONE}"
                )
            wanted[link.kept.size] = link.kept
            name = link.told.log.partition("+")[0]
            logs.append(_Taken(name, len(links) - place, upto, wanted, CompactRange()))
        return cls(tuple(logs))

    @property
    def ours(self) -> _Taken:
        """The log that is pinned."""
        return self.logs[0]

    def require_all(self, size: int) -> None:
        """Raise BadSuccession if the newest log, of `size` entries, does not hold all of them."""
        if any(log.tree.size < log.upto for log in self.logs):
            raise BadSuccession(
                f"the successor shows {size} entries, and not all that it says were kept; {_PHONE}"
            )


def _read(
    client: LogClient, key: VerifierKey, kept: _Kept, own: frozenset[bytes]
) -> tuple[CompactRange, dict[bytes, int]]:
    """Read the log of `key` whole; return how far, and where the leaves of `own` stand."""
    note = client.checkpoint()
    if note is None:
        raise OperatorError(
            f"the successor {key.name} has no checkpoint yet: try again when `index-service "
            "worker` runs"
        )
    head = open_checkpoint(note, [key]).checkpoint.head
    tree, positions = CompactRange(), dict[bytes, int]()
    for first, leaves in following.leaves(client, 0, head.size):
        for number, leaf in enumerate(leaves, start=first):
            tree.append(leaf)
            if leaf in own:
                positions[leaf] = number
            for log in kept.logs:
                log.add(number, leaf)
    if tree.head() != head:
        raise BadSuccession(
            f"the {head.size} leaves that the successor serves do not make the root that it "
            f"signed; {_PHONE}"
        )
    kept.require_all(head.size)
    return tree, positions


def _missing(
    installation: Installation, anchors: Anchors, positions: Mapping[bytes, int]
) -> tuple[tuple[Receipt, ...], tuple[Receipt, ...]]:
    """Return the receipts that are not in the successor: those not due in it yet, and the lost."""
    now = installation.clock()
    waiting: list[Receipt] = []
    lost: list[Receipt] = []
    with installation.database.read() as connection:
        for receipt in receipts.all_of(connection, anchors.log_name):
            if receipt.leaf in positions:
                continue
            due = receipt.position is not None or receipt.deadline + SLACK_MS < now
            (lost if due else waiting).append(receipt)
    return tuple(waiting), tuple(lost)
