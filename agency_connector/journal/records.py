"""What the journal keeps of a check and of a quoted reference: small frozen values, sealed."""

from typing import Literal

from msgspec import Struct

from schemas.agencies import Desk
from schemas.checks import Surety, TypedParticulars
from schemas.fields import AgencyId, Line, Millis, PurposeCode
from schemas.lookups import Breadth, LookupAnswer, LookupRequest, PartnerState, Resolution

Outcome = Literal["spoke-useful", "spoke-not-useful", "not-reached", "different-person"]
"""What came of a check."""

Answered = Literal["confirmed", "same-person", "different-person", "not-ours"]
"""What a desk says of a quoted reference; `confirmed`: whoever asked, rung back, was the asker."""


class _Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the journal. Its text form shows nothing: what officers type ends up in it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<sealed>)"


class Typed(_Record, frozen=True, kw_only=True):
    """What the officer typed: the statement commits to the canonical bytes of this."""

    particulars: TypedParticulars
    reason: str


class Beside(_Record, frozen=True, kw_only=True):
    """What an officer says beside a check, for their own agency alone; nothing commits to it.

    `at_once`: there was an immediate risk of serious harm, and the justification follows.
    """

    case_reference: str = ""
    on_behalf_of: str = ""
    at_once: bool = False


class SetSalts(_Record, frozen=True, kw_only=True):
    """Of one epoch's token set: what opens the commitment, and what its dummies are made of."""

    epoch: int
    scheme: str
    salt: str
    dummy_salt: str


class Asked(_Record, frozen=True, kw_only=True):
    """A check as it was begun, before anything left this machine.

    `user` is the officer as this machine knows them, `officer` the pseudonym. The salts open the
    statement's commitments to an auditor, with what was typed.
    """

    user: str
    officer: str
    purpose: PurposeCode
    typed: Typed
    breadth: Breadth
    follows: str | None
    particulars_salt: str
    sets: tuple[SetSalts, ...]
    asked_at: Millis
    beside: Beside = Beside()


class Prepared(_Record, frozen=True, kw_only=True):
    """The request as it goes out. `places` holds per epoch the position of each key's token."""

    request: LookupRequest
    places: tuple[tuple[int, ...], ...]
    signed_at: Millis


class Found(_Record, frozen=True, kw_only=True):
    """One hit, graded. `desk` is None if its agency's signature could not be verified."""

    agency: AgencyId
    partner: Line
    desk: Desk | None
    surety: Surety
    because: str
    reference: str
    expires_at: Millis


class Partner(_Record, frozen=True, kw_only=True):
    """Whether a partner was searched; `desk` is the team to phone if it was not.

    `shows` is False if it has a hidden desk, so that its silence says nothing.
    """

    agency: AgencyId
    name: Line
    shows: bool
    state: PartnerState | None
    desk: Desk | None


class Before(_Record, frozen=True, kw_only=True):
    """A partner that the check which a wide one follows has shown."""

    agency: AgencyId
    partner: Line


class Findings(_Record, frozen=True, kw_only=True):
    """An answer after every check of it: what the page's words are made of.

    `found_before` are the partners that the check which a wide one follows has shown. Two partners
    may have one name, so what is said of whom is decided by agency id.
    """

    found: tuple[Found, ...]
    partners: tuple[Partner, ...]
    never_show: tuple[Line, ...]
    log: str
    answered_at: Millis
    time_zone: str
    found_before: tuple[Before, ...]
    by_name_and_date: bool
    nothing_sure: bool
    can_look_wider: bool


class Kept(_Record, frozen=True, kw_only=True):
    """An answer as it came, which is evidence, and as it was understood."""

    answer: LookupAnswer
    findings: Findings


class Quoted(_Record, frozen=True, kw_only=True):
    """That someone quoted a reference to `user`."""

    user: str
    reference: str
    asked_at: Millis


class Resolved(_Record, frozen=True, kw_only=True):
    """Whom a reference is about and who asked, after every check of it."""

    resolution: Resolution
    source: str | None
    local_id: str | None
    asked_by: Line
    call_back: Desk | None
    purpose: str
    time_zone: str


class Came(_Record, frozen=True, kw_only=True):
    """What an officer said came of a check, and when."""

    outcome: Outcome
    at: Millis


class CameOfIt(_Record, frozen=True, kw_only=True):
    """All that was said of one check, the last of which counts."""

    told: tuple[Came, ...]


class Reply(_Record, frozen=True, kw_only=True):
    """What a desk answered, and when."""

    answered: Answered
    at: Millis


class Replies(_Record, frozen=True, kw_only=True):
    """All that a desk answered about one quoted reference, oldest first."""

    told: tuple[Reply, ...]


class Act(_Record, frozen=True, kw_only=True):
    """Something done with a check in the journal."""

    user: str
    what: Literal["printed"]
    check: str
    at: Millis
