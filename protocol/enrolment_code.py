"""The steward's one-time enrolment code: a secret, and the id of the index's key to check first.

Text form: Crockford base32 of secret (16 bytes) || key id (16 bytes) || check (3 bytes), which is
56 characters in groups of four. The check is the beginning of SHA-256("ifi/1 enrolment code" ||
0x0A || secret || key id), so that a slip of the pen is found before anything is sent.
"""

import base64
import hashlib
import secrets
from typing import Final

from protocol.encoding import b64u_decode, b64u_encode

SECRET_BYTES: Final = 16
KEY_ID_BYTES: Final = 16
_CHECK_BYTES: Final = 3
_CHARACTERS: Final = 56
_GROUP: Final = 4
_DOMAIN: Final = b"ifi/1 enrolment code\n"

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RFC_4648: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_WRITTEN: Final = str.maketrans(_RFC_4648, _CROCKFORD)
_READ: Final = str.maketrans(_CROCKFORD, _RFC_4648)
_LOOK_ALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})


class BadEnrolmentCode(ValueError):
    """What was typed is no enrolment code; the message says what to look for, not what it was."""


def new_code(index_key_id: str) -> tuple[str, bytes]:
    """Return the text of a new code for the index whose key has this id, and its 16-byte secret.

    The index keeps only a hash of the secret.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    return write_code(secret, index_key_id), secret


def write_code(secret: bytes, index_key_id: str) -> str:
    """Return the text of the code with this 16-byte `secret`."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"The secret of an enrolment code has {SECRET_BYTES} bytes.")
    content = secret + b64u_decode(index_key_id, KEY_ID_BYTES)
    text = base64.b32encode(content + _check(content)).decode("ascii").translate(_WRITTEN)
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def read_code(typed: str) -> tuple[bytes, str]:
    """Return the 16-byte secret and the 22 characters of the index's key id.

    Case, spaces and dashes do not matter; O is read as 0, I and L as 1. Raises BadEnrolmentCode.
    """
    text = "".join(typed.upper().split()).translate(_LOOK_ALIKES)
    if len(text) != _CHARACTERS:
        raise BadEnrolmentCode(
            f"An enrolment code has {_CHARACTERS} letters and digits and this has {len(text)}: "
            "copy it again, the whole of it."
        )
    if not set(text) <= set(_CROCKFORD):
        raise BadEnrolmentCode(
            "An enrolment code has only letters but U, and digits: copy it again."
        )
    decoded = base64.b32decode(text.translate(_READ))
    content, check = decoded[:-_CHECK_BYTES], decoded[-_CHECK_BYTES:]
    if check != _check(content):
        raise BadEnrolmentCode(
            "A character of the enrolment code is wrong: compare it with what the steward gave you."
        )
    return content[:SECRET_BYTES], b64u_encode(content[SECRET_BYTES:])


def _check(content: bytes) -> bytes:
    return hashlib.sha256(_DOMAIN + content).digest()[:_CHECK_BYTES]
