"""Enrolment: the steward's one-time code, sent only to the index whose key it names."""

from agency_connector.installation import Installation
from agency_connector.terminal import Ask
from agency_connector.transport import NotGenuine, SignedClient, Wire
from agency_connector.trust import storage
from agency_connector.trust.storage import EnrolmentRow
from foundation.operator import OperatorError
from protocol.encoding import b64u_decode, b64u_encode
from protocol.enrolment_code import BadEnrolmentCode, read_code
from protocol.fingerprints import key_id
from schemas.agencies import Enrolled, Enrolment, IndexIdentity
from schemas.operations import ENROL, INDEX_IDENTITY


def enrol(installation: Installation, ask: Ask) -> Enrolled:
    """Give the index our public keys and pin its key. May be repeated with the same code.

    The code is asked for, never taken from a command line, which others can see. It leaves this
    machine only after whoever answers has proved to hold the key that the code names. Raises
    OperatorError if the code is mistyped or the index is another one, Refused if it is used up.
    """
    try:
        code, index_key_id = read_code(ask("The one-time enrolment code from the steward"))
    except BadEnrolmentCode as error:
        raise OperatorError(str(error)) from None
    client, identity = _proven_index(installation, index_key_id)
    try:
        _require_same(installation, identity)
        enrolled: Enrolled = client.call(
            ENROL,
            Enrolment(agency=installation.agency, code=b64u_encode(code), keys=installation.keys),
        )
    finally:
        client.close()
    if (enrolled.agency, enrolled.partnership) != (installation.agency, identity.partnership):
        raise OperatorError(
            f"the index enrolled {enrolled.agency}, and connector.toml says {installation.agency}: "
            "correct agency.id or phone the steward"
        )
    with installation.database.write() as connection:
        storage.keep_enrolment(
            connection,
            EnrolmentRow(
                partnership=enrolled.partnership,
                agency=enrolled.agency,
                role=enrolled.role,
                index_key=b64u_decode(identity.index_key, 32),
                steward=identity.steward.organisation,
                enrolled_at=installation.clock(),
            ),
        )
    return enrolled


def _proven_index(
    installation: Installation, index_key_id: str
) -> tuple[SignedClient, IndexIdentity]:
    """Return a client of the index that holds the key named by `index_key_id`, and who it is."""
    wire = Wire(installation.settings.index.url, "index")
    try:
        claimed: IndexIdentity = wire.claimed(INDEX_IDENTITY)
    finally:
        wire.close()
    public = b64u_decode(claimed.index_key, 32)
    if key_id(public) != index_key_id:
        raise NotGenuine(
            f"the index at {wire.url} is not the one this enrolment code was made for, and the "
            "code was not sent: check index.url in connector.toml, and phone the steward"
        )
    client = SignedClient(
        wire.url,
        f"index/{claimed.partnership}",
        installation.signing_key,
        public,
        installation.clock,
    )
    # Signed this time, so what it says is the word of the key's holder, made just now.
    identity: IndexIdentity = client.call(INDEX_IDENTITY)
    if (identity.partnership, identity.index_key) != (claimed.partnership, claimed.index_key):
        raise NotGenuine(
            f"the index at {wire.url} gives two accounts of itself, and the code was not sent: "
            "phone the steward"
        )
    return client, identity


def _require_same(installation: Installation, identity: IndexIdentity) -> None:
    with installation.database.read() as connection:
        before = storage.enrolment(connection)
    if before is None:
        return
    if (before.partnership, before.index_key) != (
        identity.partnership,
        b64u_decode(identity.index_key, 32),
    ):
        raise OperatorError(
            f"this connector is enrolled in the partnership {before.partnership} at an index with "
            "another key: use another home folder for another partnership"
        )
