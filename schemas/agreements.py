"""Purposes and the information sharing agreements that let agencies find each other's flags."""

from typing import Annotated

from msgspec import Meta

from schemas.fields import AgencyId, AgreementId, Line, Message, Millis, PurposeCode


class Purpose(Message, frozen=True):
    """An agreed reason for checking a name: the code that is recorded and the words on pages."""

    code: PurposeCode
    words: Line


class Agreement(Message, frozen=True):
    """In force for these parties and purposes from `starts_at` until just before `ends_at`."""

    agreement: AgreementId
    title: Line
    parties: Annotated[tuple[AgencyId, ...], Meta(min_length=2, max_length=200)]
    purposes: Annotated[tuple[PurposeCode, ...], Meta(min_length=1, max_length=50)]
    starts_at: Millis
    ends_at: Millis
