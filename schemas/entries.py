"""Entries of the log: their canonical bytes are what is hashed, proved and kept for good.

The six kinds of DPA 2018 s.62 (collection, alteration, consultation, disclosure, combination,
erasure), administration, refusal and audit reading. No name, officer, reason or token in clear.
"""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.envelopes import Envelope
from schemas.fields import (
    AgencyId,
    Bytes16,
    Bytes32,
    Count,
    Line,
    Message,
    Millis,
    PartnershipId,
)


class _Entry(Message, frozen=True, tag_field="kind"):
    """What every entry has: format version, partnership, time, and 16 random bytes."""

    v: Literal[1]
    partnership: PartnershipId
    at: Millis
    salt: Bytes16


class Consultation(_Entry, frozen=True, tag="consultation"):
    """A lookup was answered: the asker's statement and the commitments to both results."""

    statement: Envelope
    shown: Bytes32
    withheld: Bytes32


class Collection(_Entry, frozen=True, tag="collection"):
    """An agency published flags; the numbers are what the batch did at the index."""

    statement: Envelope
    added: Count
    changed: Count


class Alteration(_Entry, frozen=True, tag="alteration"):
    """An agency changed flags."""

    statement: Envelope
    added: Count
    changed: Count


class Erasure(_Entry, frozen=True, tag="erasure"):
    """Flags were withdrawn by their agency (with its statement) or ended in time (without)."""

    statement: Envelope | None
    agency: AgencyId
    count: Count
    root: Bytes32


class Disclosure(_Entry, frozen=True, tag="disclosure"):
    """One agency was shown what another told it about a lookup, as the signed statement says.

    The holder of a flag resolved a quoted reference and saw the asker's statement, or a step of a
    contact request about the reference was left for the other agency.
    """

    statement: Envelope
    lookup: Bytes16


class Combination(_Entry, frozen=True, tag="combination"):
    """Two agencies were told that both are involved with one subject."""

    first: AgencyId
    second: AgencyId
    commitment: Bytes32


Act = Literal[
    "log-opened",
    "log-head-accepted",
    "log-recovered",
    "log-exported",
    "side-records-erased",
    "code-issued",
    "publication-marked",
    "agency-registered",
    "agency-enrolled",
    "agency-introduced",
    "agency-key-changed",
    "agency-suspended",
    "agency-resumed",
    "desk-signed",
    "desk-withdrawn",
    "epoch-opened",
    "epoch-closed",
    "purpose-added",
    "purpose-removed",
    "agreement-signed",
    "agreement-ended",
    "handover-sent",
    "witness-declared",
    "evaluations-counted",
]


class Administration(_Entry, frozen=True, tag="administration"):
    """Something about the partnership changed: by a signed document or by the steward."""

    act: Act
    agency: AgencyId | None
    document: Envelope | None
    note: Line | None


class Refusal(_Entry, frozen=True, tag="refusal"):
    """A validly signed request was refused; `code` is that of the problem document."""

    agency: AgencyId
    operation: Line
    code: Line
    statement: Envelope | None


class AuditReading(_Entry, frozen=True, tag="audit-reading"):
    """An auditor read entries or side records; `statement` says which and on what ground."""

    statement: Envelope


Entry = (
    Consultation
    | Collection
    | Alteration
    | Erasure
    | Disclosure
    | Combination
    | Administration
    | Refusal
    | AuditReading
)


class ReceiptStatement(Message, frozen=True):
    """Signed by the log: this entry is durable, and stands in the tree before `deadline`."""

    log: Annotated[str, Meta(min_length=1, max_length=200)]
    leaf: Bytes32
    recorded_at: Millis
    deadline: Millis
