"""What the index says about the end of the pinned log: checked, kept and told, never acted upon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from agency_connector.alarms import every_alarm, raise_alarm
from agency_connector.installation import Installation
from agency_connector.receipts import checkpoints
from agency_connector.receipts import storage as receipts
from agency_connector.succession import storage
from agency_connector.trust.anchors import Anchors
from agency_connector.witness import storage as witness
from foundation import logs
from foundation.operator import OperatorError
from protocol import documents
from protocol.encoding import b64u_decode
from protocol.envelopes import BadEnvelope
from protocol.log.proofs import Head
from protocol.verifier_keys import BadVerifierKey, KeyType, VerifierKey, read
from schemas.envelopes import Envelope
from schemas.operations import LOG_SUCCESSIONS
from schemas.successions import LogSuccession, LogSuccessions

SUCCEEDED: Final = "log-succeeded"
"""The kind of alarm that a successor waits for a person, with the log that ended as its subject."""
DENIED: Final = "log-denied"
"""The log said at its end that it never had entries which this connector has seen in it."""
FALSE: Final = "false-succession"
"""The index shows an end of the log that the log's own key did not sign, or that cannot be."""
COMMAND: Final = "`agency-connector log successor`"

_DAY_MS: Final = 86_400_000
_PHONE: Final = "nothing was taken from it: phone the steward and another member"


class BadSuccession(OperatorError):
    """What the index shows as the end of a log is not, or contradicts what was seen of that log."""


@dataclass(frozen=True, slots=True)
class Link:
    """One log's end: the document, the envelope that the log signed, and the key that follows."""

    told: LogSuccession
    envelope: Envelope
    successor: VerifierKey

    @property
    def head(self) -> Head:
        """The largest head of the log that ended which may have been signed."""
        return Head(self.told.head_size, b64u_decode(self.told.head_root, 32))

    @property
    def kept(self) -> Head:
        """The head over its entries that are left."""
        return Head(self.told.kept, b64u_decode(self.told.kept_root, 32))


def notice(installation: Installation) -> tuple[Link, ...]:
    """Return how the pinned log ended, from log to log; empty if it goes on.

    What is new is kept and becomes an alarm. Raises BadSuccession, which is an alarm too, and
    whatever keeps the connector from the index.
    """
    anchors = installation.anchors()
    client = installation.index()
    try:
        told: LogSuccessions = client.call(LOG_SUCCESSIONS)
    finally:
        client.close()
    try:
        found = links(told.documents, anchors)
    except BadSuccession as bad:
        _raise_false(installation, anchors, str(bad))
        raise
    if found:
        _keep(installation, anchors, found)
    return found


def links(envelopes: Sequence[Envelope], anchors: Anchors) -> tuple[Link, ...]:
    """Return the documents that lead on from the pinned log, each checked by the key before it.

    Raises BadSuccession for one that names a log on this way and is not signed with its key.
    """
    waiting = [(envelope, _claimed(envelope)) for envelope in envelopes]
    found: list[Link] = []
    last = checkpoints.log_key(anchors)
    while True:
        named = [one for one in waiting if one[1] is not None and one[1].log == last.text]
        if not named:
            return tuple(found)
        if len(named) > 1:
            raise BadSuccession(f"the index shows two ends of the log {last.name}; {_PHONE}")
        waiting.remove(named[0])
        found.append(_link(named[0][0], last, anchors))
        last = found[-1].successor


def seen_heads(connection: Connection, log: str) -> Mapping[int, Head]:
    """Return by size the heads of `log` that this connector has read or countersigned."""
    heads = dict(receipts.heads_after(connection, log, 0))
    cosigned = witness.last(connection, log)
    if cosigned is not None:
        heads[cosigned.head.size] = cosigned.head
    return heads


def _claimed(envelope: Envelope) -> LogSuccession | None:
    try:
        return documents.claimed(envelope, LogSuccession)
    except BadEnvelope:
        return None


def _link(envelope: Envelope, log: VerifierKey, anchors: Anchors) -> Link:
    try:
        told = documents.read(envelope, LogSuccession, log.public)
        successor = read(told.successor)
    except (BadEnvelope, BadVerifierKey) as error:
        raise BadSuccession(
            f"the index shows an end of the log {log.name} that is not signed with that log's key, "
            f"or names no usable key; {_PHONE}"
        ) from error
    if told.partnership != anchors.partnership or told.kept > told.head_size:
        raise BadSuccession(f"the end of the log {log.name} cannot be as it is told; {_PHONE}")
    if successor.type is not KeyType.ED25519 or successor.name == log.name:
        raise BadSuccession(
            f"what shall follow the log {log.name} has its own name, or no log's key; {_PHONE}"
        )
    return Link(told, envelope, successor)


def _keep(installation: Installation, anchors: Anchors, found: Sequence[Link]) -> None:
    now, first = installation.clock(), found[0]
    with installation.database.write() as connection:
        news = [
            storage.see(connection, read(link.told.log).name, link.envelope, now) for link in found
        ]
        if not any(news):
            return
        raise_alarm(
            connection,
            kind=SUCCEEDED,
            subject=anchors.log_name,
            sentence=f"The index says that its log {anchors.log_name} has ended, and "
            f"{found[-1].successor.name} follows it. Until a person here has accepted that, new "
            f"answers are refused. Phone the steward, then run {COMMAND}.",
            now=now,
        )
        seen = max(seen_heads(connection, anchors.log_name), default=0)
        if seen > first.told.head_size:
            raise_alarm(
                connection,
                kind=DENIED,
                subject=anchors.log_name,
                sentence=denial(anchors.log_name, first, seen),
                now=now,
            )
    logs.get_logger().error("log.alarm", trouble=SUCCEEDED)


def denial(log: str, first: Link, seen: int) -> str:
    """Return the sentence that the end of `log` denies entries up to `seen`."""
    return (
        f"The log {log} says at its end that it had {first.told.head_size} entries, and this "
        f"connector has seen {seen} that it signed. What the log signed is kept: tell another "
        f"member and the auditor; {COMMAND} says which of our own entries are denied."
    )


def _raise_false(installation: Installation, anchors: Anchors, sentence: str) -> None:
    """Raise the alarm about a false end of the log, once a day at most."""
    now = installation.clock()
    with installation.database.write() as connection:
        if any(
            alarm.kind == FALSE and alarm.raised_at > now - _DAY_MS
            for alarm in every_alarm(connection)
        ):
            return
        raise_alarm(
            connection,
            kind=FALSE,
            subject=anchors.log_name,
            sentence=f"{sentence[:1].upper()}{sentence[1:]}.",
            now=now,
        )
    logs.get_logger().error("log.alarm", trouble=FALSE)
