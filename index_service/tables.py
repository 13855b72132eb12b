"""Every table of the index: importing this module is what makes the metadata whole."""

from index_service import revision
from index_service.agencies import desks, documents, key_entries, storage
from index_service.agreements import storage as agreements
from index_service.audit import intake, reading_grants, reading_limits, reading_segments, rounds
from index_service.audit import storage as log
from index_service.contacts import storage as contacts
from index_service.database import metadata
from index_service.flags import marks
from index_service.flags import storage as flags
from index_service.lookups import limits
from index_service.lookups import storage as lookups
from index_service.worker import leases

__all__ = [
    "agreements",
    "contacts",
    "desks",
    "documents",
    "flags",
    "intake",
    "key_entries",
    "leases",
    "limits",
    "log",
    "lookups",
    "marks",
    "metadata",
    "reading_grants",
    "reading_limits",
    "reading_segments",
    "revision",
    "rounds",
    "storage",
]
