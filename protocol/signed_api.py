"""The server side of signed requests: who calls, once only, in one transaction, answered signed.

    guard = Guard({**CHECKS, ...})
    api = SignedApi(app, guard, database=..., audience=..., key=..., clock=..., ...)
    api.serve(LOOK_UP, look_up)
    guard.seal(app)

A request is verified before anything is read from it, and before it can hold the database up.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec
from flask import Flask, Response, current_app, g, request
from sqlalchemy import Connection
from werkzeug.exceptions import RequestEntityTooLarge

from foundation.clock import Clock
from foundation.database import Database
from foundation.problems import Problem
from foundation.routes import Check, Guard
from foundation.statements import Asked
from protocol import canonical, nonces
from protocol.bodies import CONTENT_TYPE, LARGEST_BODY, read_body
from protocol.encoding import b64u_decode
from protocol.http_signatures import (
    AUDIENCE_FIELD,
    Refusal,
    SignatureRefused,
    Unverified,
    read_request,
    sign_response,
)
from protocol.keys import PUBLIC_BYTES, SigningKey
from protocol.nonces import forget_old_nonces, nonce_table, remember
from protocol.signature_base import Request as WireRequest
from protocol.signature_base import Response as WireResponse
from schemas.agencies import AgencyKeys, AgencyRole, AgencyStatus
from schemas.envelopes import Envelope
from schemas.operations import Operation

__all__ = [
    "CHECKS",
    "Answer",
    "Caller",
    "Holder",
    "Opening",
    "SignedApi",
    "View",
    "forget_old_nonces",
    "nonce_table",
]

FORGET_EVERY_MS: Final = 60_000

_EXTENSION: Final = "ifi_signed_api"
# Each field that a signature covers or is, and where WSGI (PEP 3333) puts it.
_SIGNED_FIELDS: Final = tuple(
    (name, "HTTP_" + name.upper().replace("-", "_"))
    for name in ("Content-Digest", AUDIENCE_FIELD, "Signature-Input", "Signature")
)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a signing key is, as the program's own list has it; `public` is 32 bytes."""

    agency: str
    role: AgencyRole
    status: AgencyStatus
    public: bytes


@dataclass(frozen=True, slots=True)
class Caller(Holder):
    """The holder who signed the request at hand, and the id of the key it is signed with."""

    keyid: str


Message: TypeAlias = msgspec.Struct | bytes
"""What an operation answers: its response, or the canonical JSON bytes of one given before."""

Answer: TypeAlias = Message | Callable[[], Message]
"""A message, or what makes it once the transaction has committed."""

View: TypeAlias = Callable[[Connection, Any, Any], Answer]
"""Takes the open transaction, the `Caller` (None for anyone and newcomers), and the message."""

Opening: TypeAlias = Callable[[Connection, Any], Callable[[Any], Answer]]
"""A view in two parts, for an operation that would otherwise wait for the database once more.

The first takes the open transaction and the message before it is known that the caller may be
answered, and asks what it can; the second takes the `Caller`, and decides and answers.
"""

FindHolder: TypeAlias = Callable[[Connection, str], Holder | None]
"""Returns whose the key with this id is, suspended ones too; None if nobody's."""

RecordRefusal: TypeAlias = Callable[[Connection, Holder, Operation, Problem, Envelope | None], None]
"""Writes down that a validly signed request was refused, with the statement it carried."""


class _Claimed(msgspec.Struct):
    """What has to be read of a newcomer's body before it can be verified."""

    keys: AgencyKeys


class SignedApi:
    """Serves operations of `schemas.operations` to callers who sign; one per app.

    `audience` is this program's name in requests and `key` signs its responses. `how_to_enrol` is
    the sentence for a caller whose key nobody knows. Every response to a request that carries a
    signature is signed and bound to it, problem documents too. A request without one, or whose
    body is not the signed one, gets an unsigned answer, since there is nothing to bind it to.

    The caller's request is one write transaction: its nonce, what the view does, what the view
    records; it has committed when the answer leaves. If the view raises Problem all of that is
    undone, and a second transaction keeps the nonce and calls `record_refusal`. Requests of
    operations for anyone run in a read transaction and leave no trace.
    """

    def __init__(
        self,
        app: Flask,
        guard: Guard,
        *,
        database: Database,
        audience: str,
        key: SigningKey,
        clock: Clock,
        find_holder: FindHolder,
        record_refusal: RecordRefusal | None = None,
        how_to_enrol: str = "Enrol it with the operator of this service first.",
    ) -> None:
        self._app = app
        self._guard = guard
        self._database = database
        self._audience = audience
        self._key = key
        self._clock = clock
        self._find_holder = find_holder
        self._record_refusal = record_refusal
        self._how_to_enrol = how_to_enrol
        # An id is the hash of its key, so this can grow old but never wrong. Whether the key still
        # has a holder is asked anew in each transaction.
        self._public_of: dict[str, bytes] = {}
        self._forget_at = clock() + FORGET_EVERY_MS
        app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
        app.extensions[_EXTENSION] = self
        app.after_request(self._sign)

    def serve(self, operation: Operation, view: View) -> None:
        """Register the route of `operation`, answered by `view`."""

        def opening(connection: Connection, message: Any) -> Callable[[Any], Answer]:
            return lambda caller: view(connection, caller, message)

        self.serve_opened(operation, opening)

    def serve_opened(self, operation: Operation, opening: Opening) -> None:
        """Register the route of `operation`, answered by what `opening` returns."""

        def answer() -> Response:
            if operation.caller == "anyone":
                message = self._message(operation)
                with self._database.read() as connection:
                    made = opening(connection, message)(None)
            else:
                made = self._in_one_transaction(operation, opening, g.principal)
            return _response(made() if callable(made) else made)

        self._guard.route(
            self._app,
            operation.path,
            (operation.method,),
            may=operation.caller,
            endpoint=operation.name,
        )(answer)

    def check_anyone(self) -> Unverified | None:
        """Return the request's signature, right in all but its key, or None if it has none."""
        return self._read() if "Signature" in request.headers else None

    def check_newcomer(self) -> Unverified:
        """Return the signature of a request signed with the key that its body brings."""
        signed = self._read()
        try:
            keys = msgspec.json.decode(request.get_data(), type=_Claimed).keys
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Problem(
                422, "schema", "The body has no keys.signing to check the signature with."
            ) from None
        _verify(signed, b64u_decode(keys.signing, PUBLIC_BYTES))
        return signed

    def check_enrolled(self) -> Unverified:
        """Return the signature of a request signed with a key that has a holder."""
        signed = self._read()
        public = self._public_of.get(signed.keyid)
        if public is None:
            with self._database.read() as connection:
                public = self._holder(connection, signed.keyid).public
            _verify(signed, public)
            self._public_of[signed.keyid] = public
        else:
            _verify(signed, public)
        return signed

    def _read(self) -> Unverified:
        try:
            return read_request(
                _wire_request(),
                audience=self._audience,
                now_s=self._clock() // 1000,
            )
        except SignatureRefused as refused:
            raise _problem(refused) from None

    def _holder(self, connection: Connection, keyid: str) -> Holder:
        holder = self._find_holder(connection, keyid)
        if holder is None:
            raise Problem(
                401,
                Refusal.UNKNOWN_KEY.value,
                f"No agency here has the key {keyid}. {self._how_to_enrol}",
            )
        return holder

    def _message(self, operation: Operation) -> Any:
        return read_body(operation, request.get_data(), request.mimetype)

    def _in_one_transaction(
        self, operation: Operation, opening: Opening, signed: Unverified
    ) -> Answer:
        now = self._clock()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_MS
            with self._database.write() as connection:
                forget_old_nonces(connection, now)
        message: Any = None
        try:
            message = self._message(operation)
            with self._database.write() as connection:
                # Asked before the holder is, so that all of it is waited for at once.
                kept = nonces.ask(connection, signed.keyid, signed.nonce, now)
                view = opening(connection, message)
                caller = self._caller(connection, operation, signed)
                _require_new(kept)
                return view(caller)
        except Problem as problem:
            self._refused(operation, signed, problem, message)
            raise

    def _caller(
        self, connection: Connection, operation: Operation, signed: Unverified
    ) -> Caller | None:
        if operation.caller == "newcomer":
            return None
        holder = self._holder(connection, signed.keyid)
        if holder.status != "active":
            raise Problem(
                403,
                "suspended",
                f"{holder.agency} is suspended here. Speak to the operator of this service.",
            )
        if operation.caller == "member" and holder.role != "member":
            raise Problem(
                403,
                "not-a-member",
                f"Only members may do this, and {holder.agency} takes part in the role "
                f"{holder.role}.",
            )
        if operation.caller == "auditor" and holder.role != "auditor":
            raise Problem(
                403,
                "not-an-auditor",
                f"Only auditors may read this, and {holder.agency} takes part in the role "
                f"{holder.role}.",
            )
        return Caller(
            agency=holder.agency,
            role=holder.role,
            status=holder.status,
            public=holder.public,
            keyid=signed.keyid,
        )

    def _refused(
        self, operation: Operation, signed: Unverified, problem: Problem, message: Any
    ) -> None:
        """Keep the nonce of a refused request and record the refusal.

        Not for newcomers, so that nobody unknown can make the program write; nor for what was
        sent before, so that nobody can record refusals in another's name.
        """
        if operation.caller == "newcomer":
            return
        with self._database.write() as connection:
            holder = self._find_holder(connection, signed.keyid)
            if holder is None or not remember(
                connection, signed.keyid, signed.nonce, self._clock()
            ):
                return
            if self._record_refusal is not None:
                self._record_refusal(connection, holder, operation, problem, _statement(message))

    def _sign(self, response: Response) -> Response:
        """Sign a response, bound to the request, unless that carries nothing to bind it to.

        Besides unsigned requests these are bodies that are not the signed ones, or too large.
        """
        if "Signature" not in request.headers:
            return response
        wire = WireResponse(status=response.status_code, headers=(), body=response.get_data())
        try:
            added = sign_response(wire, _wire_request(), self._key, created_s=self._clock() // 1000)
        except (SignatureRefused, RequestEntityTooLarge):
            return response
        response.headers.update(added)
        return response


CHECKS: Final[Mapping[Hashable, Check]] = MappingProxyType(
    {
        "anyone": lambda: _api().check_anyone(),
        "newcomer": lambda: _api().check_newcomer(),
        "enrolled": lambda: _api().check_enrolled(),
        # The role is asked in the transaction, where it cannot change any more.
        "member": lambda: _api().check_enrolled(),
        "auditor": lambda: _api().check_enrolled(),
    }
)
"""The kinds of caller of `schemas.operations`, for the program's `Guard`."""


def _api() -> SignedApi:
    api: SignedApi = current_app.extensions[_EXTENSION]
    return api


def _wire_request() -> WireRequest:
    """Return the request at hand as it came, its path and query percent-encoded as sent."""
    kept: WireRequest | None = g.get(_EXTENSION)
    if kept is None:
        sent = request.environ
        path = (sent.get("RAW_URI") or sent["REQUEST_URI"]).partition("?")[0]
        if not path.startswith("/"):  # RFC 9112 §3.2.2, the absolute form
            path = urlsplit(path).path
        kept = WireRequest(
            method=request.method,
            path=path,
            query=sent["QUERY_STRING"],
            headers=tuple(
                (name, sent[variable]) for name, variable in _SIGNED_FIELDS if variable in sent
            ),
            body=request.get_data(),
        )
        setattr(g, _EXTENSION, kept)
    return kept


def _verify(signed: Unverified, public: bytes) -> None:
    try:
        signed.verify(public)
    except SignatureRefused as refused:
        raise _problem(refused) from None


def _problem(refused: SignatureRefused) -> Problem:
    # A clock that is off is one mistake, whichever way; the sentence says which.
    code = Refusal.STALE if refused.code is Refusal.FUTURE else refused.code
    return Problem(401, code.value, refused.sentence)


def _require_new(nonce: Asked) -> None:
    if not nonce.rows():
        raise Problem(
            401,
            Refusal.REPLAYED.value,
            "This request has been received before. Sign each request anew, also when it is sent "
            "again.",
        )


def _statement(message: Any) -> Envelope | None:
    """Return the signed document that a refused message carried, if it carried one."""
    for name in ("statement", "document"):
        carried = getattr(message, name, None)
        if isinstance(carried, Envelope):
            return carried
    return None


def _response(message: Message) -> Response:
    body = message if isinstance(message, bytes) else canonical.encode(message)
    response = Response(body, content_type=CONTENT_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
