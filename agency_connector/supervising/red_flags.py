"""Red flags: what a person should look at, from sign-in claims, journal and requests to phone.

None of them says that anything is wrong, and each says in a sentence what it was raised by. None
tells whom a check was about: for that a supervisor opens it, which is recorded.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agency_connector.journal.records import Asked
from agency_connector.matching.names import words
from agency_connector.sign_in.trail import Known
from agency_connector.supervising.reviewing import Brief
from agency_connector.supervising.settings import SupervisionSettings

MOST_CHECKS: Final = 5
"""So many checks of one red flag are offered to be opened."""
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS


@dataclass(frozen=True, slots=True, repr=False)
class RedFlag:
    """One red flag: whose checks, why in a sentence, when last (ms UTC), and the checks by id."""

    user: str
    sentence: str
    at: int
    checks: tuple[str, ...]


def red_flags(
    checks: Sequence[Brief], known: Sequence[Known], settings: SupervisionSettings, now: int
) -> tuple[RedFlag, ...]:
    """Return the red flags of `checks`, which are oldest first, at `now` (ms UTC); newest first.

    `known`: everybody who has signed in, with their names as the identity provider has them.
    """
    found: list[RedFlag] = []
    if settings.own_surname:
        found += _own_surname(checks, known)
    if settings.colleagues:
        found += _colleagues(checks, known)
    if settings.repeats:
        found += _again_and_again(checks, settings.repeats)
    if settings.burst_checks:
        found += _bursts(checks, settings.burst_checks, settings.burst_minutes)
    if settings.without_contact:
        found += _without_contact(checks, settings.without_contact, settings.contact_hours, now)
    return tuple(sorted(found, key=lambda flag: (-flag.at, flag.user, flag.sentence)))


def _own_surname(checks: Iterable[Brief], known: Iterable[Known]) -> Iterable[RedFlag]:
    surnames = {one.user: frozenset(words(one.family_name)) for one in known}
    for brief in checks:
        own = surnames.get(brief.asked.user, frozenset())
        if own and own <= _typed(brief.asked):
            yield _of_one(
                brief,
                "The name that was checked has the officer's own surname. With a common surname "
                "that may be chance.",
            )


def _colleagues(checks: Iterable[Brief], known: Iterable[Known]) -> Iterable[RedFlag]:
    named = [
        (one.user, frozenset(words(one.given_name)) | frozenset(words(one.family_name)))
        for one in known
        if words(one.given_name) and words(one.family_name)
    ]
    for brief in checks:
        typed = _typed(brief.asked)
        if any(user != brief.asked.user and name <= typed for user, name in named):
            yield _of_one(
                brief,
                "The name that was checked is that of somebody who signs in to these pages. They "
                "may only be namesakes.",
            )


def _again_and_again(checks: Iterable[Brief], repeats: int) -> Iterable[RedFlag]:
    """One person by one officer, each time without a case reference; looking wider counts not."""
    of_person: dict[tuple[str, frozenset[str], str], list[Brief]] = defaultdict(list)
    for brief in checks:
        asked = brief.asked
        if asked.breadth == "narrow" and not asked.beside.case_reference.strip():
            born = "".join(filter(str.isalnum, asked.typed.particulars.born))
            of_person[asked.user, _typed(asked), born].append(brief)
    for (user, name, _), found in of_person.items():
        if name and len(found) >= repeats:
            said = (
                f"The officer has checked one person {len(found)} times without a case reference. "
                f"{repeats} times raise this."
            )
            yield _of_many(user, said, found)


def _bursts(checks: Iterable[Brief], most: int, minutes: int) -> Iterable[RedFlag]:
    by_officer: dict[str, list[Brief]] = defaultdict(list)
    for brief in checks:
        by_officer[brief.asked.user].append(brief)
    for user, own in by_officer.items():
        begin = 0
        for end, brief in enumerate(own):
            while brief.asked.asked_at - own[begin].asked.asked_at > minutes * _MINUTE_MS:
                begin += 1
            if end - begin + 1 == most:
                said = (
                    f"The officer made {most} checks within {minutes} minutes. At the start of an "
                    "incident that may be right."
                )
                yield _of_many(user, said, own[begin : end + 1])
                # What comes next begins anew: a long burst is not a red flag for each check.
                begin = end + 1


def _without_contact(
    checks: Iterable[Brief], most: int, within_hours: int, now: int
) -> Iterable[RedFlag]:
    """Checks of one officer that found a team, of which nothing came; looking wider counts not."""
    before = now - within_hours * _HOUR_MS
    by_officer: dict[str, list[Brief]] = defaultdict(list)
    for brief in checks:
        narrow = brief.asked.breadth == "narrow"
        if brief.without_contact and narrow and brief.asked.asked_at <= before:
            by_officer[brief.asked.user].append(brief)
    for user, found in by_officer.items():
        if len(found) >= most:
            said = (
                f"The officer made {len(found)} checks that found a team, each more than "
                f"{within_hours} hours ago, and neither said what came of them nor asked to be "
                f"phoned. They may have phoned without saying so. {most} raise this."
            )
            yield _of_many(user, said, found)


def _typed(asked: Asked) -> frozenset[str]:
    told = asked.typed.particulars
    return frozenset(words(" ".join((told.full_name, told.given, told.middle, told.family))))


def _of_one(brief: Brief, sentence: str) -> RedFlag:
    return RedFlag(brief.asked.user, sentence, brief.asked.asked_at, (brief.id,))


def _of_many(user: str, sentence: str, found: Sequence[Brief]) -> RedFlag:
    last = tuple(brief.id for brief in found[-MOST_CHECKS:])
    return RedFlag(user, sentence, found[-1].asked.asked_at, last)
