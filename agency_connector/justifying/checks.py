"""Makes checks for officers, wherever they ask: one that is drawn only once it is justified.

Pages, local API and `agency-connector lookup` all come through here, so that there is no way round
the draw; it is one for each officer, however they ask.
"""

import secrets
from typing import Final

import msgspec

from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Beside
from agency_connector.justifying import storage
from agency_connector.justifying.justifications import (
    LONGEST,
    SHORTEST,
    Justification,
    Justifications,
)
from agency_connector.lookups import asking, partnership, token_sets
from agency_connector.lookups.asking import NOTHING_BESIDE
from agency_connector.lookups.errors import CheckRefused
from foundation.operator import OperatorError
from protocol.encoding import b64u_decode, b64u_encode
from schemas.checks import CheckAnswer, CheckRequest

NEW_ID_FOR: Final = frozenset({"check-differs", "check-lapsed"})
"""With these codes a check is refused that can be made under another id."""


class JustificationFirst(CheckRefused):
    """This check, or one that its officer began before, is to be justified first: `justification`.

    Its id; nothing has left this machine.
    """

    def __init__(self, justification: str) -> None:
        super().__init__(
            409,
            "justification-first",
            "a check of yours is drawn for a fuller justification: give it, or do without that "
            "check, on the page *Check a name* or with `agency-connector lookup --justify`; at an "
            "immediate risk of serious harm the page, and `lookup --at-once`, answer at once",
        )
        self.justification = justification


def check(
    installation: Installation, user: str, wanted: CheckRequest, beside: Beside = NOTHING_BESIDE
) -> CheckAnswer:
    """Check a name for `user` unless a justification is asked for first.

    A check that was begun before is not drawn again. Raises JustificationFirst, and what
    `lookups.asking.check` raises.
    """
    if not _was_begun(installation, user, wanted.check):
        require_usable(installation, wanted)
        drawn = Justifications(installation).drawn(user, wanted, beside)
        if drawn is not None:
            raise JustificationFirst(drawn)
    return asking.check(installation, user, wanted, beside)


def check_at_once(
    installation: Installation, user: str, wanted: CheckRequest, beside: Beside = NOTHING_BESIDE
) -> CheckAnswer:
    """Check a name at an immediate risk of serious harm: its justification is owed within a day."""
    beside = msgspec.structs.replace(beside, at_once=True)
    require_usable(installation, wanted)
    justifications = Justifications(installation)
    first = justifications.owe(user, wanted, beside)
    try:
        return asking.check(installation, user, wanted, beside)
    except Exception:
        if first:
            justifications.take_back(wanted.check)
        raise


def fitting(words: str) -> str:
    """Return a justification without needless white space; OperatorError if too short or long."""
    text = "\n".join(" ".join(line.split()) for line in words.split("\n")).strip()
    if len(text) < SHORTEST:
        raise OperatorError(f"Say more: {SHORTEST} characters or more")
    if len(text) > LONGEST:
        raise OperatorError(f"Shorten this to {LONGEST} characters or fewer")
    return text


def justify(installation: Installation, told: Justification, text: str) -> str:
    """Keep `text`, the fitting words of a pending justification; make the check if it waits for it.

    Returns the id of the check that was made. If it got no answer the justification stays pending,
    and what `lookups.asking.check` raises is raised.
    """
    check = told.about.wanted.check
    if told.kind == "drawn":
        check = _made(installation, told)
    Justifications(installation).give(told, text, check)
    return check


def answer_at_once(installation: Installation, told: Justification) -> str:
    """Make a check that waits for its justification at once; return its id.

    It is owed within a day.
    """
    justifications, about = Justifications(installation), told.about
    beside = msgspec.structs.replace(about.beside, at_once=True)
    first = justifications.owe(about.user, about.wanted, beside)
    try:
        check = _made(installation, told, at_once=True)
    except Exception:
        if first:
            justifications.take_back(about.wanted.check)
        raise
    if check != about.wanted.check:
        justifications.take_back(about.wanted.check)
        justifications.owe(about.user, msgspec.structs.replace(about.wanted, check=check), beside)
    justifications.defer(told, check)
    return check


def require_usable(installation: Installation, wanted: CheckRequest) -> None:
    """Raise OperatorError if the check would be refused before it was asked: that draws nothing."""
    listed = partnership.purposes(installation)
    if wanted.purpose in {purpose.code for purpose in listed}:
        token_sets.person_of(wanted.particulars, installation.clock())


def _was_begun(installation: Installation, user: str, check: str) -> bool:
    found = Journal.of(installation).find(b64u_decode(check, storage.ID_BYTES))
    return found is not None and found.asked.user == user


def _made(installation: Installation, told: Justification, *, at_once: bool = False) -> str:
    """Make the check and return its id, another one if the first can be used no more."""
    about = told.about
    beside = msgspec.structs.replace(about.beside, at_once=about.beside.at_once or at_once)
    try:
        asking.check(installation, about.user, about.wanted, beside)
    except CheckRefused as error:
        if error.code not in NEW_ID_FOR:
            raise
    else:
        return about.wanted.check
    renewed = b64u_encode(secrets.token_bytes(storage.ID_BYTES))
    wanted = msgspec.structs.replace(about.wanted, check=renewed)
    asking.check(installation, about.user, wanted, beside)
    return renewed
