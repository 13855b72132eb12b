"""Whom to phone when nobody could be searched: the partners' teams as they were last seen."""

from dataclasses import dataclass

from agency_connector.installation import Installation
from agency_connector.lookups import hours, partnership
from agency_connector.trust import directory
from foundation.operator import OperatorError


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner that was not searched, and the team to phone; "" if none is known."""

    name: str
    team: str
    phone: str


@dataclass(frozen=True, slots=True)
class Unsearched:
    """The partners by name, and in words when the directory was last seen."""

    partners: tuple[Partner, ...]
    seen: str


def unsearched(installation: Installation, purpose: str) -> Unsearched | None:
    """Return whom to phone for a purpose instead; None if the directory was never seen."""
    try:
        view = directory.last_seen(installation)
        zone = partnership.time_zone(installation)
    except OperatorError:
        return None
    found = []
    for listed in sorted(view.agencies.values(), key=lambda each: each.name):
        if listed.agency == installation.agency or listed.role == "auditor":
            continue
        team = partnership.team_of(view, listed.agency, installation.agency, purpose)
        known = ("", "") if team is None else (team.name, team.phone)
        found.append(Partner(listed.name, *known))
    return Unsearched(tuple(found), hours.day_and_time(view.seen_at, zone, installation.clock()))
