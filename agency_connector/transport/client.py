"""One service as this connector calls it: requests signed anew each time, answers verified."""

import secrets
from collections.abc import Callable
from typing import Any, Final

import msgspec
import stamina
from requests import PreparedRequest

from agency_connector.transport.errors import ClockOff, NotGenuine, Refused, Unreachable
from agency_connector.transport.wire import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Wire
from foundation.clock import Clock, now_ms
from foundation.operator import OperatorError
from protocol import canonical
from protocol.http_signatures import (
    NONCE_BYTES,
    Refusal,
    SignatureRefused,
    sign_request,
    verify_response,
)
from protocol.keys import SigningKey
from protocol.signature_base import Request, Response
from schemas.operations import Operation
from schemas.problems import ProblemDocument

ATTEMPTS: Final = 3
# Operations of which the service promises that the same message again changes nothing.
_REPEATABLE: Final = frozenset(
    {
        "enrol",
        "publish",
        "mark",
        "look-up",
        "evaluate",
        "introduce",
        "open-epoch",
        "send-handover",
        "declare-witness",
        "cosign",
        "send-contact",
        "fetch-contacts",
    }
)
_FROM_IN_BETWEEN: Final = frozenset({502, 503, 504})


class _Refusal(ProblemDocument, frozen=True, kw_only=True):
    """A problem document with the member that `old-sequence` brings (RFC 9457 §3.2)."""

    sequence: int | None = None


# The library's own reports of a retry would repeat the error's words in the log.
stamina.instrumentation.set_on_retry_hooks(())


class SignedClient:
    """The index or the evaluator, reached over kept-alive connections.

    `url`: https, or http to this machine. `audience`: `index/<partnership>` or
    `evaluator/<partnership>`. `key`: this agency's. `server_key`: the 32-byte public key that
    answers must be signed with; None only for `meet`. `timeout`: seconds to connect and to read.
    May be used by several threads. Raises OperatorError for an address that may not be used.
    """

    def __init__(
        self,
        url: str,
        audience: str,
        key: SigningKey,
        server_key: bytes | None,
        clock: Clock = now_ms,
        timeout: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    ) -> None:
        self._wire = Wire(url, audience.partition("/")[0], timeout)
        self.url = self._wire.url
        self.service = self._wire.service
        self._audience = audience
        self._key = key
        self._server_key = server_key
        self._clock = clock

    def call(self, operation: Operation, message: msgspec.Struct | None = None) -> Any:
        """Return the service's answer, of type `operation.response`.

        A request that did not get through is sent up to three times, signed anew, if it changes
        nothing when it arrives twice. Raises Unreachable, NotGenuine, Refused.
        """
        server_key = self._server_key
        if server_key is None:
            raise TypeError("a service without a pinned key can only be met")
        if operation.method == "GET" or operation.name in _REPEATABLE:
            return _REPEATER(self._once, operation, message, lambda _: server_key)
        return self._once(operation, message, lambda _: server_key)

    def meet(self, operation: Operation, key_of: Callable[[Any], bytes]) -> Any:
        """Return the answer of a service whose key is not pinned yet.

        `key_of` reads from the answer the public key that it must be signed with. That proves
        only that whoever answered holds this key: compare the key before you believe anything.
        """
        return self._once(
            operation, None, lambda body: key_of(self._wire.decoded(body, operation.response))
        )

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _once(
        self,
        operation: Operation,
        message: msgspec.Struct | None,
        key_of_body: Callable[[bytes], bytes],
    ) -> Any:
        request, prepared = self._signed(operation, message)
        answer = self._wire.send(prepared)
        if self._server_key is None and answer.status != 200:
            raise Unreachable(
                f"the {self.service} at {self.url} answers {answer.status} and does not say who it "
                "is: check the address, and that it is running"
            )
        try:
            public = self._server_key or key_of_body(answer.body)
            verify_response(answer, request, public=public, now_s=self._clock() // 1000)
        except SignatureRefused as refusal:
            raise self._disbelieved(answer, refusal) from refusal
        if answer.status == 200:
            return self._wire.decoded(answer.body, operation.response)
        raise self._refused(answer)

    def _signed(
        self, operation: Operation, message: msgspec.Struct | None
    ) -> tuple[Request, PreparedRequest]:
        body = b"" if message is None else canonical.encode(message)
        prepared = self._wire.prepared(operation, body)
        path, _, query = prepared.path_url.partition("?")
        request = Request(operation.method, path, query, (), body)
        signed = sign_request(
            request,
            self._key,
            audience=self._audience,
            created_s=self._clock() // 1000,
            nonce=secrets.token_bytes(NONCE_BYTES),
        )
        prepared.headers.update(signed)
        return request.with_headers(signed), prepared

    def _disbelieved(self, answer: Response, refusal: SignatureRefused) -> OperatorError:
        if refusal.code in (Refusal.STALE, Refusal.FUTURE):
            return ClockOff(
                f"the clocks of this machine and of the {self.service} differ too much. "
                f"{refusal.sentence}"
            )
        if refusal.code is Refusal.UNSIGNED and answer.status in _FROM_IN_BETWEEN:
            return Unreachable(
                f"something before the {self.service} at {self.url} answers {answer.status}: "
                f"check that the {self.service} is running, then try again"
            )
        if refusal.code is Refusal.UNSIGNED and not _says_where_it_ends(answer):
            return Unreachable(
                f"the answer of the {self.service} at {self.url} was cut off: check the network in "
                "between, then try again"
            )
        return NotGenuine(
            f"the answer from {self.url} does not come from the {self.service} whose key is "
            f"pinned here, and was not used. {refusal.sentence}"
        )

    def _refused(self, answer: Response) -> OperatorError:
        try:
            problem = msgspec.json.decode(answer.body, type=_Refusal)
        except msgspec.DecodeError:
            return self._wire.not_understood()
        code = problem.type.removeprefix("urn:ifi:problem:")
        return Refused(
            self.service,
            answer.status,
            code,
            problem.detail,
            problem.retry_after,
            problem.sequence,
        )


def _says_where_it_ends(answer: Response) -> bool:
    """Whether the head names the body's length, as a service's whole answer does (RFC 9112 §6.3).

    A connection that was closed within the head looks like the end of a shorter one.
    """
    return any(
        name.lower() in ("content-length", "transfer-encoding") for name, _ in answer.headers
    )


def _worth_repeating(error: Exception) -> bool:
    if isinstance(error, Unreachable):
        return error.worth_repeating
    return isinstance(error, Refused) and error.status == 503


_REPEATER: Final = stamina.RetryingCaller(
    attempts=ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=2.0
).on(_worth_repeating)
