"""Whom an officer's check can reach: the directory, the agreements relied on, our own desk."""

from typing import Final

from agency_connector.installation import Installation
from agency_connector.lookups import hours
from agency_connector.lookups.errors import CheckRefused
from agency_connector.transport import Refused, Unreachable
from agency_connector.trust import directory, storage
from agency_connector.trust.directory import PartnershipView
from foundation.operator import OperatorError
from schemas.agencies import Desk
from schemas.agreements import Purpose

FRESH_MS: Final = 60_000
"""How old the directory last fetched may be before it is fetched again."""
_MOST_AGREEMENTS: Final = 50


def seen(installation: Installation, not_older_than: int = FRESH_MS) -> PartnershipView:
    """Return the partnership, fetched anew if what was last seen is older (ms).

    If it cannot be fetched, what was last seen has to do: its keys and desks were verified then,
    and the index decides at the lookup. Raises OperatorError if it never was fetched.
    """
    try:
        view = directory.last_seen(installation)
    except OperatorError:
        return directory.refresh(installation)
    if 0 <= installation.clock() - view.seen_at < not_older_than:
        return view
    try:
        return directory.refresh(installation)
    except Unreachable:
        return view
    except Refused as refused:
        if refused.status != 503:
            raise
        return view


def purposes(installation: Installation) -> tuple[Purpose, ...]:
    """Return the purposes to choose from; raises as `seen` does."""
    listed = seen(installation).purposes
    return listed or seen(installation, not_older_than=0).purposes


def agreements(
    installation: Installation, view: PartnershipView, purpose: str, now: int
) -> tuple[str, ...]:
    """Return the agreements in force that cover our agency and `purpose`, by id.

    Raises CheckRefused if the purpose is not on the list, or no agreement covers it.
    """
    if purpose not in {listed.code for listed in view.purposes}:
        raise CheckRefused(
            422, "unknown-purpose", "the purpose is not on the partnership's list: choose another"
        )
    found = sorted(
        agreement.agreement
        for agreement in view.agreements
        if installation.agency in agreement.parties
        and purpose in agreement.purposes
        and agreement.starts_at <= now < agreement.ends_at
    )
    if not found:
        raise CheckRefused(
            422,
            "no-agreement",
            "no information sharing agreement in force covers this agency and this purpose: choose "
            "another purpose, or speak to the steward",
        )
    return tuple(found[:_MOST_AGREEMENTS])


def own_desk(installation: Installation) -> Desk:
    """Return our desk that is rung back: the first visible one of connector.toml that is signed.

    Raises OperatorError if there is none.
    """
    with installation.database.read() as connection:
        signed = {row.desk.desk: row for row in storage.own_desks(connection)}
    for told in installation.settings.desks:
        row = signed.get(told.id)
        if row is None or row.acknowledged_at is None:
            continue
        if row.desk.visibility == "visible" and not row.desk.withdrawn:
            return row.desk
    raise OperatorError(
        "this agency has no visible desk that partners could ring back: add one to connector.toml "
        "and run `agency-connector desk sign`"
    )


def time_zone(installation: Installation) -> str:
    """Return the time zone in which our officers read times: that of the desk rung back."""
    return own_desk(installation).time_zone


def team_of(view: PartnershipView, agency: str, asker: str, purpose: str) -> Desk | None:
    """Return the team of `agency` to phone when it was not searched, if one is known.

    The first visible verified desk, rather one that answers to `asker` and `purpose`.
    """
    desks = [
        desk
        for (holder, _), desk in sorted(view.desks.items())
        if holder == agency and desk.visibility == "visible" and not desk.withdrawn
    ]
    answering = [
        desk
        for desk in desks
        if (desk.purposes is None or purpose in desk.purposes)
        and (desk.agencies is None or asker in desk.agencies)
    ]
    return next(iter(answering or desks), None)


def open_teams_of(
    view: PartnershipView, agency: str, asker: str, purpose: str, now: int
) -> tuple[Desk, ...]:
    """Return the visible teams of `agency` that answer to `asker` and are staffed now (ms UTC)."""
    return tuple(
        desk
        for (holder, _), desk in sorted(view.desks.items())
        if holder == agency
        and desk.visibility == "visible"
        and not desk.withdrawn
        and (desk.purposes is None or purpose in desk.purposes)
        and (desk.agencies is None or asker in desk.agencies)
        and hours.is_open(desk, now)
    )
