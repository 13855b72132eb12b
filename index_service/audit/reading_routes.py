"""The operations by which the record is read."""

from sqlalchemy import Connection

from index_service.audit import reading, reading_held
from index_service.installation import Installation
from protocol.signed_api import Caller, SignedApi
from schemas import operations
from schemas.audit import (
    EntriesReading,
    EntriesRequest,
    HeldReading,
    HeldRequest,
    PersonReading,
    PersonRequest,
)


def serve(api: SignedApi, index: Installation) -> None:
    """Register the operations by which the record is read."""

    def person(connection: Connection, caller: Caller, message: PersonRequest) -> PersonReading:
        return reading.read_person(connection, index, caller, message)

    def entries(connection: Connection, caller: Caller, message: EntriesRequest) -> EntriesReading:
        return reading.read_entries(connection, index, caller, message)

    def own(connection: Connection, caller: Caller, message: EntriesRequest) -> EntriesReading:
        return reading.read_own(connection, index, caller, message)

    def held(connection: Connection, caller: Caller, message: HeldRequest) -> HeldReading:
        return reading_held.read_held(connection, index, caller, message)

    api.serve(operations.AUDIT_PERSON, person)
    api.serve(operations.AUDIT_ENTRIES, entries)
    api.serve(operations.AUDIT_OWN, own)
    api.serve(operations.AUDIT_HELD, held)
