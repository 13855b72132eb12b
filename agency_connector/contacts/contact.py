"""A contact request as pages and commands show it, and what people enter to make one or step it."""

from dataclasses import dataclass
from typing import Literal

from schemas.agencies import Desk
from schemas.contacts import ContactStep, CrimeAnswer

StepState = Literal["waiting", "taken", "refused"]


@dataclass(frozen=True, slots=True, repr=False)
class NewContact:
    """What an officer enters to be phoned.

    `id`: 16 random bytes, base64url, made when the form is shown: the same again is the same
    request. `check` and `reference`: those of an answer that the officer was given. `text`: 1 to
    300 characters. `name`: how the officer is called; it travels sealed. `phone`: where to phone
    them, or None for their agency's desk that is rung back.
    """

    id: str
    check: str
    reference: str
    text: str
    name: str
    phone: str | None


@dataclass(frozen=True, slots=True, repr=False)
class NewStep:
    """What a person enters to take a step.

    `text`: why, for a refusal; a remark otherwise, or None. `crime`: the answer to the crime
    question, for a step that closes and for `crime-answered`; None leaves the question open.
    """

    step: ContactStep
    name: str
    text: str | None = None
    crime: CrimeAnswer | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """A step that was taken. `at`: when it was signed, ms UTC.

    `ours`: by this agency. `state` of one of ours: `waiting` for the index, `taken`, or `refused`
    by it; of another's it is `taken`. `name` and `text` are None once they are erased.
    """

    step: ContactStep
    ours: bool
    name: str | None
    text: str | None
    crime: CrimeAnswer | None
    at: int
    state: StepState


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """A contact request as far as it has got. Times are ms UTC.

    `sent`: this agency asks; otherwise it is asked. `agency` and `partner`: id and name of the
    other one. `desk`: the id of the desk that is asked, "" if the request cannot be read; `team`:
    the signed desk to phone: that of the asker to ring back for a received one, that which is
    asked for one sent; None if it is not verified. `check` and `user`: of one sent, whose it is.
    `text`, `name`, `phone`: what the officer wrote; None once erased, or not readable.
    `state`: the last step that was taken, but for `crime-answered`. `may`: the steps that this
    agency may take now. `due_at`: by when the next step is due, None once closed. `waiting`: a step
    of ours has not reached the index yet; `trouble`: in one sentence why it was refused, or why a
    request cannot be read. `crime`: the last answer to the crime question; `crime_open`: the
    request is closed and the question is not answered.
    """

    id: str
    sent: bool
    agency: str
    partner: str
    reference: str
    desk: str
    team: Desk | None
    check: str | None
    user: str | None
    text: str | None
    name: str | None
    phone: str | None
    state: ContactStep
    steps: tuple[Step, ...]
    may: frozenset[ContactStep]
    asked_at: int
    closed_at: int | None
    due_at: int | None
    overdue: bool
    waiting: bool
    trouble: str | None
    crime: CrimeAnswer | None
    crime_open: bool
