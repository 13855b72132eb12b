"""Signed documents laid before the index: checked, recorded, kept; the same again is the same."""

from typing import TypeVar

from msgspec import Struct
from sqlalchemy import Connection

from foundation.problems import Problem
from index_service.agencies import desks, documents, storage
from index_service.agencies.desks import DeskRow
from index_service.audit.administration import administer
from index_service.audit.intake import Recorded, recorded
from index_service.installation import Installation
from protocol import documents as signed
from protocol.desk_names import category_word
from protocol.encoding import b64u_decode
from protocol.envelopes import BadEnvelope
from protocol.fingerprints import key_id
from protocol.log.witness import witness_key, witness_name
from protocol.verifier_keys import BadVerifierKey, read
from schemas.agencies import (
    Acknowledged,
    AgencyKeys,
    Desk,
    Introduction,
    KeyChange,
)
from schemas.entries import Act
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.handover import HandoverInbox, HandoverPackage
from schemas.witnesses import WitnessDeclaration

T = TypeVar("T", bound=Struct)
MAX_LIVE_EPOCHS = 2
MAX_WAITING_HANDOVERS = 20


def introduce(
    connection: Connection, index: Installation, caller: str, envelope: Envelope
) -> Acknowledged:
    """Keep a member's introduction of an enrolled agency, or the founder's of itself.

    Raises Problem: 422 if it is not signed by the caller or names other keys than those enrolled,
    403 if the caller has not been introduced itself, 409 if somebody has founded already.
    """
    document = _signed_by(connection, index, caller, envelope, Introduction)
    again = _kept_before(connection, index, envelope)
    if again is not None:
        return again
    if document.introducer != caller:
        raise _not_as_stated("introducer")
    introduced = {
        signed.claimed(known, Introduction).agency
        for known in documents.all_of(connection, "introduction")
    }
    if document.agency == caller:
        if introduced:
            raise Problem(
                409,
                "founded-already",
                "This partnership has its founder: ask a member to hand over to you.",
            )
    elif caller not in introduced:
        raise Problem(
            403, "not-introduced", "Only a member that was introduced itself can introduce others."
        )
    row = storage.find(connection, document.agency)
    if row is None or row.keys != document.keys or row.role != document.role:
        raise Problem(
            422,
            "other-keys",
            "The introduction names other keys or another role than those enrolled here: "
            "compare the fingerprint with the newcomer's person again.",
        )
    return _keep(connection, index, "introduction", "agency-introduced", document.agency, envelope)


def change_keys(
    connection: Connection, index: Installation, caller: str, envelope: Envelope
) -> Acknowledged:
    """Replace the caller's keys by those in a change signed with its key in force."""
    document = _signed_by(connection, index, caller, envelope, KeyChange)
    if document.agency != caller or document.old_key != signed.signer(envelope):
        raise _not_as_stated("agency or old_key")
    if storage.is_key_known(connection, key_id(b64u_decode(document.keys.signing, 32))):
        raise Problem(409, "key-known", "This signing key is or was in use: make a new one.")
    storage.put_keys(connection, caller, document.keys, index.clock())
    return _keep(connection, index, "key-change", "agency-key-changed", caller, envelope)


def sign_desk(
    connection: Connection, index: Installation, caller: str, envelope: Envelope
) -> Acknowledged:
    """Take a new version of one of the caller's desks.

    Raises Problem: 409 for a version that is not newer, 422 for a name that names a category.
    """
    document = _signed_by(connection, index, caller, envelope, Desk)
    if document.agency != caller:
        raise _not_as_stated("agency")
    before = desks.find(connection, caller, document.desk)
    if before is not None and before.document.version >= document.version:
        raise Problem(
            409,
            "not-newer",
            f"Version {before.document.version} of this desk is known: sign a higher one.",
            version=before.document.version,
        )
    word = category_word(document.name)
    if word is not None and document.visibility == "visible":
        raise Problem(
            422,
            "category-in-name",
            f'A team\'s name may not say what it is there for ("{word}"): '
            "use a neutral front desk, or hide the desk.",
        )
    desks.put(connection, DeskRow(document, envelope))
    act: Act = "desk-withdrawn" if document.withdrawn else "desk-signed"
    # What a hidden desk is called stays out of the record.
    shown = envelope if document.visibility == "visible" else None
    return _acknowledge(administer(connection, index, act, caller, document=shown))


def open_epoch(
    connection: Connection, index: Installation, caller: str, envelope: Envelope
) -> Acknowledged:
    """Keep a member's signed epoch descriptor; at most two epochs are live."""
    document = _signed_by(connection, index, caller, envelope, EpochDescriptor)
    again = _kept_before(connection, index, envelope)
    if again is not None:
        return again
    standing = index.standing.read(connection)
    live, known = standing.live_epochs(index.clock()), standing.epochs
    if document.epoch in known or (known and document.epoch < max(known)):
        raise Problem(
            409, "epoch-known", f"Epoch {document.epoch} is not newer: open {max(known) + 1}."
        )
    if len(live) >= MAX_LIVE_EPOCHS:
        raise Problem(
            409, "two-epochs-live", "Two epochs are live: wait until the older one has closed."
        )
    if document.closes_at <= max(document.opens_at, index.clock()):
        raise Problem(422, "epoch-over", "The epoch would be over already: correct its dates.")
    return _keep(connection, index, "epoch", "epoch-opened", caller, envelope, epoch=document.epoch)


def declare_witness(
    connection: Connection, index: Installation, caller: str, envelope: Envelope
) -> Acknowledged:
    """Keep the caller's declaration of the key with which it cosigns checkpoints of the log.

    Raises Problem: 422 for a key that is not named as the caller's or is one it signs with, 409
    for one that another agency has declared or a declaration that is not newer.
    """
    document = _signed_by(connection, index, caller, envelope, WitnessDeclaration)
    again = _kept_before(connection, index, envelope)
    if again is not None:
        return again
    if document.agency != caller:
        raise _not_as_stated("agency")
    try:
        key = read(document.witness_key)
    except BadVerifierKey as error:
        raise Problem(422, "bad-witness-key", f"The witness key is refused. {error}") from error
    if key != witness_key(caller, index.partnership, key.public):
        raise Problem(
            422,
            "bad-witness-key",
            "The witness key is of type 04, and its name is "
            f"{witness_name(caller, index.partnership)}.",
        )
    if storage.is_key_known(connection, key_id(key.public)):
        raise Problem(422, "bad-witness-key", "An agency signs with this key: make another one.")
    for known in documents.all_of(connection, "witness"):
        told = signed.claimed(known, WitnessDeclaration)
        if told.agency != caller and read(told.witness_key).public == key.public:
            raise Problem(409, "key-known", "Another agency has declared this key: make a new one.")
        if told.agency == caller and told.signed_at >= document.signed_at:
            raise Problem(409, "not-newer", "A later declaration of yours is known: sign it anew.")
    return _keep(connection, index, "witness", "witness-declared", caller, envelope)


def send_handover(
    connection: Connection, index: Installation, caller: str, envelope: Envelope
) -> Acknowledged:
    """Keep a sealed package for its recipient; the index cannot open it."""
    document = _signed_by(connection, index, caller, envelope, HandoverPackage)
    again = _kept_before(connection, index, envelope)
    if again is not None:
        return again
    row = storage.find(connection, document.recipient)
    if document.sender != caller or row is None or row.keys is None:
        raise _not_as_stated("sender or recipient")
    if len(documents.all_of(connection, "handover", row.agency)) >= MAX_WAITING_HANDOVERS:
        raise Problem(
            429, "too-many-packages", "Too many packages wait for this agency: phone the steward."
        )
    return _keep(
        connection, index, "handover", "handover-sent", row.agency, envelope, epoch=document.epoch,
        with_document=False,
    )  # fmt: skip


def handovers_for(connection: Connection, agency: str) -> HandoverInbox:
    """Return the packages that wait for `agency`, oldest first."""
    return HandoverInbox(packages=documents.all_of(connection, "handover", agency))


def signed_by_keys(keys: AgencyKeys, envelope: Envelope, as_type: type[T]) -> T:
    """Return the document in `envelope` if `keys` signed it; Problem 422 otherwise."""
    try:
        return signed.read(envelope, as_type, b64u_decode(keys.signing, 32))
    except BadEnvelope as error:
        raise Problem(422, "bad-document", f"The signed document is refused. {error}") from error


def not_the_callers(caller: str) -> Problem:
    """Return the refusal of a statement that names another agency or partnership than `caller`'s.

    It is signed with the caller's key all the same, so the program that sent it is set up wrongly.
    """
    return Problem(
        422,
        "not-as-stated",
        f"The statement is of another agency or partnership, and the key is that of {caller}: "
        "check agency.id and the keyring of the program that sent it.",
    )


def _signed_by(
    connection: Connection, index: Installation, caller: str, envelope: Envelope, as_type: type[T]
) -> T:
    row = storage.find(connection, caller)
    if row is None or row.keys is None:
        raise Problem(403, "not-enrolled", "This agency has no keys here: enrol first.")
    document = signed_by_keys(row.keys, envelope, as_type)
    if getattr(document, "partnership", None) != index.partnership:
        raise _not_as_stated("partnership")
    return document


def _not_as_stated(field: str) -> Problem:
    return Problem(422, "not-as-stated", f"The document's {field} is not the one of this request.")


def _kept_before(
    connection: Connection, index: Installation, envelope: Envelope
) -> Acknowledged | None:
    number = documents.intake_of(connection, envelope)
    return None if number is None else _acknowledge(recorded(connection, index.log, number))


def _keep(
    connection: Connection,
    index: Installation,
    kind: documents.DocumentKind,
    act: Act,
    agency: str,
    envelope: Envelope,
    epoch: int | None = None,
    *,
    with_document: bool = True,
) -> Acknowledged:
    document = envelope if with_document else None
    entry = administer(connection, index, act, agency, document=document)
    documents.keep(connection, kind, agency, envelope, entry.intake, epoch)
    return _acknowledge(entry)


def _acknowledge(entry: Recorded) -> Acknowledged:
    return Acknowledged(entry=entry.entry_text, receipt=entry.receipt)
