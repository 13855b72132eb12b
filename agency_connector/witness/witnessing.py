"""Witnessing: fetch what the log says of itself, cosign what continues it, bring the cosignature.

Outbound only. What cannot be brought now is brought the next time, as it was written down.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from agency_connector.alarms import raise_alarm
from agency_connector.installation import Installation
from agency_connector.receipts import acknowledged, checkpoints
from agency_connector.receipts import storage as receipts
from agency_connector.transport import NotGenuine, Refused, SignedClient
from agency_connector.transport.log import CHECKPOINT, COSIGNED, LogClient
from agency_connector.trust import directory
from agency_connector.trust.anchors import Anchors
from agency_connector.witness import policy, storage
from agency_connector.witness.checking import (
    Contradiction,
    TwoHistories,
    Unproven,
    keep_contradiction,
    prove,
)
from agency_connector.witness.cosigning import Cosigned, Witness, signed_by_log
from agency_connector.witness.storage import Attempt, Witnessed
from foundation.database import Database
from foundation.operator import OperatorError, PlainError
from protocol import documents
from protocol.log.checkpoints import SignedCheckpoint, open_checkpoint
from protocol.log.errors import LogError
from protocol.log.notes import read_note, read_signatures, with_signatures
from protocol.log.proofs import Head
from protocol.log.witness import make_request
from protocol.verifier_keys import VerifierKey
from schemas.agencies import Signed
from schemas.operations import COSIGN, DECLARE_WITNESS
from schemas.witnesses import CosignatureKept, CosignedCheckpoint, WitnessDeclaration

TO_COSIGN: Final = "checkpoint/to-cosign"
LOST: Final = "log-lost-entries"
"""The kind of alarm that the index itself gives away, with the log as its subject."""
AGAIN_AFTER_S: Final = 900
"""The same checkpoint is cosigned anew after this time, to say that it still is the newest."""


class LogLost(OperatorError):
    """The index says itself that its log does not continue what it had signed."""


@dataclass(frozen=True, slots=True)
class Witnessing:
    """What came of one attempt: the size this witness stands at, and what it did now.

    `agreed` is the largest checkpoint that enough witnesses have cosigned, if there is one, and
    `wanted` how many of the policy's `witnesses` that takes.
    """

    size: int
    cosigned: bool
    delivered: bool
    agreed: int | None
    wanted: int
    witnesses: int
    added: tuple[str, ...]


def witness(installation: Installation) -> Witnessing:
    """Cosign the log's checkpoint if there is a new one, and bring what the index does not have.

    Raises OperatorError, also TwoHistories, whose evidence is kept by then, and whatever keeps it
    from the index. How it went is kept for `status`.
    """
    try:
        done = _witness(installation)
    except PlainError as error:
        _keep_attempt(installation, str(error), None, 0)
        raise
    _keep_attempt(installation, None, done.agreed, done.size)
    return done


def _witness(installation: Installation) -> Witnessing:
    anchors = installation.anchors()
    own = Witness.of(installation, anchors.partnership)
    log = checkpoints.log_key(anchors)
    with installation.database.write() as connection:
        changes = policy.grow(connection, own.verifier, installation.agency, {}, own.clock())
        pinned = policy.pinned(connection)
    client, index = checkpoints.client_of(installation, anchors), installation.index()
    try:
        declare(installation, index, anchors, own.verifier)
        try:
            cosigned = _cosign_newest(own, client, log)
        except TwoHistories as found:
            if found.is_new:
                # From what we hold, an index that lost entries learns that it must not sign on.
                with suppress(PlainError):
                    _deliver(installation, index, anchors, own, log, anew=True)
            raise
        delivered = _deliver(installation, index, anchors, own, log)
        agreed = _agreed(own, client, installation.anchors())
    finally:
        client.close()
        index.close()
    with installation.database.read() as connection:
        last = storage.last(connection, log.name)
    return Witnessing(
        size=last.head.size if last else 0,
        cosigned=cosigned,
        delivered=delivered,
        agreed=agreed,
        wanted=pinned.wanted if pinned else 0,
        witnesses=len(pinned.policy.witnesses) if pinned else 0,
        added=tuple(change.agency for change in changes),
    )


def declare(
    installation: Installation, index: SignedClient, anchors: Anchors, own: VerifierKey
) -> None:
    """Lay the declaration of our witness key before the index, unless it has taken it."""
    with installation.database.read() as connection:
        if storage.acknowledged_declaration(connection) == own.text:
            return
    document = WitnessDeclaration(
        partnership=anchors.partnership,
        agency=installation.agency,
        witness_key=own.text,
        signed_at=installation.clock(),
    )
    signed = documents.sign(document, installation.signing_key)
    told = index.call(DECLARE_WITNESS, Signed(document=signed))
    acknowledged.keep(installation, "witness-key", signed, told)
    with installation.database.write() as connection:
        storage.keep_declaration(connection, own.text, installation.clock())


def fetched(
    client: LogClient, name: str, log: VerifierKey
) -> tuple[bytes, SignedCheckpoint] | None:
    """Return the note at `name` and the checkpoint in it, which `log` signed; None if none."""
    note = client.checkpoint(name)
    if note is None:
        return None
    try:
        return note, open_checkpoint(note, [log])
    except LogError as error:
        raise NotGenuine(
            "what the index shows as the log's checkpoint is not signed by the log that was handed "
            f"over, and was not countersigned. {error} If the steward speaks of a successor: "
            "`agency-connector log successor`"
        ) from error


def _cosign_newest(own: Witness, client: LogClient, log: VerifierKey) -> bool:
    """Cosign what the log shows if it is news; return whether it was."""
    shown = fetched(client, TO_COSIGN, log)
    if shown is None:
        return False
    last = _last(own.database, log)
    if last is None:
        _require_as_read(own.database, client, log, shown[1].checkpoint.head)
        return _cosigned(own, log, None, shown, ())
    if shown[1].checkpoint.head.size < last.head.size:
        # What is shown to all may be older than what we cosigned at the log's own request, or
        # what another process of ours cosigned meanwhile; the newest may not be.
        shown = fetched(client, CHECKPOINT, log) or shown
        if shown[1].checkpoint.head.size < last.head.size:
            raise _contradicted(own, log, last, shown[0], Contradiction("shrunk"))
    head = shown[1].checkpoint.head
    if head == last.head and own.clock() // 1000 < last.cosigned_at + AGAIN_AFTER_S:
        return False
    proof = prove(client, last.head, head)
    if isinstance(proof, Contradiction):
        raise _contradicted(own, log, last, shown[0], proof)
    return _cosigned(own, log, last, shown, proof)


def _require_as_read(database: Database, client: LogClient, log: VerifierKey, head: Head) -> None:
    """Raise Unproven unless `head`, the first to be cosigned, is of the history that was read here.

    That is no evidence to keep, since of what was read no signature is; `following` alarms.
    """
    with database.read() as connection:
        read = receipts.last_read(connection, log.name)
    if read is None:
        return
    older, newer = sorted((read.head, head), key=lambda each: each.size)
    if isinstance(prove(client, older, newer), Contradiction):
        raise Unproven(
            f"the log shows another history than the {read.head.size} entries that this connector "
            "has read of it, and it was not countersigned: phone another member and the steward"
        )


def _cosigned(
    own: Witness,
    log: VerifierKey,
    last: Witnessed | None,
    shown: tuple[bytes, SignedCheckpoint],
    proof: tuple[bytes, ...],
) -> bool:
    outcome = own.add(make_request(last.head.size if last else 0, proof, shown[0]), [log])
    if isinstance(outcome, Cosigned):
        return True
    if outcome.status == 409:
        return False  # another process of ours was faster
    raise OperatorError(
        f"the log's checkpoint was not countersigned. {outcome.detail} "
        "See `agency-connector alarms`"
    )


def _deliver(
    installation: Installation,
    index: SignedClient,
    anchors: Anchors,
    own: Witness,
    log: VerifierKey,
    *,
    anew: bool = False,
) -> bool:
    """Bring the index what was cosigned last, if it has not got it; return whether it was so.

    With `anew` it is brought once more: the index may have lost it.
    """
    last = _last(own.database, log)
    if last is None or (last.delivered and not anew):
        return False
    note = with_signatures(read_note(last.checkpoint), read_signatures(last.line.decode()))
    message = CosignedCheckpoint(note=note.to_bytes().decode())
    try:
        kept: CosignatureKept = index.call(COSIGN, message)
    except Refused as refused:
        if not _is_our_key_unknown(installation, own, refused):
            raise
        with own.database.write() as connection:
            storage.keep_declaration(connection, None, own.clock())
        declare(installation, index, anchors, own.verifier)
        kept = index.call(COSIGN, message)
    with own.database.write() as connection:
        storage.delivered(connection, log.name, last.line)
        if kept.standing == "continued":
            return True
        sentence = (
            f"The index has lost entries of its log: it does not have the {last.head.size} entries "
            "that this connector had countersigned. Phone the steward; it signs nothing more until "
            "a person there has settled it."
        )
        raise_alarm(connection, kind=LOST, subject=log.name, sentence=sentence, now=own.clock())
    raise LogLost(sentence)


def _is_our_key_unknown(installation: Installation, own: Witness, refused: Refused) -> bool:
    """Return whether the index has no key of ours, or another: it or we were restored."""
    if refused.code == "bad-checkpoint":
        return directory.refresh(installation).witnesses.get(installation.agency) != own.verifier
    return refused.code == "no-witness-key"


def compare(own: Witness, client: LogClient, log: VerifierKey, note: bytes) -> None:
    """Check that the checkpoint in `note`, wherever it comes from, is of our history of the log.

    `log` has signed it. It may be older or newer than ours; the log's tiles show how they fit.
    Raises TwoHistories, and Unproven if the log does not show it.
    """
    head = open_checkpoint(note, [log]).checkpoint.head
    last = _last(own.database, log)
    if last is None:
        return
    older, newer = sorted((last.head, head), key=lambda each: each.size)
    proof = prove(client, older, newer)
    if isinstance(proof, Contradiction):
        raise _contradicted(own, log, last, note, proof)


def _agreed(own: Witness, client: LogClient, anchors: Anchors) -> int | None:
    """Return the size of the newest checkpoint that enough cosigned, after comparing it to ours."""
    log = checkpoints.log_key(anchors)
    sizes = []
    for name in (COSIGNED, TO_COSIGN):
        shown = fetched(client, name, log)
        if shown is not None:
            compare(own, client, log, shown[0])
            if checkpoints.opened(shown[0], anchors).enough:
                sizes.append(shown[1].checkpoint.head.size)
    return max(sizes, default=None)


def _contradicted(
    own: Witness, log: VerifierKey, last: Witnessed, shown: bytes, found: Contradiction
) -> TwoHistories:
    plain = signed_by_log(shown, [log])
    return keep_contradiction(own.database, log.name, last, plain, found, own.clock())


def _last(database: Database, log: VerifierKey) -> Witnessed | None:
    with database.read() as connection:
        return storage.last(connection, log.name)


def _keep_attempt(
    installation: Installation, trouble: str | None, agreed: int | None, size: int
) -> None:
    now = installation.clock()
    with installation.database.write() as connection:
        before = storage.attempt(connection) or Attempt(now, None, 0, now)
        news = size == 0 or (agreed is not None and agreed >= min(size, before.agreed_size + 1))
        storage.keep_attempt(
            connection,
            Attempt(
                ended_at=now,
                trouble=trouble,
                agreed_size=max(agreed or 0, before.agreed_size),
                agreed_at=now if news and trouble is None else before.agreed_at,
            ),
        )
