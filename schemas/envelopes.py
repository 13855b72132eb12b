"""The signed envelope (DSSE v1) in which everything that must last is kept and sent."""

from typing import Annotated

import msgspec

KeyId = Annotated[
    str,
    msgspec.Meta(
        min_length=22,
        max_length=22,
        pattern=r"^[A-Za-z0-9_-]{21}[AQgw]\Z",
        description="base64url of the 16 bytes that name a public key.",
    ),
]
SignatureText = Annotated[
    str,
    msgspec.Meta(
        min_length=88,
        max_length=88,
        pattern=r"^[A-Za-z0-9+/]{85}[AQgw]==\Z",
        description="base64 (RFC 4648 §4) of a 64-byte Ed25519 signature.",
    ),
]
PayloadType = Annotated[
    str,
    msgspec.Meta(
        max_length=127,
        pattern=r"^[!-~]+\Z",
        description="What the payload is, and so how it must be read: a media type.",
    ),
]
PayloadText = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9+/]*={0,2}\Z",
        description="base64 (RFC 4648 §4) of the signed bytes: canonical JSON (RFC 8785).",
    ),
]


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One signature and the name of the key that made it."""

    keyid: KeyId
    sig: SignatureText


class Envelope(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"payload_type": "payloadType"},
):
    """A DSSE v1 envelope with exactly one signature."""

    payload_type: PayloadType
    payload: PayloadText
    signatures: tuple[Signature]
