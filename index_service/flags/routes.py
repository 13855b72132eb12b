"""The operations about flags."""

from sqlalchemy import Connection

from index_service.flags import publishing
from index_service.installation import Installation
from protocol.signed_api import Caller, SignedApi
from schemas import operations
from schemas.flags import FlagBatch, MarkTaken, PublicationMark


def serve(api: SignedApi, index: Installation) -> None:
    """Register the operations of this folder."""

    def publish(connection: Connection, caller: Caller, message: FlagBatch) -> bytes:
        return publishing.take_batch(connection, index, caller, message)

    def mark(connection: Connection, caller: Caller, message: PublicationMark) -> MarkTaken:
        return publishing.take_mark(connection, index, caller, message)

    api.serve(operations.PUBLISH, publish)
    api.serve(operations.MARK, mark)
