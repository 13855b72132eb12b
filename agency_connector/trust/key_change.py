"""Changing our own keys: new ones, vouched for by the old one, taken over after the index has."""

from typing import Final

from agency_connector.installation import SEALING, SIGNING, Installation
from agency_connector.receipts import acknowledged
from agency_connector.transport import Refused, SignedClient
from agency_connector.trust import storage
from protocol import documents
from protocol.encoding import b64u_encode
from protocol.keys import SealingKey, SigningKey
from schemas.agencies import AgencyKeys, KeyChange, Signed
from schemas.operations import CHANGE_KEYS, DIRECTORY

_NEXT: Final = "-next"


def change(installation: Installation) -> AgencyKeys:
    """Replace our signing and sealing keys; return the new public ones.

    May be repeated after a crash at any point: the new keys are in the keyring before the index
    hears of them, and the old ones leave it only after the index has taken the change. Raises what
    `SignedClient.call` raises; then the old keys are still in force.
    """
    signing, sealing = _next_keys(installation)
    keys = AgencyKeys(signing=b64u_encode(signing.public), sealing=b64u_encode(sealing.public))
    if installation.signing_key.public != signing.public:
        _tell_the_index(installation, keys, signing)
    keyring = installation.keyring
    keyring.put(SEALING, sealing.to_bytes())
    keyring.put(SIGNING, signing.to_bytes())
    for name in (SIGNING, SEALING):
        keyring.remove(name + _NEXT)
    return keys


def _next_keys(installation: Installation) -> tuple[SigningKey, SealingKey]:
    """Return the keys that a change cut off before has made, or new ones, kept."""
    keyring = installation.keyring
    if SIGNING + _NEXT not in keyring.names():
        # The sealing key first: the signing key's presence says that both are there.
        keyring.put(SEALING + _NEXT, SealingKey.generate().to_bytes())
        keyring.put(SIGNING + _NEXT, SigningKey.generate().to_bytes())
    if SEALING + _NEXT not in keyring.names():
        # Cut off while the old ones were being put away: the sealing key is in its place.
        keyring.put(SEALING + _NEXT, keyring.get(SEALING))
    return (
        SigningKey.from_bytes(keyring.get(SIGNING + _NEXT)),
        SealingKey.from_bytes(keyring.get(SEALING + _NEXT)),
    )


def _tell_the_index(installation: Installation, keys: AgencyKeys, signing: SigningKey) -> None:
    with installation.database.read() as connection:
        enrolled = storage.require_enrolment(connection)
    document = KeyChange(
        partnership=enrolled.partnership,
        agency=installation.agency,
        old_key=installation.signing_key.key_id,
        keys=keys,
        signed_at=installation.clock(),
    )
    signed = documents.sign(document, installation.signing_key)
    client = installation.index()
    try:
        told = client.call(CHANGE_KEYS, Signed(document=signed))
        acknowledged.keep(installation, "key-change", signed, told)
    except Refused as refused:
        # The answer to an earlier attempt may have been lost: then the new key is in force.
        if refused.code != "unknown-key" or not _is_in_force(installation, enrolled, signing):
            raise
    finally:
        client.close()


def _is_in_force(
    installation: Installation, enrolled: storage.EnrolmentRow, signing: SigningKey
) -> bool:
    client = SignedClient(
        installation.settings.index.url,
        f"index/{enrolled.partnership}",
        signing,
        enrolled.index_key,
        installation.clock,
    )
    try:
        client.call(DIRECTORY)
    except Refused:
        return False
    finally:
        client.close()
    return True
