"""Retention: what the agency's journal has kept for as long as it may is erased, bit by bit.

The journal is what stands in the tables below; all that tells of a person in it is sealed. With it
go the keys of the officers' pseudonyms: then nobody can tell any more who an officer in the log
was. Turns of the draw, which hold no more than a count, stay.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Column, Table, delete, select

from agency_connector.auditing.storage import readings
from agency_connector.contacts.storage import contacts, steps
from agency_connector.installation import Installation
from agency_connector.journal.storage import acts, checks, pseudonym_years, resolutions
from agency_connector.justifying.storage import justifications
from agency_connector.sign_in.storage import events, people
from agency_connector.supervising.storage import reviews
from foundation import logs

PORTION: Final = 500
"""How many rows go in one transaction, so that no officer waits for it."""

_ENDED_BY: Final[Sequence[tuple[Table, Column[int]]]] = tuple(
    (table, table.c[name])
    for table, name in (
        (checks, "asked_at"),
        (resolutions, "asked_at"),
        (acts, "at"),
        (readings, "asked_at"),
        (justifications, "asked_at"),
        (reviews, "at"),
        (events, "at"),
        (people, "seen_at"),
    )
)


def years_before(now: int, years: int) -> int:
    """Return the same day and time `years` years before `now` (ms UTC); 28 February if need be."""
    moment = datetime.fromtimestamp(now / 1000, UTC)
    try:
        earlier = moment.replace(year=moment.year - years)
    except ValueError:
        earlier = moment.replace(year=moment.year - years, day=28)
    return int(earlier.timestamp() * 1000)


def end(installation: Installation) -> bool:
    """Erase what is older than `[retention] journal_years`, and the pseudonym keys of those years.

    Returns True: there is nothing that a person has to do about it.
    """
    cutoff = years_before(installation.clock(), installation.settings.retention.journal_years)
    erased = sum(_erased(installation, table, at, cutoff) for table, at in _ENDED_BY)
    erased += _contacts_erased(installation, cutoff)
    erased += _keys_destroyed(installation, datetime.fromtimestamp(cutoff / 1000, UTC).year)
    if erased:
        logs.get_logger().info("retention.erased", rows=erased)
    return True


def _erased(installation: Installation, table: Table, at: Column[int], cutoff: int) -> int:
    """Erase a table's rows from before `cutoff` (ms UTC); return how many there were."""
    (key,) = table.primary_key.columns
    rows = 0
    while True:
        with installation.database.write() as connection:
            oldest = select(key).where(at < cutoff).order_by(at).limit(PORTION)
            gone = connection.execute(delete(table).where(key.in_(oldest)).returning(key)).all()
        rows += len(gone)
        if len(gone) < PORTION:
            return rows


def _contacts_erased(installation: Installation, cutoff: int) -> int:
    """Erase contact requests with their steps, counted from the last one; return how many.

    What people wrote in them went long before (`[contacts] kept_days`).
    """
    rows = 0
    while True:
        with installation.database.write() as connection:
            oldest = (
                select(contacts.c.contact_id)
                .where(contacts.c.stepped_at < cutoff)
                .order_by(contacts.c.stepped_at)
                .limit(PORTION)
            )
            gone = connection.execute(oldest).scalars().all()
            connection.execute(delete(steps).where(steps.c.contact_id.in_(gone)))
            connection.execute(delete(contacts).where(contacts.c.contact_id.in_(gone)))
        rows += len(gone)
        if len(gone) < PORTION:
            return rows


def _keys_destroyed(installation: Installation, year: int) -> int:
    """Destroy the pseudonym keys of the years before `year`; return how many there were.

    The key goes before the row that tells of it: what is interrupted in between is done again.
    """
    with installation.database.read() as connection:
        earlier = select(pseudonym_years.c.year).where(pseudonym_years.c.year < year)
        years = connection.execute(earlier).scalars().all()
    keyring = installation.keyring
    if years:
        keyring.refresh()
    for each in years:
        if f"pseudonym-{each}" in keyring.names():
            keyring.remove(f"pseudonym-{each}")
        with installation.database.write() as connection:
            connection.execute(delete(pseudonym_years).where(pseudonym_years.c.year == each))
    return len(years)
