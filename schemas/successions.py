"""The end of a log that cannot go on, and what follows it."""

from schemas.envelopes import Envelope
from schemas.fields import Bytes32, Count, Line, Message, Millis, PartnershipId, VerifierKey


class LogSuccession(Message, frozen=True):
    """Signed with the key of `log`, which is closed: `successor` takes its place.

    `head_size` and `head_root` are the largest head that may have been signed; `kept` of its
    entries are still there, with `kept_root` over them, and stand in the successor as entries 1 to
    `kept` in their old order. The rest, `head_size - kept`, are lost.
    """

    partnership: PartnershipId
    log: VerifierKey
    head_size: Count
    head_root: Bytes32
    kept: Count
    kept_root: Bytes32
    successor: VerifierKey
    why: Line
    signed_at: Millis


class LogSuccessions(Message, frozen=True):
    """How the logs of this index followed each other, oldest first; empty if there was only one.

    Each document is a LogSuccession in the envelope that the log which ended signed. The last
    one's `successor` is the log of today.
    """

    documents: tuple[Envelope, ...]
