"""The names that are checked, as officers would, and what each answer has to be."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from deploy.demo.involvements import AMARA, DEAN, HANNAH, JESSICA, PRIYA, STRANGER, WILLIAM, kai
from deploy.demo.members import (
    HEALTH,
    HOUSING,
    POLICE,
    PROBATION,
    REOFFENDING,
    SAFEGUARDING,
    Member,
)

ALMOST_CERTAIN: Final = "Almost certainly the same person"
PROBABLE: Final = "Probably the same person"
UNSURE: Final = "May not be the same person"
GRADES: Final = (ALMOST_CERTAIN, PROBABLE, UNSURE)

_NONE_RECORDED: Final = "None recorded"
_NOT_SEARCHED: Final = "Not searched or out of date"
_NEVER_SHOW: Final = "Some partners never show"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an answer has to say of each partner, by name; `involved` with how sure
    it is, in the words of the answer."""

    involved: Mapping[str, str] = field(default_factory=dict)
    none_recorded: frozenset[str] = frozenset()
    not_searched: frozenset[str] = frozenset()
    never_show: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class NameCheck:
    """One check: who asks, what they type, for what, and what the answer has to be.

    `wider` is what has to come of looking wider; None if nobody does. `because` says what is
    remarkable about this check.
    """

    asker: Member
    name: str
    born: str
    purpose: str
    reason: str
    because: str
    expected: Expected
    wider: Expected | None = None


_NOTHING_SHOWN: Final = Expected(
    none_recorded=frozenset({POLICE.name}),
    not_searched=frozenset({PROBATION.name}),
    never_show=frozenset({HEALTH.name}),
)


def shown_in_full() -> tuple[NameCheck, ...]:
    """Return the checks whose answers are printed."""
    return (
        NameCheck(
            asker=HOUSING,
            name=f"{DEAN.given} {DEAN.family}",
            born="14/3/1983",
            purpose=SAFEGUARDING,
            reason="Neighbours say he is not coping",
            because="Probation knows him too, but no agreement covers that: it is not searched.",
            expected=Expected(
                involved={POLICE.name: ALMOST_CERTAIN, HEALTH.name: ALMOST_CERTAIN},
                not_searched=frozenset({PROBATION.name}),
                never_show=frozenset({HEALTH.name}),
            ),
        ),
        NameCheck(
            asker=POLICE,
            name=f"Bill {WILLIAM.family}",
            born="2 Sept 1957",
            purpose=SAFEGUARDING,
            reason="Found confused at the bus station",
            because="Housing wrote William.",
            expected=Expected(
                involved={HOUSING.name: ALMOST_CERTAIN},
                not_searched=frozenset({PROBATION.name}),
                never_show=frozenset({HEALTH.name}),
            ),
        ),
        NameCheck(
            asker=HOUSING,
            name=f"{PRIYA.given} {PRIYA.family}",
            born="07.04.1991",
            purpose=REOFFENDING,
            reason="Tenancy on release",
            because="Probation wrote day and month the other way round.",
            expected=Expected(
                involved={PROBATION.name: ALMOST_CERTAIN},
                none_recorded=frozenset({POLICE.name}),
                not_searched=frozenset({HEALTH.name}),
                never_show=frozenset({HEALTH.name}),
            ),
        ),
        NameCheck(
            asker=PROBATION,
            name=f"{JESSICA.given} {JESSICA.family}",
            born="23 11 1994",
            purpose=REOFFENDING,
            reason="New address to be approved",
            because="Housing knows her by a former surname and at another address.",
            expected=Expected(
                none_recorded=frozenset({POLICE.name, HOUSING.name}),
                not_searched=frozenset({HEALTH.name}),
                never_show=frozenset({HEALTH.name}),
            ),
            wider=Expected(
                involved={HOUSING.name: UNSURE},
                none_recorded=frozenset({POLICE.name}),
                not_searched=frozenset({HEALTH.name}),
                never_show=frozenset({HEALTH.name}),
            ),
        ),
        NameCheck(
            asker=HOUSING,
            name=f"{STRANGER.given} {STRANGER.family}",
            born="30 6 1979",
            purpose=SAFEGUARDING,
            reason="New tenant, worried about his drinking",
            because="Nobody has recorded him.",
            expected=_NOTHING_SHOWN,
        ),
    )


def told_alike(today: date) -> tuple[NameCheck, ...]:
    """Return the checks whose answers have to be, word for word, that about the stranger."""
    child = kai(today)
    people = (
        (AMARA, "known to a team of the health trust that never shows"),
        (HANNAH, "a victim at the police: not flagged without the members' approval"),
        (child, "fifteen, and known to police and health: not flagged either"),
    )
    return tuple(
        NameCheck(
            asker=HOUSING,
            name=f"{person.given} {person.family}",
            born=person.born.isoformat(),
            purpose=SAFEGUARDING,
            reason="Worried after a visit",
            because=because,
            expected=_NOTHING_SHOWN,
        )
        for person, because in people
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says of each partner, read from the words that an officer reads."""

    involved: Mapping[str, str]
    none_recorded: tuple[str, ...]
    not_searched: tuple[str, ...]
    never_show: tuple[str, ...]
    alarms: tuple[str, ...]


def read_answer(words: str) -> Told:
    """Read what `agency-connector lookup` has printed."""
    involved: dict[str, str] = {}
    listed: dict[str, list[str]] = {_NONE_RECORDED: [], _NOT_SEARCHED: []}
    never_show: list[str] = []
    alarms = []
    partner = section = ""
    for line in words.splitlines():
        if line.startswith("Involved: "):
            partner = line.removeprefix("Involved: ")
            involved[partner] = ""
        elif line.strip() in GRADES:
            involved[partner] = line.strip()
        elif line in listed or not line:
            section = line
        elif section and (found := re.match(r"  (\S.*?)(?: +\(|: )", line)):
            listed[section].append(found[1])
        elif line.startswith(_NEVER_SHOW):
            never_show = re.split(r", | and ", line.removesuffix(".").rpartition(": ")[2])
        elif line.startswith("ALARM"):
            alarms.append(line)
    return Told(
        involved,
        tuple(listed[_NONE_RECORDED]),
        tuple(listed[_NOT_SEARCHED]),
        tuple(never_show),
        tuple(alarms),
    )


def differences_from(expected: Expected, told: Told) -> list[str]:
    """Return in words how an answer differs from what it has to be."""
    found = [
        f"{partner} should be {_sure(expected.involved.get(partner))}"
        f" and is {_sure(told.involved.get(partner))}"
        for partner in sorted({*told.involved, *expected.involved})
        if told.involved.get(partner) != expected.involved.get(partner)
    ]
    lists = (
        ("none recorded", expected.none_recorded, told.none_recorded),
        ("not searched", expected.not_searched, told.not_searched),
        ("never shows", expected.never_show, told.never_show),
    )
    for words, wanted, listed in lists:
        if sorted(listed) != sorted(wanted):
            found.append(f"{words} should be {_listed(wanted)} and is {_listed(listed)}")
    if told.alarms:
        found.append("there is an alarm")
    return found


def without_times(words: str) -> str:
    """Return an answer without what differs between any two checks: times, the check's own id."""
    plain = re.sub(r"\b[0-9]{1,2}:[0-9]{2}\b", "(time)", words)
    return re.sub(r"--wider \S+", "--wider (check)", plain)


def _sure(sure: str | None) -> str:
    return "not involved" if sure is None else f"involved: {sure}"


def _listed(partners: Iterable[str]) -> str:
    return ", ".join(sorted(partners)) or "nobody"
