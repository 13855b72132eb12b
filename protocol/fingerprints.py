"""Short names of public keys: an identifier for machines, digits for people to compare."""

import hashlib
from functools import lru_cache

from protocol.encoding import b64u_encode, lp

PUBLIC_KEY_BYTES = 32

_KEY_ID_DOMAIN = b"ifi/1 key\n"
_FINGERPRINT_DOMAIN = b"ifi/1 fingerprint"
_GROUPS, _DIGITS = 8, 5


@lru_cache(maxsize=1024)
def key_id(public: bytes) -> str:
    """Return the 22 characters that name an Ed25519 or X25519 public key of 32 bytes.

    base64url, without padding, of the first 16 bytes of SHA-256("ifi/1 key" || 0x0A || public).
    Raises ValueError for another length.
    """
    _require_key(public)
    digest = hashlib.sha256(_KEY_ID_DOMAIN + public).digest()
    return b64u_encode(digest[:16])


def fingerprint40(*publics: bytes) -> str:
    """Return the 40 decimal digits, in 8 groups of 5, that two people compare by telephone.

    `publics` are public keys of 32 bytes, in the order that the caller's protocol fixes: another
    order is another fingerprint. SHA-512(lp("ifi/1 fingerprint") || lp(key) ...) is read as one
    big-endian integer and reduced modulo 10**40; 512 bits leave no digit more likely than another
    by more than 2**-379. Raises ValueError for no key or a key of another length.
    """
    if not publics:
        raise ValueError("A fingerprint needs at least one public key.")
    for public in publics:
        _require_key(public)
    digest = hashlib.sha512(lp(_FINGERPRINT_DOMAIN, *publics)).digest()
    digits = f"{int.from_bytes(digest, 'big') % 10 ** (_GROUPS * _DIGITS):0{_GROUPS * _DIGITS}d}"
    return " ".join(digits[start : start + _DIGITS] for start in range(0, len(digits), _DIGITS))


def _require_key(public: bytes) -> None:
    if len(public) != PUBLIC_KEY_BYTES:
        raise ValueError(f"A public key has {PUBLIC_KEY_BYTES} bytes, not {len(public)}.")
