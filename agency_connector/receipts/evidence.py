"""Evidence about one entry of ours: everything that a third party needs, put into one file."""

from collections.abc import Sequence

from sqlalchemy import select

from agency_connector.installation import Installation
from agency_connector.journal import storage as journal
from agency_connector.journal.journal import Journal
from agency_connector.receipts import checkpoints, proofs, storage
from agency_connector.receipts.checkpoints import Published
from agency_connector.receipts.own_entries import own_entry
from agency_connector.receipts.storage import Receipt
from agency_connector.transport.log import LogClient
from agency_connector.trust.anchors import Anchors
from foundation.operator import OperatorError
from protocol import documents, evidence
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import read_entry
from protocol.evidence import BadEvidence, Evidence, ProvedKey, enrolled_key
from protocol.fingerprints import key_id
from protocol.log.errors import LogError
from protocol.log.log_proofs import read_log_proof
from protocol.log.tile_tree import TileHashes
from protocol.merkle import leaf_hash
from protocol.references import BadReference, read_reference
from schemas.agencies import KeyChange, KeyEntries
from schemas.entries import Administration
from schemas.envelopes import Envelope
from schemas.operations import KEY_ENTRIES


def make(installation: Installation, named: str) -> Evidence:
    """Return evidence about what `named` names: a check, resolution, batch, reading, or reference.

    Everything in it has been checked. Raises OperatorError if there is nothing of that name here,
    or if its entry does not stand yet in a log that enough partners have countersigned.
    """
    anchors = installation.anchors()
    receipt = _receipt(installation, named)
    if receipt.log != anchors.log_name:
        raise OperatorError(
            f"the entry of {named} was lost with {receipt.log}, a log before the one that is "
            f"pinned: its receipt is in the journal, and its proof, if it had one, in "
            f"{proofs.path_of(installation, receipt)}"
        )
    if receipt.position is None:
        raise OperatorError(
            f"the entry of {named} has not been found in the log yet: run `agency-connector "
            "receipts`, and try again"
        )
    entry, _ = own_entry(installation, receipt.kind, receipt.reference)
    statement = getattr(read_entry(entry), "statement", None)
    if not isinstance(statement, Envelope):
        raise OperatorError(f"the entry of {named} holds no statement, so it proves nothing")
    client = checkpoints.client_of(installation, anchors)
    try:
        checkpoint = _checkpoint(installation, anchors, client, receipt)
        hashes = TileHashes(client, checkpoint.head.size)
        made = Evidence(
            format="ifi/1 evidence",
            log=checkpoints.log_key(anchors).text,
            policy=anchors.witness_policy,
            checkpoint=checkpoint.note.decode(),
            agency=anchors.agency,
            entry=evidence.proved_entry(
                receipt.position,
                entry,
                proofs.proof_of(hashes, leaf_hash(entry), receipt.position, checkpoint.head),
            ),
            statement=statement,
            keys=_keys(installation, hashes, checkpoint, documents.signer(statement)),
        )
        evidence.check(made)
    except (LogError, BadEvidence) as error:
        raise OperatorError(
            f"the log does not prove the entry of {named}: {error} Run `agency-connector "
            "verify-log`, and tell the steward and another member"
        ) from error
    finally:
        client.close()
    return made


def _receipt(installation: Installation, named: str) -> Receipt:
    with installation.database.read() as connection:
        found = storage.named(connection, named)
        if found is None and (quoted := _reference(named)) is not None:
            found = storage.named(connection, _of_reference(installation, quoted))
    if found is None:
        raise OperatorError(
            f"{named} is no check, resolution, batch, reading or reference of this connector: copy "
            "what the answer says"
        )
    return found


def _reference(text: str) -> str | None:
    try:
        return read_reference(text)
    except BadReference:
        return None


def _of_reference(installation: Installation, reference: str) -> str:
    """Return the check that was given `reference`, or the resolution of it; empty if neither."""
    sealed = Journal.of(installation)
    with installation.database.read() as connection:
        quoted = select(journal.resolutions.c.resolution_id).order_by(
            journal.resolutions.c.asked_at.desc()
        )
        checked = select(journal.checks.c.check_id).order_by(journal.checks.c.asked_at.desc())
        resolutions = [bytes(one) for one in connection.execute(quoted).scalars()]
        checks = [bytes(one) for one in connection.execute(checked).scalars()]
    for one in resolutions:
        told = sealed.find_resolution(one)
        if told is not None and told[1] is not None and told[0].reference == reference:
            return b64u_encode(one)
    for one in checks:
        check = sealed.find(one)
        hits = () if check is None or check.kept is None else check.kept.answer.shown.hits
        if any(hit.reference == reference for hit in hits):
            return b64u_encode(one)
    return ""


def _checkpoint(
    installation: Installation, anchors: Anchors, client: LogClient, receipt: Receipt
) -> Published:
    """Return a checkpoint over the entry that enough have countersigned: the kept proof's, if any.

    Raises OperatorError if there is none yet.
    """
    path = proofs.path_of(installation, receipt)
    if path.exists():
        try:
            kept = checkpoints.opened(read_log_proof(path.read_bytes()).checkpoint, anchors)
        except LogError as error:
            raise OperatorError(f"{path}: the kept proof cannot be used: {error}") from error
        if kept.enough:
            return kept
    found = checkpoints.newest_enough(client, anchors, checkpoints.newest(client, anchors))
    if found is None or found.head.size <= (receipt.position or 0):
        raise OperatorError(
            "too few partners have countersigned the log since this entry: wait until their "
            "connectors have, and try again"
        )
    return found


def _keys(
    installation: Installation, hashes: TileHashes, checkpoint: Published, signer: str
) -> tuple[ProvedKey, ...]:
    """Return the entries that lead from an enrolment of ours to the key `signer`."""
    client = installation.index()
    try:
        told: KeyEntries = client.call(KEY_ENTRIES)
    finally:
        client.close()
    chain: list[tuple[int, bytes, str]] = []
    for one in told.entries:
        content = b64u_decode(one.entry)
        entry = read_entry(content)
        if one.number is None or not isinstance(entry, Administration):
            continue
        public = enrolled_key(entry)
        if public is not None:
            chain = [(one.number, content, public)]
        elif chain and entry.document is not None:
            change = documents.claimed(entry.document, KeyChange)
            chain.append((one.number, content, change.keys.signing))
        if chain and key_id(b64u_decode(chain[-1][2], 32)) == signer:
            return _proved(hashes, checkpoint, chain)
    raise OperatorError(
        "the index shows no entry that enrolled the key this was signed with: tell the steward"
    )


def _proved(
    hashes: TileHashes, checkpoint: Published, chain: Sequence[tuple[int, bytes, str]]
) -> tuple[ProvedKey, ...]:
    return tuple(
        evidence.proved_key(
            number,
            content,
            proofs.proof_of(hashes, leaf_hash(content), number, checkpoint.head),
            public,
        )
        for number, content, public in chain
    )
