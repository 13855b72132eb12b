"""The connector's local API: what a page or a case system on the same machine may ask."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.fields import Bytes16, Line, Message, Millis, PurposeCode, Reference
from schemas.lookups import Breadth

Typed = Annotated[str, Meta(max_length=300)]
Surety = Literal["strong", "likely", "possible"]


class Identifier(Message, frozen=True):
    """A strong identifier as typed, such as an NHS number."""

    kind: Literal["nhs", "pnc", "cro", "nin", "upn"]
    value: Typed


class TypedParticulars(Message, frozen=True):
    """What the officer knows of the person. It stays in the connector, sealed in its journal."""

    full_name: Typed = ""
    given: Typed = ""
    middle: Typed = ""
    family: Typed = ""
    born: Typed = ""
    postcode: Typed = ""
    identifiers: Annotated[tuple[Identifier, ...], Meta(max_length=5)] = ()


class CheckRequest(Message, frozen=True):
    """Checks a name. `check` is random and the caller's: the same again gets the first answer."""

    check: Bytes16
    particulars: TypedParticulars
    purpose: PurposeCode
    reason: Annotated[str, Meta(min_length=3, max_length=1000)]


class WiderRequest(Message, frozen=True):
    """Looks wider for the person of an earlier check: a second, recorded step."""

    check: Bytes16
    follows: Bytes16


class Team(Message, frozen=True):
    """A team to phone, from its own agency's signed desk, in words.

    `open_now` null: the desk states no hours. `out_of_hours` says it plainly if there is no number.
    """

    name: Line
    phone: str
    email: str | None
    hours: str
    open_now: bool | None
    out_of_hours: str
    out_of_hours_phone: str | None


class Involved(Message, frozen=True):
    """A partner that is involved, how sure that is, and what to quote until when."""

    partner: Line
    team: Team
    surety: Surety
    sure: str
    because: str
    reference: Reference
    expires_at: Millis


class NoneRecorded(Message, frozen=True):
    """A partner that was searched and recorded no involvement; `fresh` is `read_at` in words."""

    partner: Line
    read_at: Millis | None
    fresh: str


class NotSearched(Message, frozen=True):
    """A partner that was not searched, only in part, or is out of date; why, and whom to phone."""

    partner: Line
    why: str
    team: str | None
    phone: str | None


class CheckAnswer(Message, frozen=True):
    """The answer in the words of the pages, in the order in which it is to be read.

    `alarms` are about partners whose team could not be verified: they are involved, and no number
    is shown. `never_show` names every partner with a hidden desk, hit or miss. `follows` is the
    check that a wide one widens; `sentences` say what that one found.
    """

    check: Bytes16
    breadth: Breadth
    follows: Bytes16 | None
    checked_at: Millis
    headline: str
    alarms: tuple[str, ...]
    involved: tuple[Involved, ...]
    none_recorded: tuple[NoneRecorded, ...]
    not_searched: tuple[NotSearched, ...]
    never_show: tuple[Line, ...]
    sentences: tuple[str, ...]
    recorded: str
    can_look_wider: bool


class ResolveRequest(Message, frozen=True):
    """Someone has quoted a reference."""

    reference: Annotated[str, Meta(min_length=10, max_length=20)]


class ResolveAnswer(Message, frozen=True):
    """The holder's own record, who asked and for what, and the number to ring back on.

    `source` and `local_id` are null if the flag is not one that this connector remembers, and after
    a wide check until the desk has confirmed whom it is about, which the sentences say;
    `call_back` is null if the asker's desk could not be verified, and then `alarms` says so.
    """

    resolution: Bytes16
    reference: Reference
    source: str | None
    local_id: str | None
    asked_by: Line
    call_back: Team | None
    purpose: str
    officer: Bytes16
    asked_at: Millis
    asked: str
    breadth: Breadth
    expires_at: Millis
    alarms: tuple[str, ...]
    sentences: tuple[str, ...]


class Choices(Message, frozen=True):
    """What a form needs: the partnership's purposes and who this connector takes the user for."""

    agency: Line
    officer: Line
    purposes: tuple[tuple[PurposeCode, Line], ...]
