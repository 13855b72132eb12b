"""The hand-over package: sealed with HPKE (RFC 9180, base mode) and signed by the sender."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from protocol import canonical, documents
from protocol.encoding import b64u_decode, b64u_encode, lp
from protocol.envelopes import BadEnvelope
from protocol.epochs import WrongEpochKey, require_key
from protocol.keys import SealingKey, SigningKey
from protocol.membership import read_signed
from schemas.agencies import AgencyKeys
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.handover import HandoverContents, HandoverPackage

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class BadHandover(ValueError):
    """The package is not what a member's person sent to this agency: believe nothing in it."""


def info(partnership: str, epoch: int, sender: str, recipient: str) -> bytes:
    """Return HPKE's `info`: what the sealed bytes are bound to, each part length-prefixed."""
    return b"".join(
        lp(part.encode()) for part in ("ifi/1 handover", partnership, str(epoch), sender, recipient)
    )


def pack(
    contents: HandoverContents,
    *,
    partnership: str,
    epoch: int,
    sender: str,
    sender_keys: AgencyKeys,
    recipient: str,
    recipient_keys: AgencyKeys,
    signed_at: int,
    key: SigningKey,
) -> Envelope:
    """Return `contents` sealed to `recipient_keys.sealing` and signed with the sender's `key`.

    The caller has compared the recipient's fingerprint with its person first.
    """
    sealed = _SUITE.encrypt(
        canonical.encode(contents),
        X25519PublicKey.from_public_bytes(b64u_decode(recipient_keys.sealing, 32)),
        info=info(partnership, epoch, sender, recipient),
    )
    package = HandoverPackage(
        partnership=partnership,
        epoch=epoch,
        sender=sender,
        sender_keys=sender_keys,
        recipient=recipient,
        recipient_keys=recipient_keys,
        ciphertext=b64u_encode(sealed),
        signed_at=signed_at,
    )
    return documents.sign(package, key)


def unpack(
    envelope: Envelope,
    *,
    partnership: str,
    recipient: str,
    recipient_keys: AgencyKeys,
    sender_keys: AgencyKeys,
    sealing_key: SealingKey,
) -> tuple[HandoverPackage, HandoverContents, EpochDescriptor]:
    """Return package, contents and epoch descriptor, after every check that needs no person.

    `sender_keys` are those whose fingerprint the person compared. Raises BadHandover if another
    key signed it, it is for another agency or key, it does not open, the partnership key is not
    the descriptor's, or the descriptor is not signed by one of the members it names.
    """
    try:
        package = documents.read(envelope, HandoverPackage, b64u_decode(sender_keys.signing, 32))
    except BadEnvelope as error:
        raise BadHandover(
            f"The package is not signed by the member you spoke to. {error}"
        ) from error
    if package.sender_keys != sender_keys:
        raise BadHandover("The package names other keys of the sender than those you compared.")
    if package.partnership != partnership:
        raise BadHandover(f"The package is for the partnership {package.partnership}.")
    if package.recipient != recipient or package.recipient_keys != recipient_keys:
        raise BadHandover("The package is not for this agency's keys.")
    contents = _opened(package, sealing_key)
    return package, contents, _descriptor(package, contents)


def _opened(package: HandoverPackage, sealing_key: SealingKey) -> HandoverContents:
    bound_to = info(package.partnership, package.epoch, package.sender, package.recipient)
    try:
        plain = _SUITE.decrypt(b64u_decode(package.ciphertext), sealing_key.private, info=bound_to)
        return canonical.decode(plain, HandoverContents)
    except (InvalidTag, ValueError) as error:
        raise BadHandover("The package does not open with this agency's sealing key.") from error


def _descriptor(package: HandoverPackage, contents: HandoverContents) -> EpochDescriptor:
    try:
        descriptor = _signed_by_a_member(contents)
        require_key(descriptor, b64u_decode(contents.partnership_key, 32))
    except (BadEnvelope, WrongEpochKey) as error:
        raise BadHandover(str(error)) from error
    if (descriptor.partnership, descriptor.epoch) != (package.partnership, package.epoch):
        raise BadHandover("The epoch descriptor is for another partnership or epoch.")
    return descriptor


def _signed_by_a_member(contents: HandoverContents) -> EpochDescriptor:
    for member in contents.members:
        try:
            return read_signed(member, contents.epoch_descriptor, EpochDescriptor)
        except BadEnvelope:
            continue
    raise BadEnvelope("The epoch descriptor is signed by nobody the package names.")
