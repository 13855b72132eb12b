"""What the index acknowledges of signed documents: a promise of the log, checked and followed."""

from collections.abc import Mapping
from typing import Final

from agency_connector.installation import Installation
from agency_connector.receipts import storage
from agency_connector.receipts.storage import DocumentKind
from agency_connector.transport import NotGenuine
from agency_connector.trust import storage as trust
from protocol import documents, receipts
from protocol.canonical import NotCanonical
from protocol.encoding import EncodingError, b64u_decode
from protocol.entries import read_entry
from protocol.receipts import BadReceipt
from protocol.verifier_keys import read_verifier_key
from schemas.agencies import Acknowledged, Desk
from schemas.entries import Act, Administration
from schemas.envelopes import Envelope

_ACTS: Final[Mapping[DocumentKind, tuple[Act, ...]]] = {
    "introduction": ("agency-introduced",),
    "key-change": ("agency-key-changed",),
    "desk": ("desk-signed", "desk-withdrawn"),
    "epoch": ("epoch-opened",),
    "hand-over": ("handover-sent",),
    "witness-key": ("witness-declared",),
}


def keep(
    installation: Installation,
    kind: DocumentKind,
    sent: Envelope,
    told: Acknowledged,
    *,
    log: str | None = None,
) -> None:
    """Check that the log promises the entry of a document that we `sent`, and follow its receipt.

    `log` is the log's verifier key for a founder, who pins it only afterwards. An agency to which
    nobody has handed over has none to check with, and keeps nothing. Raises NotGenuine.
    """
    with installation.database.read() as connection:
        pinned = trust.pins(connection)
        partnership = trust.require_enrolment(connection).partnership
    named = log or (pinned.log_key if pinned else None)
    if named is None:
        return
    entry = _checked(kind, sent, told, read_verifier_key(named), partnership)
    with installation.database.write() as connection:
        storage.keep_document(connection, kind, entry, told.receipt, installation.clock())


def _checked(
    kind: DocumentKind,
    sent: Envelope,
    told: Acknowledged,
    log: tuple[str, bytes],
    partnership: str,
) -> bytes:
    try:
        entry = b64u_decode(told.entry)
        receipts.check(told.receipt, entry, *log)
        recorded = read_entry(entry)
    except (BadReceipt, EncodingError, NotCanonical) as error:
        raise NotGenuine(
            f"the index took the {kind} and gave no receipt of the log that was handed over: phone "
            f"the steward. {error}"
        ) from error
    held = isinstance(recorded, Administration) and (
        recorded.partnership == partnership
        and recorded.act in _ACTS[kind]
        and recorded.document == _shown(kind, sent)
    )
    if not held:
        raise NotGenuine(
            f"the index took the {kind} and its record says something else: phone the steward"
        )
    return entry


def _shown(kind: DocumentKind, sent: Envelope) -> Envelope | None:
    """Return what the record holds of a document: no sealed package, no name of a hidden desk."""
    if kind == "hand-over":
        return None
    hidden = kind == "desk" and documents.claimed(sent, Desk).visibility != "visible"
    return None if hidden else sent
