"""Every table of the index: importing this module is what makes the metadata whole."""

from index_service.agencies import desks, documents, storage
from index_service.agreements import storage as agreements
from index_service.audit import intake
from index_service.database import metadata
from index_service.flags import marks

__all__ = ["agreements", "desks", "documents", "intake", "marks", "metadata", "storage"]
