"""Retention: what the index has kept for as long as it may is erased, a portion at a time.

Entries of the log stay: they hold nobody's data, and the tree must stay whole.
"""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_

from index_service.agencies.documents import signed_documents
from index_service.agencies.storage import enrolment_codes
from index_service.audit.administration import administer
from index_service.audit.intake import intake
from index_service.audit.reading_segments import forget_segments
from index_service.contacts import storage as contacts
from index_service.installation import Installation
from index_service.lookups.limits import lookup_counts
from index_service.lookups.storage import references, side_records
from index_service.spans import DAY_MS, HOUR_MS
from index_service.worker.doing import Done
from protocol.nonces import forget_old_nonces
from protocol.testimony import erased_note

PORTION: Final = 500
_COUNTS_KEPT_HOURS: Final = 48


def years_before(now: int, years: int) -> int:
    """Return the same day and time `years` years before `now` (ms UTC); 28 February if need be."""
    moment = datetime.fromtimestamp(now / 1000, UTC)
    try:
        earlier = moment.replace(year=moment.year - years)
    except ValueError:
        earlier = moment.replace(year=moment.year - years, day=28)
    return int(earlier.timestamp() * 1000)


def forget_nonces(connection: Connection, _: Installation, now: int) -> Done:
    """Forget the nonces of requests that are too old to be sent again."""
    return Done(forget_old_nonces(connection, now), more=False)


def erase_side_records(connection: Connection, index: Installation, now: int) -> Done:
    """Erase tokens and results of lookups older than the partnership keeps them."""
    cutoff = years_before(now, index.settings.rules.side_record_years)
    # The intake's numbers rise with time, so the oldest are read through an index. That two
    # entries of one moment may stand in either order only delays one of them to the next run.
    oldest = (
        select(
            side_records.c.agency, side_records.c.lookup, intake.c.recorded_at, intake.c.position
        )
        .join_from(side_records, intake, intake.c.id == side_records.c.intake)
        .order_by(side_records.c.intake)
        .limit(PORTION)
    )
    old = [row for row in connection.execute(oldest) if row.recorded_at < cutoff]
    if old:
        keys = [(row.agency, row.lookup) for row in old]
        these = tuple_(side_records.c.agency, side_records.c.lookup).in_(keys)
        connection.execute(delete(side_records).where(these))
        # Whoever verifies the log learns from this which side records may be missing.
        note = erased_note(len(old), cutoff)
        administer(connection, index, "side-records-erased", None, note=note)
        # What makes them findable by their tokens goes in the same moment.
        forget_segments(connection, [row.position for row in old])
    return Done(len(old), more=len(old) == PORTION)


def forget_references(connection: Connection, _: Installation, now: int) -> Done:
    """Forget references that can be quoted no more."""
    return _portion(connection, references, "reference", references.c.expires_at <= now)


def forget_counts(connection: Connection, _: Installation, now: int) -> Done:
    """Forget how many lookups were made in hours that no limit looks at."""
    old = lookup_counts.c.hour < now // HOUR_MS - _COUNTS_KEPT_HOURS
    return Done(connection.execute(delete(lookup_counts).where(old)).rowcount, more=False)


def forget_codes(connection: Connection, _: Installation, now: int) -> Done:
    """Forget enrolment codes, used or not, once they are too old to be used."""
    return _portion(connection, enrolment_codes, "digest", enrolment_codes.c.expires_at <= now)


def forget_handovers(connection: Connection, index: Installation, now: int) -> Done:
    """Forget sealed hand-over packages that their agency has had time enough to fetch."""
    kept_since = now - index.settings.rules.handover_days * DAY_MS
    recorded = select(intake.c.recorded_at).where(intake.c.id == signed_documents.c.intake)
    old = (signed_documents.c.kind == "handover") & (recorded.scalar_subquery() < kept_since)
    return _portion(connection, signed_documents, "id", old)


def forget_contacts(connection: Connection, index: Installation, now: int) -> Done:
    """Delete sealed steps that nobody fetched in time, and requests so long after their last step.

    A request is closed by its last steps, so that one that was closed stays as long after that.
    """
    before = now - index.settings.rules.contact_days * DAY_MS
    sealed = contacts.erase_sealed(connection, before, PORTION)
    requests = contacts.forget(connection, before, PORTION)
    return Done(sealed + requests, more=PORTION in (sealed, requests))


def _portion(connection: Connection, table: Table, key: str, old: ColumnElement[bool]) -> Done:
    """Delete at most PORTION rows of `table` for which `old` holds."""
    column = table.c[key]
    these = select(column).where(old).limit(PORTION)
    keys = connection.execute(these).scalars().all()
    if keys:
        connection.execute(delete(table).where(column.in_(keys)))
    return Done(len(keys), more=len(keys) == PORTION)
