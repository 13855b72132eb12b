"""Receipts: the log's signed promise that an entry is durable and will stand in the tree."""

from protocol import documents
from protocol.encoding import b64u_encode
from protocol.envelopes import BadEnvelope
from protocol.keys import SigningKey
from protocol.merkle import leaf_hash
from schemas.entries import ReceiptStatement
from schemas.envelopes import Envelope


class BadReceipt(ValueError):
    """The receipt does not prove that this entry was recorded: do not show the answer."""


def issue(entry: bytes, log: str, recorded_at: int, deadline: int, key: SigningKey) -> Envelope:
    """Return the receipt for `entry`, signed with the log's key; times in ms UTC."""
    statement = ReceiptStatement(
        log=log, leaf=b64u_encode(leaf_hash(entry)), recorded_at=recorded_at, deadline=deadline
    )
    return documents.sign(statement, key)


def check(receipt: Envelope, entry: bytes, log: str, public: bytes) -> ReceiptStatement:
    """Return the receipt's statement after checking it against `entry` and the pinned log key.

    Raises BadReceipt if another key signed it, or it is about another log or another entry.
    """
    try:
        statement = documents.read(receipt, ReceiptStatement, public)
    except BadEnvelope as error:
        raise BadReceipt(
            f"The receipt is not signed by the log that was handed over. {error}"
        ) from error
    if statement.log != log:
        raise BadReceipt("The receipt is for another log.")
    if statement.leaf != b64u_encode(leaf_hash(entry)):
        raise BadReceipt("The receipt is for another entry.")
    return statement
