"""The digest of a body that travels beside it: Content-Digest with sha-256 (RFC 9530 §2)."""

import base64
import hashlib
import hmac
import re

_SHA_256 = re.compile(r"sha-256=:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=):", re.ASCII)


def content_digest(body: bytes) -> str:
    """Return the Content-Digest field value for `body`; an empty body has one too."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode('ascii')}:"


def is_content_digest(value: str) -> bool:
    """Say whether `value` is one sha-256 digest and nothing else, in its one proper form."""
    return _SHA_256.fullmatch(value) is not None


def matches(value: str, body: bytes) -> bool:
    """Say whether the field value `value` is the digest of `body`."""
    return hmac.compare_digest(value.encode("utf-8"), content_digest(body).encode("ascii"))
