"""The operation by which connectors learn that a log has ended, and which one follows it."""

from sqlalchemy import Connection

from index_service.audit import storage
from protocol import canonical
from protocol.signed_api import Caller, SignedApi
from schemas.envelopes import Envelope
from schemas.operations import LOG_SUCCESSIONS
from schemas.successions import LogSuccessions


def serve(api: SignedApi) -> None:
    """Register the operation."""

    def successions(connection: Connection, caller: Caller, message: None) -> LogSuccessions:
        signed = storage.successions(connection)
        return LogSuccessions(documents=tuple(canonical.decode(one, Envelope) for one in signed))

    api.serve(LOG_SUCCESSIONS, successions)
