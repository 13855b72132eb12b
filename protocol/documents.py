"""Signed documents: which payload type each has, and how one is signed and read."""

from typing import Final, TypeVar

from msgspec import Struct

from protocol import envelopes
from protocol.keys import SigningKey
from schemas.agencies import Desk, Introduction, KeyChange
from schemas.audit import AuditStatement
from schemas.contacts import ContactStatement
from schemas.entries import ReceiptStatement
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.evaluation import EvaluatorCounts
from schemas.flags import PublicationStatement
from schemas.handover import HandoverPackage
from schemas.lookups import LookupStatement, ResolutionStatement
from schemas.successions import LogSuccession
from schemas.witnesses import WitnessDeclaration

T = TypeVar("T", bound=Struct)

_PREFIX: Final = "application/vnd.interest-flag-index."
PAYLOAD_TYPES: Final[dict[type[Struct], str]] = {
    Introduction: _PREFIX + "introduction.v1+json",
    KeyChange: _PREFIX + "key-change.v1+json",
    Desk: _PREFIX + "desk.v1+json",
    WitnessDeclaration: _PREFIX + "witness-declaration.v1+json",
    EpochDescriptor: _PREFIX + "epoch-descriptor.v1+json",
    HandoverPackage: _PREFIX + "handover-package.v1+json",
    PublicationStatement: _PREFIX + "publication.v1+json",
    LookupStatement: _PREFIX + "lookup.v1+json",
    ResolutionStatement: _PREFIX + "resolution.v1+json",
    ContactStatement: _PREFIX + "contact.v1+json",
    ReceiptStatement: _PREFIX + "receipt.v1+json",
    LogSuccession: _PREFIX + "log-succession.v1+json",
    AuditStatement: _PREFIX + "audit.v1+json",
    EvaluatorCounts: _PREFIX + "evaluator-counts.v1+json",
}


def sign(document: Struct, key: SigningKey) -> Envelope:
    """Return `document` in an envelope signed with `key`; KeyError if it is no signed document."""
    return envelopes.seal(document, PAYLOAD_TYPES[type(document)], key)


def read(envelope: Envelope, as_type: type[T], public: bytes) -> T:
    """Return the document in `envelope`, signed by `public` (32 bytes).

    Raises envelopes.BadEnvelope if the signature, the type or the form is not right.
    """
    return envelopes.open(envelope, PAYLOAD_TYPES[as_type], as_type, public)


def signer(envelope: Envelope) -> str:
    """Return the id of the key that `envelope` claims to be signed with; proves nothing."""
    return envelope.signatures[0].keyid


def claimed(envelope: Envelope, as_type: type[T]) -> T:
    """Return what `envelope` claims, WITHOUT checking its signature: to find whose key to check.

    Raises envelopes.BadEnvelope if it is not the canonical form of an `as_type`.
    """
    return envelopes.unverified(envelope, PAYLOAD_TYPES[as_type], as_type)
