"""A month of contact: calls, how soon, how often the wrong person, and desks that nobody answers.

From what officers said of their checks, what desks said of quoted references, and the requests to
phone. A team is counted as wrong only where an answer named that one team: otherwise nobody knows
which was meant.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from msgspec import Struct

from agency_connector.contacts import requests
from agency_connector.contacts.contact import Contact
from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.records import CameOfIt, Replies
from agency_connector.journal.sealing import JournalSeal
from agency_connector.supervising import storage
from agency_connector.supervising.reviewing import ms_of
from agency_connector.supervising.storage import CheckRow
from protocol.encoding import b64u_encode

_MOST: Final = 1_000_000
_SPOKEN: Final = ("spoke-useful", "spoke-not-useful")
_WRONG: Final = "different-person"
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000


class _Team(Struct, frozen=True):
    """Of a desk, its name."""

    name: str


class _Hit(Struct, frozen=True):
    """Of a hit, whose team it named."""

    partner: str
    desk: _Team | None


class _Found(Struct, frozen=True):
    found: tuple[_Hit, ...]


class _Kept(Struct, frozen=True):
    findings: _Found


class _OfDesk(Struct, frozen=True):
    desk: str


class _Resolved(Struct, frozen=True):
    """Of a resolved reference, which desk it was for."""

    resolution: _OfDesk


@dataclass(frozen=True, slots=True)
class Rate:
    """How often it was said of a team, and how often that it was another person."""

    team: str
    said: int
    wrong: int

    @property
    def share(self) -> str:
        """The share of the wrong ones in words."""
        return f"{100 * self.wrong / self.said:.0f}%" if self.said else ""


@dataclass(frozen=True, slots=True)
class Contacting:
    """The figures of a month of UTC. `sent` and `received`: requests to phone by their state.

    `calls`: checks after which somebody spoke with a team, by tap or by request. `half_within` and
    `most_within` (nine in ten): how long that took from the check, in words; "" without any.
    `idle`: this agency's teams for which nobody looked a reference up or answered a request.
    """

    calls: int
    half_within: str
    most_within: str
    sent: Mapping[str, int]
    received: Mapping[str, int]
    wrong_of_partners: tuple[Rate, ...]
    wrong_of_ours: tuple[Rate, ...]
    idle: tuple[str, ...]


def contacting_of(installation: Installation, first: date, before: date) -> Contacting:
    """Return the figures of the checks and requests from `first` until `before` begins."""
    begin, end = ms_of(first), ms_of(before)
    seal = JournalSeal(installation.keyring.get(JOURNAL))
    with installation.database.read() as connection:
        rows = storage.checks_between(connection, begin, end, _MOST)
        quoted = storage.resolutions_between(connection, begin, end)
    asked = requests.between(installation, begin, end)
    took = _took(seal, rows, asked)
    ours = tuple(_of_desk(seal, row) for row in quoted)
    names = {desk.id: desk.name for desk in installation.settings.desks if not desk.withdrawn}
    active = {desk for desk, _ in ours} | {one.desk for one in asked if _answered(one)}
    return Contacting(
        calls=len(took),
        half_within=in_words(_nth(took, 0.5)),
        most_within=in_words(_nth(took, 0.9)),
        sent=Counter(one.state for one in asked if one.sent),
        received=Counter(one.state for one in asked if not one.sent),
        wrong_of_partners=_rates(_said_of_partners(seal, rows)),
        wrong_of_ours=_rates(
            (names.get(desk, desk), said == _WRONG)
            for desk, said in ours
            if said in ("same-person", _WRONG)
        ),
        idle=tuple(sorted(name for desk, name in names.items() if desk not in active)),
    )


def in_words(took: int | None) -> str:
    """Return a time (ms) as a page says it: minutes up to two hours, hours up to two days, days."""
    if took is None:
        return ""
    minutes = took // _MINUTE_MS
    if minutes < 120:
        return "1 minute" if minutes <= 1 else f"{minutes} minutes"
    hours = took // _HOUR_MS
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"


def _took(seal: JournalSeal, rows: Iterable[CheckRow], asked: Iterable[Contact]) -> tuple[int, ...]:
    """Return for each check after which somebody spoke how long that took (ms), shortest first."""
    began = {b64u_encode(row.check): row for row in rows}
    spoke: dict[str, int] = {}
    for check, row in began.items():
        if row.came_of_it is not None:
            told = seal.open("came-of-it", row.check, row.came_of_it, CameOfIt).told
            at = min((each.at for each in told if each.outcome in _SPOKEN), default=None)
            if at is not None:
                spoke[check] = at
    for one in asked:
        at = min((step.at for step in one.steps if step.step == "spoken"), default=None)
        if one.sent and one.check in began and at is not None:
            spoke[one.check] = min(at, spoke.get(one.check, at))
    return tuple(sorted(max(0, at - began[check].asked_at) for check, at in spoke.items()))


def _nth(took: Sequence[int], share: float) -> int | None:
    return took[min(len(took) - 1, int(len(took) * share))] if took else None


def _said_of_partners(seal: JournalSeal, rows: Iterable[CheckRow]) -> Iterable[tuple[str, bool]]:
    for row in rows:
        if row.kept is None or row.came_of_it is None:
            continue
        teams = {
            f"{hit.partner}, {hit.desk.name}" if hit.desk else hit.partner
            for hit in seal.open("kept", row.check, row.kept, _Kept).findings.found
        }
        said = seal.open("came-of-it", row.check, row.came_of_it, CameOfIt).told[-1].outcome
        if len(teams) == 1 and said in (*_SPOKEN, _WRONG):
            yield teams.pop(), said == _WRONG


def _of_desk(seal: JournalSeal, row: storage.ResolutionRow) -> tuple[str, str]:
    """Return for which of our desks a reference was quoted, and what was said last; "" if none."""
    desk = seal.open("resolved", row.id, row.resolved, _Resolved).resolution.desk
    if row.replied is None:
        return desk, ""
    return desk, seal.open("replied", row.id, row.replied, Replies).told[-1].answered


def _rates(said: Iterable[tuple[str, bool]]) -> tuple[Rate, ...]:
    of_all: Counter[str] = Counter()
    of_wrong: Counter[str] = Counter()
    for team, wrong in said:
        of_all[team] += 1
        of_wrong[team] += wrong
    return tuple(Rate(team, number, of_wrong[team]) for team, number in sorted(of_all.items()))


def _answered(one: Contact) -> bool:
    return not one.sent and any(step.ours for step in one.steps)
