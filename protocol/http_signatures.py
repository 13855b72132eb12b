"""Signed requests and responses: the one profile of RFC 9421 and RFC 9530 that members speak.

A request is signed over exactly REQUEST_COMPONENTS, a response over exactly RESPONSE_COMPONENTS,
once, with Ed25519, under the label `ifi`. Anything else is refused, even if RFC 9421 would allow
it: docs/decisions/http-signatures.md says why.
"""

import base64
import enum
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from protocol.content_digest import content_digest, is_content_digest, matches
from protocol.encoding import b64u_decode, b64u_encode
from protocol.fingerprints import key_id
from protocol.keys import BadSignature, SigningKey, verify
from protocol.signature_base import (
    Component,
    NotSignable,
    Request,
    Response,
    component_value,
    field_lines,
    inner_list,
    signature_base,
)

WINDOW_S = 300
NONCE_BYTES = 16
LABEL = "ifi"
TAG = "ifi/1"
AUDIENCE_FIELD = "IFI-Audience"

REQUEST_COMPONENTS = tuple(
    map(Component, ("@method", "@path", "@query", "content-digest", "ifi-audience"))
)
RESPONSE_COMPONENTS = (
    *map(Component, ("@status", "content-digest")),
    *(Component(covered.name, of_request=True) for covered in REQUEST_COMPONENTS),
)
# The last two components of a response: which signed request it answers.
_OF_REQUEST = tuple(f'"{name}";req;key="{LABEL}"' for name in ("signature-input", "signature"))
_REQUEST_LIST = inner_list(covered.identifier for covered in REQUEST_COMPONENTS)
_RESPONSE_LIST = inner_list(
    [*(covered.identifier for covered in RESPONSE_COMPONENTS), *_OF_REQUEST]
)

_ID = "[A-Za-z0-9_-]{21}[AQgw]"  # 16 bytes in base64url, in the one form they have
_ENDING = f';keyid="(?P<keyid>{_ID})";alg="ed25519";tag="{TAG}"'
_REQUEST_PARAMETERS = re.compile(
    rf';created=(?P<created>[1-9][0-9]{{0,9}});nonce="(?P<nonce>{_ID})"{_ENDING}', re.ASCII
)
_RESPONSE_PARAMETERS = re.compile(rf";created=(?P<created>[1-9][0-9]{{0,9}}){_ENDING}", re.ASCII)
_SIGNATURE = re.compile(r":[A-Za-z0-9+/]{85}[AQgw]==:", re.ASCII)  # 64 bytes
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_AUDIENCE = re.compile(r"[!-+\--~]{1,200}", re.ASCII)  # visible ASCII without a comma


class Refusal(enum.StrEnum):
    """Why a message is not believed. The last two are for whoever keeps the keys and the nonces."""

    UNSIGNED = "unsigned"
    DOUBLY_SIGNED = "doubly-signed"
    MALFORMED = "malformed-signature"
    BAD_COMPONENTS = "bad-components"
    STALE = "stale"
    FUTURE = "future"
    WRONG_AUDIENCE = "wrong-audience"
    TAMPERED_BODY = "tampered-body"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_KEY = "unknown-key"
    REPLAYED = "replayed"


class SignatureRefused(ValueError):
    """A message was refused: `code` for programs, `sentence` for the person who must mend it."""

    def __init__(self, code: Refusal, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Unverified:
    """A request in the right form, at the right time, for us; NOT yet known to be anyone's.

    `keyid` says which key to look up and `nonce` is 16 bytes, to be kept (by key) once, and only
    once, `verify` has passed. `created_s` is in seconds since 1970, UTC.
    """

    keyid: str
    nonce: bytes
    created_s: int
    base: bytes
    signature: bytes

    def verify(self, public: bytes) -> None:
        """Check the signature with the 32-byte key `public`, found by `keyid`.

        Raises SignatureRefused (bad-signature).
        """
        _check(public, self.keyid, self.signature, self.base, "request")


def sign_request(
    request: Request, key: SigningKey, *, audience: str, created_s: int, nonce: bytes
) -> dict[str, str]:
    """Return the header fields that make `request` a signed one.

    `audience` names the one service that may accept it, `created_s` is the time in seconds since
    1970, UTC, `nonce` is 16 random bytes, new for each request and each retry. Raises ValueError
    if `request` already has one of the fields or cannot be signed.
    """
    if not _AUDIENCE.fullmatch(audience):
        raise ValueError("An audience is 1 to 200 visible ASCII characters without a comma.")
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"A nonce has {NONCE_BYTES} bytes, not {len(nonce)}.")
    _refuse_fields(request, ("Content-Digest", AUDIENCE_FIELD, "Signature-Input", "Signature"))
    added = {"Content-Digest": content_digest(request.body), AUDIENCE_FIELD: audience}
    parameters = (
        f'{_REQUEST_LIST};created={created_s};nonce="{b64u_encode(nonce)}"'
        f';keyid="{key.key_id}";alg="ed25519";tag="{TAG}"'
    )
    base = _request_base(request.with_headers(added), parameters)
    return added | _signature_fields(key, base, parameters)


def read_request(request: Request, *, audience: str, now_s: int) -> Unverified:
    """Check everything about a signed request that needs no key.

    `audience` is this service's own name; `now_s` its time in seconds since 1970, UTC. Raises
    SignatureRefused. The caller then finds the key by `keyid`, calls `.verify`, and only after
    that refuses a nonce it has seen and stores a new one, so that nobody fills its memory unsigned.
    """
    parameters, signature = _one_signature(request, "request")
    found = _parsed(parameters, _REQUEST_LIST, _REQUEST_PARAMETERS, "request")
    _require_digest(request, "request")
    _require_audience(request, audience)
    created_s = int(found["created"])
    _require_timely(created_s, now_s, "request")
    return Unverified(
        keyid=found["keyid"],
        nonce=b64u_decode(found["nonce"], NONCE_BYTES),
        created_s=created_s,
        base=_request_base(request, parameters),
        signature=_signature_bytes(signature),
    )


def sign_response(
    response: Response, request: Request, key: SigningKey, *, created_s: int
) -> dict[str, str]:
    """Return the header fields that make `response` the signed answer to the signed `request`.

    `request` has its signature fields. Raises ValueError if `response` already has one of the
    fields, or SignatureRefused if `request` has no signature that an answer could be bound to,
    or not the body that its digest names: such a request gets an unsigned refusal.
    """
    _refuse_fields(response, ("Content-Digest", "Signature-Input", "Signature"))
    added = {"Content-Digest": content_digest(response.body)}
    parameters = (
        f'{_RESPONSE_LIST};created={created_s};keyid="{key.key_id}";alg="ed25519";tag="{TAG}"'
    )
    signed = response.with_headers(added)
    base = _response_base(signed, request, parameters)
    return added | _signature_fields(key, base, parameters)


def verify_response(response: Response, request: Request, *, public: bytes, now_s: int) -> None:
    """Check that `response` is the answer of the holder of `public` to our own `request`.

    `request` is what was sent, with its signature fields; `public` is 32 bytes; `now_s` is our
    time in seconds since 1970, UTC. Raises SignatureRefused.
    """
    parameters, signature = _one_signature(response, "response")
    found = _parsed(parameters, _RESPONSE_LIST, _RESPONSE_PARAMETERS, "response")
    _require_digest(response, "response")
    _require_timely(int(found["created"]), now_s, "response")
    base = _response_base(response, request, parameters)
    _check(public, found["keyid"], _signature_bytes(signature), base, "response")


def _request_base(request: Request, parameters: str) -> bytes:
    try:
        lines = [
            (covered.identifier, component_value(covered, request))
            for covered in REQUEST_COMPONENTS
        ]
        return signature_base(lines, parameters)
    except NotSignable as error:
        raise _malformed("request", str(error)) from error


def _response_base(response: Response, request: Request, parameters: str) -> bytes:
    """Return the base of `response`, which holds every part of `request` and its signature.

    Refuses a request whose body is not the one its digest names, since the base holds the digest.
    """
    from_request = _one_signature(request, "request")
    _require_digest(request, "request")
    try:
        lines = [
            (
                covered.identifier,
                component_value(covered, request if covered.of_request else response),
            )
            for covered in RESPONSE_COMPONENTS
        ]
        return signature_base([*lines, *zip(_OF_REQUEST, from_request, strict=True)], parameters)
    except NotSignable as error:
        raise _malformed("response", str(error)) from error


def _signature_fields(key: SigningKey, base: bytes, parameters: str) -> dict[str, str]:
    signature = base64.b64encode(key.sign(base)).decode("ascii")
    return {"Signature-Input": f"{LABEL}={parameters}", "Signature": f"{LABEL}=:{signature}:"}


def _signature_bytes(member: str) -> bytes:
    return base64.b64decode(member.strip(":"), validate=True)


def _one_signature(message: Request | Response, what: str) -> tuple[str, str]:
    """Return parameters and signature of the one signature that `message` carries.

    A second one, as another field line or another member of the same line, is refused: two
    signatures invite two readers to check different ones.
    """
    inputs = field_lines(message, "signature-input")
    signatures = field_lines(message, "signature")
    if not inputs and not signatures:
        raise SignatureRefused(
            Refusal.UNSIGNED,
            f"The {what} is not signed. Every {what} needs the header fields Signature-Input and "
            "Signature; if a proxy stands in between, let it pass them on.",
        )
    if _several(inputs) or _several(signatures):
        raise SignatureRefused(
            Refusal.DOUBLY_SIGNED,
            f"The {what} carries more than one signature. Send exactly one, labelled {LABEL}; if a "
            "proxy adds its own, switch that off for this service.",
        )
    if not inputs or not signatures:
        missing = "Signature" if inputs else "Signature-Input"
        raise _malformed(what, f"the header field {missing} is missing")
    prefix = f"{LABEL}="
    if not inputs[0].startswith(prefix) or not signatures[0].startswith(prefix):
        raise _malformed(what, f"its signature is not labelled {LABEL}")
    signature = signatures[0].removeprefix(prefix)
    if not _SIGNATURE.fullmatch(signature):
        raise _malformed(what, "the field Signature does not hold 64 bytes in base64")
    return inputs[0].removeprefix(prefix), signature


def _several(lines: tuple[str, ...]) -> bool:
    """Say whether a field has more than one line, or more than one member in its first."""
    if len(lines) != 1:
        return bool(lines)
    return "," in lines[0] and "," in _QUOTED.sub("", lines[0])


def _parsed(parameters: str, components: str, pattern: re.Pattern[str], what: str) -> re.Match[str]:
    if parameters.startswith("(") and not parameters.startswith(components + ";"):
        raise SignatureRefused(
            Refusal.BAD_COMPONENTS,
            f"The {what} is not signed over exactly the components {components}, in this order.",
        )
    found = pattern.fullmatch(parameters.removeprefix(components))
    if found is None:
        names = "created, nonce, keyid" if what == "request" else "created, keyid"
        raise _malformed(
            what,
            f'its parameters are not exactly {names}, alg="ed25519" and tag="{TAG}" in this order',
        )
    return found


def _require_digest(message: Request | Response, what: str) -> None:
    lines = field_lines(message, "content-digest")
    if len(lines) != 1 or not is_content_digest(lines[0]):
        raise _malformed(what, "it needs one Content-Digest field with one sha-256 digest")
    if not matches(lines[0], message.body):
        raise SignatureRefused(
            Refusal.TAMPERED_BODY,
            f"The body of the {what} is not the one that was signed. If a proxy rewrites or "
            "compresses bodies, switch that off for this service.",
        )


def _require_audience(request: Request, audience: str) -> None:
    lines = field_lines(request, AUDIENCE_FIELD)
    if lines == (audience,):
        return
    named = lines[0] if len(lines) == 1 and _AUDIENCE.fullmatch(lines[0]) else "no one service"
    raise SignatureRefused(
        Refusal.WRONG_AUDIENCE,
        f"The request is for {named}; this is {audience}. Check the address and the name of the "
        "service in the settings of the program that sent it.",
    )


def _require_timely(created_s: int, now_s: int, what: str) -> None:
    """Refuse what was signed more than WINDOW_S seconds before or after `now_s`."""
    if abs(now_s - created_s) <= WINDOW_S:
        return
    code, way = (Refusal.STALE, "ago") if created_s < now_s else (Refusal.FUTURE, "ahead")
    raise SignatureRefused(
        code,
        f"The {what} was signed at {_utc(created_s)} by its sender's clock, and it is "
        f"{_utc(now_s)} here: {abs(now_s - created_s)} seconds {way}, and {WINDOW_S} are allowed. "
        "Set the clock that is wrong (timedatectl shows it), then send again, signed anew.",
    )


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _check(public: bytes, keyid: str, signature: bytes, base: bytes, what: str) -> None:
    try:
        if key_id(public) != keyid:
            raise SignatureRefused(
                Refusal.BAD_SIGNATURE,
                f"The {what} is signed with the key {keyid}; {key_id(public)} was expected. If the "
                "key has been changed, enrol the new one.",
            )
        verify(public, signature, base)
    except BadSignature as error:
        raise SignatureRefused(
            Refusal.BAD_SIGNATURE,
            f"The signature of the {what} does not fit it: it was changed on its way, or signed "
            "with another key. If a proxy rewrites paths, queries or header fields, switch that "
            "off for this service.",
        ) from error


def _malformed(what: str, fault: str) -> SignatureRefused:
    return SignatureRefused(
        Refusal.MALFORMED, f"The {what} is not signed in the form that is agreed: {fault}."
    )


def _refuse_fields(message: Request | Response, names: tuple[str, ...]) -> None:
    for name in names:
        if field_lines(message, name):
            raise ValueError(f"The message already has a header field {name}.")
