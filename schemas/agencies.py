"""Who takes part: identity, enrolment, introductions, key changes, desks and the directory."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.agreements import Agreement, Purpose
from schemas.envelopes import Envelope, KeyId
from schemas.fields import (
    AgencyId,
    Blob,
    Bytes16,
    Bytes32,
    Count,
    DeskId,
    Email,
    Epoch,
    Line,
    Message,
    Millis,
    PartnershipId,
    Phone,
    PurposeCode,
    TimeOfDay,
    TimeZone,
    VerifierKey,
)

AgencyRole = Literal["member", "auditor", "contact"]
AgencyStatus = Literal["active", "suspended"]


class Steward(Message, frozen=True):
    """The organisation that runs the index, and the named people who answer for it."""

    organisation: Line
    accountable_officer: Line
    data_protection_contact: Line


class IndexIdentity(Message, frozen=True):
    """What an index says of itself; believed only as far as the enrolment code confirms it."""

    partnership: PartnershipId
    index_key: Bytes32
    log_key: VerifierKey
    steward: Steward
    now: Millis


class AgencyKeys(Message, frozen=True):
    """An agency's public keys: Ed25519 to sign, X25519 to be sealed to."""

    signing: Bytes32
    sealing: Bytes32


class Enrolment(Message, frozen=True):
    """A newcomer's keys with the one-time code; the request is signed with `keys.signing`."""

    agency: AgencyId
    code: Bytes16
    keys: AgencyKeys


class Enrolled(Message, frozen=True):
    """The index has taken the newcomer's keys; other members believe them after a hand-over."""

    agency: AgencyId
    name: Line
    role: AgencyRole
    partnership: PartnershipId


class Introduction(Message, frozen=True):
    """Signed by a member whose person compared the newcomer's fingerprint: these are its keys.

    The founder's is signed by itself. Connectors believe an agency's keys through a chain of
    these that starts at a key they were handed, never because the index lists them.
    """

    partnership: PartnershipId
    introducer: AgencyId
    agency: AgencyId
    name: Line
    role: AgencyRole
    keys: AgencyKeys
    signed_at: Millis


class KeyChange(Message, frozen=True):
    """Signed with the agency's old signing key: from now on these are its keys."""

    partnership: PartnershipId
    agency: AgencyId
    old_key: KeyId
    keys: AgencyKeys
    signed_at: Millis


class OpenHours(Message, frozen=True):
    """One day's opening of a desk, local time; 0 is Monday."""

    day: Annotated[int, Meta(ge=0, le=6)]
    opens: TimeOfDay
    closes: TimeOfDay


class Desk(Message, frozen=True):
    """Signed by its agency: the team a flag points to and how it is reached.

    `purposes` and `agencies` say to whom it answers; null means all that an agreement covers.
    `out_of_hours_phone` null means plainly that there is none. A later `version` replaces an
    earlier; `withdrawn` ends the desk. A hidden desk is never shown to another agency.
    """

    partnership: PartnershipId
    agency: AgencyId
    desk: DeskId
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    name: Line
    phone: Phone
    email: Email | None
    hours: Annotated[tuple[OpenHours, ...], Meta(max_length=21)]
    time_zone: TimeZone
    out_of_hours_phone: Phone | None
    purposes: Annotated[tuple[PurposeCode, ...], Meta(max_length=50)] | None
    agencies: Annotated[tuple[AgencyId, ...], Meta(max_length=200)] | None
    visibility: Literal["visible", "hidden"]
    withdrawn: bool
    signed_at: Millis


class Signed(Message, frozen=True):
    """A signed document that an agency lays before the index."""

    document: Envelope


class Acknowledged(Message, frozen=True):
    """The index has taken a signed document and written it to the record."""

    entry: Blob
    receipt: Envelope


class KeyEntry(Message, frozen=True):
    """An entry that put a key of an agency into the record; `number` null until it has one."""

    entry: Blob
    number: Count | None


class KeyEntries(Message, frozen=True):
    """The entries that enrolled and changed the keys of the asking agency, oldest first."""

    entries: Annotated[tuple[KeyEntry, ...], Meta(max_length=1_000)]


class Publication(Message, frozen=True):
    """How fresh an agency's flags of one epoch are."""

    epoch: Epoch
    state: Literal["complete", "paused"]
    read_at: Millis


class DirectoryAgency(Message, frozen=True):
    """An agency as the index lists it. Its keys are a claim until an introduction backs them."""

    agency: AgencyId
    name: Line
    role: AgencyRole
    status: AgencyStatus
    keys: AgencyKeys | None
    hidden_desk: bool
    publications: tuple[Publication, ...]


class Directory(Message, frozen=True):
    """Everything an agency needs to know of the partnership; each signed part checks itself.

    `witnesses` are the declarations in force, one for each agency at most.
    """

    partnership: PartnershipId
    steward: Steward
    agencies: tuple[DirectoryAgency, ...]
    introductions: tuple[Envelope, ...]
    key_changes: tuple[Envelope, ...]
    desks: tuple[Envelope, ...]
    purposes: tuple[Purpose, ...]
    agreements: tuple[Agreement, ...]
    epochs: tuple[Envelope, ...]
    witnesses: tuple[Envelope, ...]
    now: Millis
