"""The entry of the log that an answer of the index brings, checked before the answer is used."""

from typing import TypeVar

from agency_connector.lookups.errors import AnswerDisbelieved
from agency_connector.trust.anchors import Anchors
from protocol import receipts
from protocol.canonical import NotCanonical
from protocol.encoding import EncodingError, b64u_decode
from protocol.entries import read_entry
from protocol.receipts import BadReceipt
from schemas.entries import AuditReading, Consultation, Disclosure
from schemas.envelopes import Envelope

K = TypeVar("K", Consultation, Disclosure, AuditReading)


def recorded(entry: str, receipt: Envelope, anchors: Anchors, kind: type[K]) -> K:
    """Return `entry` (base64url) after checking its receipt, its kind and its partnership.

    What it says, and when, is the caller's to compare. Raises AnswerDisbelieved.
    """
    try:
        content = b64u_decode(entry)
        receipts.check(receipt, content, anchors.log_name, anchors.log_key)
        read = read_entry(content)
    except BadReceipt as error:
        raise AnswerDisbelieved("there is no receipt of the log for it") from error
    except (EncodingError, NotCanonical) as error:
        raise AnswerDisbelieved("the record cannot be read") from error
    if not isinstance(read, kind) or read.partnership != anchors.partnership:
        raise AnswerDisbelieved("the record is of another kind or partnership")
    return read
