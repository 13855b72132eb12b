"""What a supervisor works through: the day's sample, justifications, opened checks, verdicts.

The sample of a day is drawn once the day is over: each check's lot is an HMAC under the journal's
key over day and check id, and the lowest lots are drawn. It can be repeated by whoever holds the
key, and steered by nobody: neither officer nor supervisor can foresee or change a lot.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from msgspec import Raw, Struct

from agency_connector.contacts import requests
from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.journal import Check, Journal
from agency_connector.journal.records import Asked
from agency_connector.journal.sealing import JournalSeal
from agency_connector.justifying.justifications import About, Given
from agency_connector.supervising import storage
from foundation.operator import OperatorError
from protocol.encoding import EncodingError, b64u_decode, b64u_encode, lp

Because = Literal["sample", "red-flag", "justification"]
"""Why a check was opened."""

Verdict = Literal["in-order", "ask", "not-in-order"]
"""What a supervisor says of a check."""

MOST: Final = 50_000
"""How many checks are looked through at most for one page."""
OPEN_MS: Final = 60 * 60_000
LONGEST_WORDS: Final = 2_000
_DAY_MS: Final = 86_400_000


class CannotReview(OperatorError):
    """This supervisor cannot open or judge this; the message is for the page."""


class Findings(Struct, frozen=True):
    """Of what a verified answer amounts to, how many are involved."""

    found: tuple[Raw, ...]


class Kept(Struct, frozen=True):
    """Of a kept answer, what is counted."""

    findings: Findings


class Opening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That `user` opened a check, why, and when (ms UTC)."""

    user: str
    check: str
    because: Because
    at: int


class Judged(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `user` says of a check, in which words, and when (ms UTC)."""

    user: str
    check: str
    verdict: Verdict
    words: str
    at: int

    def __repr__(self) -> str:
        return "Judged(<sealed>)"


@dataclass(frozen=True, slots=True, repr=False)
class Brief:
    """A check before it is opened. What was typed is in `asked`, and is not for a page.

    `without_contact`: it found a team, and its officer has neither said what came of it nor asked
    to be phoned.
    """

    id: str
    asked: Asked
    without_contact: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Justified:
    """A justification as the worklist has it. `check` is "" if none was made. Times are ms UTC."""

    user: str
    kind: str
    state: str
    asked_at: int
    due_at: int | None
    check: str


class Supervision:
    """The supervisors' work at one agency. Every method is one transaction of its own."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._key = installation.keyring.get(JOURNAL)
        self._seal = JournalSeal(self._key)

    def checks(self, since: int, before: int) -> tuple[Brief, ...]:
        """Return the checks of this time (ms UTC), oldest first, at most `MOST`."""
        with self._installation.database.read() as connection:
            rows = storage.checks_between(connection, since, before, MOST)
        now = self._installation.clock()
        asked = {
            one.check for one in requests.between(self._installation, since, now + 1) if one.sent
        }
        return tuple(
            Brief(
                id=b64u_encode(row.check),
                asked=self._seal.open("asked", row.check, row.asked, Asked),
                without_contact=b64u_encode(row.check) not in asked and self._is_silent(row),
            )
            for row in rows
        )

    def sample(self, day: date, of_day: Sequence[Brief] | None = None) -> tuple[Brief, ...]:
        """Return the sample of a day (UTC) that is over, oldest first; nothing of one that is not.

        `of_day` are the day's checks, if they were read already.
        """
        begin = ms_of(day)
        if begin + _DAY_MS > self._installation.clock():
            return ()
        found = self.checks(begin, begin + _DAY_MS) if of_day is None else of_day
        drawn = sorted(found, key=lambda brief: self._lot(day, brief.id))
        drawn = drawn[: self._installation.settings.supervision.sample_of_day]
        return tuple(sorted(drawn, key=lambda brief: brief.asked.asked_at))

    def open(self, user: str, check: str, because: Because) -> str:
        """Record that `user` opens a check, and return the id under which it is then shown.

        CannotReview if there is no such check, or it is their own.
        """
        found = self._check(check)
        if found is None:
            raise CannotReview("there is no such check in the journal")
        if found.asked.user == user:
            raise CannotReview("this check is your own: another supervisor looks at it")
        opening, now = secrets.token_bytes(storage.ID_BYTES), self._installation.clock()
        told = Opening(user=user, check=check, because=because, at=now)
        sealed = self._seal.seal("opened", opening, told)
        with self._installation.database.write() as connection:
            storage.put(connection, opening, b64u_decode(check), now, "opened", sealed)
        return b64u_encode(opening)

    def opened(self, user: str, opening: str) -> tuple[Opening, Check] | None:
        """Return what `user` opened within the hour; of another's opening, or a past one, None."""
        row = b64u_decode(opening, storage.ID_BYTES)
        with self._installation.database.read() as connection:
            sealed = storage.find(connection, row, "opened")
        if sealed is None:
            return None
        told = self._seal.open("opened", row, sealed, Opening)
        if told.user != user or self._installation.clock() - told.at >= OPEN_MS:
            return None
        check = self._check(told.check)
        return None if check is None else (told, check)

    def judge(self, user: str, opening: str, verdict: Verdict, words: str) -> None:
        """Keep what `user` says of the check that they opened; CannotReview if they have not.

        Words are required unless it is in order.
        """
        if verdict != "in-order" and not words:
            raise CannotReview("say in words what is to be asked, or what is not in order")
        if len(words) > LONGEST_WORDS:
            raise CannotReview(f"shorten this to {LONGEST_WORDS:,} characters or fewer")
        found = self.opened(user, opening)
        if found is None:
            raise CannotReview("this check is not open any more: open it again")
        check, now = found[0].check, self._installation.clock()
        told = Judged(user=user, check=check, verdict=verdict, words=words, at=now)
        row = secrets.token_bytes(storage.ID_BYTES)
        sealed = self._seal.seal("verdict", row, told)
        with self._installation.database.write() as connection:
            storage.put(connection, row, b64u_decode(check), now, "verdict", sealed)

    def verdicts(self, since: int) -> dict[str, tuple[Judged, ...]]:
        """Return what was said since then (ms UTC) of each check, by its id, oldest first."""
        with self._installation.database.read() as connection:
            rows = storage.verdicts_since(connection, since)
        found: dict[str, tuple[Judged, ...]] = {}
        for row, sealed in rows:
            told = self._seal.open("verdict", row, sealed, Judged)
            found[told.check] = (*found.get(told.check, ()), told)
        return found

    def justifications(self, since: int, before: int) -> tuple[Justified, ...]:
        """Return the justifications that were asked for in this time (ms UTC), newest first."""
        with self._installation.database.read() as connection:
            rows = storage.justifications_between(connection, since, before)
        return tuple(
            Justified(
                user=self._seal.open("justify", row.id, row.about, About).user,
                kind=row.kind,
                state=row.state,
                asked_at=row.asked_at,
                due_at=row.due_at,
                check="" if row.given is None else self._given(row.id, row.given).check,
            )
            for row in rows
        )

    def words_for(self, check: str, around: int) -> tuple[str, ...]:
        """Return the justifications of a check in the officer's words; `around`: when it was."""
        with self._installation.database.read() as connection:
            rows = storage.justifications_between(
                connection, around - 30 * _DAY_MS, around + 30 * _DAY_MS
            )
        given = [self._given(row.id, row.given) for row in rows if row.given is not None]
        return tuple(told.text for told in given if told.check == check)

    def _is_silent(self, row: storage.CheckRow) -> bool:
        """Return whether a check found a team and nothing was said of it."""
        if row.kept is None or row.came_of_it is not None:
            return False
        return bool(self._seal.open("kept", row.check, row.kept, Kept).findings.found)

    def _given(self, row: bytes, sealed: bytes) -> Given:
        return self._seal.open("justified", row, sealed, Given)

    def _check(self, check: str) -> Check | None:
        try:
            return Journal.of(self._installation).find(b64u_decode(check, storage.ID_BYTES))
        except EncodingError:
            return None

    def _lot(self, day: date, check: str) -> bytes:
        """HMAC-SHA256 under the journal's key over lp("ifi/1 sample", day, check id)."""
        told = lp("ifi/1 sample", day.isoformat(), check)
        return hmac.digest(self._key, told, hashlib.sha256)


def ms_of(day: date) -> int:
    """Return when a day of UTC begins, in ms."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def days_back(now: int, days: int) -> tuple[date, ...]:
    """Return the `days` days of UTC before that of `now` (ms), the last one first."""
    today = datetime.fromtimestamp(now / 1000, UTC).date()
    return tuple(today - timedelta(days=back) for back in range(1, days + 1))
