"""The operations about contact requests."""

from sqlalchemy import Connection

from index_service.contacts import relaying
from index_service.installation import Installation
from protocol.signed_api import Caller, SignedApi
from schemas import operations
from schemas.agencies import Acknowledged
from schemas.contacts import ContactFetch, ContactInbox, ContactSend


def serve(api: SignedApi, index: Installation) -> None:
    """Register the operations of this folder."""

    def send(connection: Connection, caller: Caller, message: ContactSend) -> Acknowledged:
        return relaying.send(connection, index, caller, message)

    def fetch(connection: Connection, caller: Caller, message: ContactFetch) -> ContactInbox:
        return relaying.fetch(connection, index, caller, message)

    api.serve(operations.SEND_CONTACT, send)
    api.serve(operations.FETCH_CONTACTS, fetch)
