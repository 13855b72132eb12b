"""The operations about lookups."""

from collections.abc import Callable

from sqlalchemy import Connection

from index_service.installation import Installation
from index_service.lookups import asking, resolving
from protocol.signed_api import Caller, SignedApi
from schemas import operations
from schemas.lookups import LookupRequest, Resolution, ResolutionRequest


def serve(api: SignedApi, index: Installation) -> None:
    """Register the operations of this folder."""

    def look_up(connection: Connection, message: LookupRequest) -> Callable[[Caller], bytes]:
        return asking.look_up(connection, index, message)

    def resolve(connection: Connection, caller: Caller, message: ResolutionRequest) -> Resolution:
        return resolving.resolve(connection, index, caller, message)

    api.serve_opened(operations.LOOK_UP, look_up)
    api.serve(operations.RESOLVE, resolve)
