"""The operations about agencies: each adapts a signed request to its use case."""

from sqlalchemy import Connection

from index_service.agencies import enrolment, key_entries, signing
from index_service.agencies.directory import directory
from index_service.installation import Installation
from protocol.encoding import b64u_encode
from protocol.signed_api import Caller, SignedApi
from schemas import operations
from schemas.agencies import (
    Acknowledged,
    Directory,
    Enrolled,
    Enrolment,
    IndexIdentity,
    KeyEntries,
    Signed,
)
from schemas.handover import HandoverInbox


def serve(api: SignedApi, index: Installation) -> None:
    """Register the operations of this folder."""

    def identity(connection: Connection, caller: Caller | None, message: None) -> IndexIdentity:
        return IndexIdentity(
            partnership=index.partnership,
            index_key=b64u_encode(index.signing_key.public),
            log_key=index.log.verifier_key,
            steward=index.settings.steward,
            now=index.clock(),
        )

    def enrol(connection: Connection, caller: Caller | None, message: Enrolment) -> Enrolled:
        return enrolment.enrol(connection, index, message)

    def list_all(connection: Connection, caller: Caller, message: None) -> Directory:
        return directory(connection, index)

    def introduce(connection: Connection, caller: Caller, message: Signed) -> Acknowledged:
        return signing.introduce(connection, index, caller.agency, message.document)

    def change_keys(connection: Connection, caller: Caller, message: Signed) -> Acknowledged:
        return signing.change_keys(connection, index, caller.agency, message.document)

    def sign_desk(connection: Connection, caller: Caller, message: Signed) -> Acknowledged:
        return signing.sign_desk(connection, index, caller.agency, message.document)

    def open_epoch(connection: Connection, caller: Caller, message: Signed) -> Acknowledged:
        return signing.open_epoch(connection, index, caller.agency, message.document)

    def declare_witness(connection: Connection, caller: Caller, message: Signed) -> Acknowledged:
        return signing.declare_witness(connection, index, caller.agency, message.document)

    def own_key_entries(connection: Connection, caller: Caller, message: None) -> KeyEntries:
        return key_entries.of_agency(connection, caller.agency)

    def send_handover(connection: Connection, caller: Caller, message: Signed) -> Acknowledged:
        return signing.send_handover(connection, index, caller.agency, message.document)

    def handovers(connection: Connection, caller: Caller, message: None) -> HandoverInbox:
        return signing.handovers_for(connection, caller.agency)

    api.serve(operations.INDEX_IDENTITY, identity)
    api.serve(operations.ENROL, enrol)
    api.serve(operations.DIRECTORY, list_all)
    api.serve(operations.INTRODUCE, introduce)
    api.serve(operations.CHANGE_KEYS, change_keys)
    api.serve(operations.SIGN_DESK, sign_desk)
    api.serve(operations.OPEN_EPOCH, open_epoch)
    api.serve(operations.DECLARE_WITNESS, declare_witness)
    api.serve(operations.KEY_ENTRIES, own_key_entries)
    api.serve(operations.SEND_HANDOVER, send_handover)
    api.serve(operations.RECEIVE_HANDOVERS, handovers)
