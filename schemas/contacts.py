"""Asking a desk to phone: the signed steps of a contact request, and what is sealed in each."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from schemas.envelopes import Envelope, KeyId
from schemas.fields import (
    AgencyId,
    Blob,
    Bytes16,
    Bytes32,
    DeskId,
    Line,
    Message,
    Millis,
    PartnershipId,
    Phone,
    Reference,
)

MAX_STEPS: Final = 8
MAX_FETCHED: Final = 20
SEALED_BYTES: Final = 4_144
LONGEST_TEXT: Final = 300
NOT_A_CRIME_REPORT: Final[Literal["This is not a crime report."]] = "This is not a crime report."

ContactStep = Literal[
    "asked", "will-phone", "spoken", "refused", "no-longer-ours", "crime-answered"
]

ContactText = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*\Z",
        min_length=1,
        max_length=LONGEST_TEXT,
        description="a short text in somebody's own words; a line feed is its only control",
    ),
]
Sealed = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{5525}[AQgw]\Z",
        description="4,144 bytes that only the recipient can open, base64url",
    ),
]


class ContactStatement(Message, frozen=True):
    """The signed account of one step of a contact request that stands in the log: no content.

    `number` counts the steps of `request` from 0; `previous` is the digest of the step before
    (`protocol.contacts`), null in the first. `officer` is a pseudonym only `agency` can resolve;
    `to_key` names the sealing key of `recipient` that `sealed`, the digest of the sealed bytes, is
    for.
    """

    partnership: PartnershipId
    agency: AgencyId
    request: Bytes16
    number: Annotated[int, Meta(ge=0, lt=MAX_STEPS)]
    previous: Bytes32 | None
    step: ContactStep
    reference: Reference
    recipient: AgencyId
    officer: Bytes16
    to_key: KeyId
    sealed: Bytes32
    signed_at: Millis


class CrimeAnswer(Message, frozen=True):
    """Whether a crime was disclosed and, if so, its reference or who records it (or both)."""

    disclosed: bool
    reference: Line | None
    recorded_by: Line | None

    def __post_init__(self) -> None:
        """Raise ValueError if a disclosed crime has neither, or another answer has one."""
        if self.disclosed != bool(self.reference or self.recorded_by):
            raise ValueError(
                "a crime that was disclosed has a reference or somebody who records it, and only it"
            )


class ContactRequest(Message, frozen=True, tag_field="kind", tag="request"):
    """What is sealed in the step `asked`: please phone me, about a reference that you gave out.

    `desk` is the one that the asker's answer named; `name` and `phone` are the officer's; without
    `phone` it is the desk to ring back of the asker's agency that is to be phoned.
    """

    notice: Literal["This is not a crime report."]
    desk: DeskId
    text: ContactText
    name: Line
    phone: Phone | None


class ContactReply(Message, frozen=True, tag_field="kind", tag="reply"):
    """What is sealed in every later step: who says so, why or what else, the crime question.

    `text` must be there in a refusal. `crime` null in a step that closes says that the question
    has not been answered yet; `crime-answered` answers it.
    """

    name: Line
    text: ContactText | None
    crime: CrimeAnswer | None


ContactContents = ContactRequest | ContactReply


class ContactSend(Message, frozen=True):
    """One step on its way to the other agency: the statement, and the sealed bytes it names."""

    statement: Envelope
    sealed: Sealed


class ContactDelivery(Message, frozen=True):
    """One step as its recipient gets it, with what proves that it was recorded."""

    statement: Envelope
    sealed: Sealed
    entry: Blob
    receipt: Envelope


class ContactMark(Message, frozen=True):
    """One step, by request and number."""

    request: Bytes16
    number: Annotated[int, Meta(ge=0, lt=MAX_STEPS)]


class ContactFetch(Message, frozen=True):
    """Asks for the steps that wait for the asking agency.

    `delivered` are steps it has kept; the index deletes their sealed bytes before it answers.
    """

    delivered: Annotated[tuple[ContactMark, ...], Meta(max_length=MAX_FETCHED)]


class ContactInbox(Message, frozen=True):
    """The oldest steps that wait for the asking agency, in the order they were taken."""

    steps: Annotated[tuple[ContactDelivery, ...], Meta(max_length=MAX_FETCHED)]
