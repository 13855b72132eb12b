"""The field types that messages are made of, each stated once for Python and JSON Schema.

Patterns are Python's and end in `\\Z`: its `$` would let a line feed through at the end.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

MAX_SAFE_INTEGER: Final = 2**53 - 1


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message or a part of one. Unknown fields are refused; absent is written as null."""


def _named(pattern: str, what: str) -> Meta:
    return Meta(pattern=pattern, description=what)


AgencyId = Annotated[str, _named(r"^[a-z][a-z0-9-]{1,31}\Z", "an agency's short name")]
DeskId = Annotated[str, _named(r"^[a-z][a-z0-9-]{1,31}\Z", "a desk's short name within its agency")]
PartnershipId = Annotated[str, _named(r"^[a-z][a-z0-9-]{1,31}\Z", "the partnership's short name")]
PurposeCode = Annotated[str, _named(r"^[a-z][a-z0-9-]{1,31}\Z", "a purpose of the agreed list")]
AgreementId = Annotated[str, _named(r"^[a-z][a-z0-9-]{1,31}\Z", "an agreement's short name")]
SchemeId = Annotated[str, _named(r"^[0-9]{1,4}\Z", "version of normalising, kinds and tables")]

Epoch = Annotated[int, Meta(ge=1, le=1_000_000, description="the generation of keys and scheme")]
Millis = Annotated[
    int, Meta(ge=0, le=MAX_SAFE_INTEGER, description="milliseconds since 1970-01-01 UTC")
]
Count = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]

Bytes16 = Annotated[str, _named(r"^[A-Za-z0-9_-]{21}[AQgw]\Z", "16 bytes, base64url unpadded")]
Bytes32 = Annotated[
    str, _named(r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z", "32 bytes, base64url unpadded")
]
Bytes64 = Annotated[str, _named(r"^[A-Za-z0-9_-]{85}[AQgw]\Z", "64 bytes, base64url unpadded")]
Blob = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]*\Z", max_length=90_000, description="bytes, base64url")
]
FlagTokens = Annotated[
    str, _named(r"^[A-Za-z0-9_-]{341}[AQgw]\Z", "16 match tokens of 16 bytes, base64url unpadded")
]
LookupTokens = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]+\Z",
        min_length=683,
        max_length=4096,
        description="32, 64, 128 or 192 match tokens of 16 bytes in ascending order, base64url",
    ),
]
Elements = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]+\Z",
        min_length=2731,
        max_length=174_763,
        description="64, 128, 192, 1024 or 4096 group elements of 32 bytes, base64url",
    ),
]
Reference = Annotated[
    str,
    _named(r"^[2-9ABCDEFGHJKMNPQRTVWXYZ]{10}\Z", "what is quoted to a desk; the last is a check"),
]
VerifierKey = Annotated[
    str,
    Meta(
        pattern=r"^[^+\s]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44,48}\Z",
        description="a C2SP signed-note verifier key",
    ),
]

Line = Annotated[
    str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+\Z", description="one line")
]
Phone = Annotated[str, _named(r"^\+?[0-9][0-9 ]{4,24}\Z", "a telephone number: digits and spaces")]
Email = Annotated[str, _named(r"^[^@\s]{1,64}@[^@\s]{1,190}\Z", "a team's e-mail address")]
TimeOfDay = Annotated[str, _named(r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", "local time, 24 hours")]
TimeZone = Annotated[str, _named(r"^[A-Za-z]+(/[A-Za-z_]+)*\Z", "a name of the IANA database")]
