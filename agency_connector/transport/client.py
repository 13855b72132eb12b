"""One service as this connector calls it: requests signed anew each time, answers verified."""

import ipaddress
import secrets
import socket
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import requests
import stamina
from urllib3.exceptions import HTTPError, NewConnectionError

from agency_connector.transport.errors import ClockOff, NotGenuine, Refused, Unreachable
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

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
LARGEST_ANSWER: Final = 16 * 1024 * 1024
ATTEMPTS: Final = 3
# Operations of which the service promises that the same message again changes nothing.
_REPEATABLE: Final = frozenset({"enrol", "publish", "mark", "look-up", "evaluate"})
_FROM_IN_BETWEEN: Final = frozenset({502, 503, 504})

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
        self.service = audience.partition("/")[0]
        self.url = _checked(url, self.service)
        self._audience = audience
        self._key = key
        self._server_key = server_key
        self._clock = clock
        self._timeout = timeout
        # urllib3 sets TCP_NODELAY on every connection it opens; head and body go without delay.
        self._session = requests.Session()
        # Sending prepared requests leaves the environment out, .netrc and cookies with it; an
        # agency's proxy and its own certificate authorities are wanted.
        self._route: dict[str, Any] = {"stream": True, "proxies": {}}
        if not _is_loopback(urlsplit(self.url).hostname):
            self._route = dict(
                self._session.merge_environment_settings(self.url, {}, True, None, None)
            )

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
            operation, None, lambda body: key_of(self._decoded(body, operation.response))
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _once(
        self,
        operation: Operation,
        message: msgspec.Struct | None,
        key_of_body: Callable[[bytes], bytes],
    ) -> Any:
        request, prepared = self._signed(operation, message)
        answer = self._sent(prepared)
        try:
            public = self._server_key or key_of_body(answer.body)
            verify_response(answer, request, public=public, now_s=self._clock() // 1000)
        except SignatureRefused as refusal:
            raise self._disbelieved(answer, refusal) from refusal
        if answer.status == 200:
            return self._decoded(answer.body, operation.response)
        raise self._refused(answer)

    def _signed(
        self, operation: Operation, message: msgspec.Struct | None
    ) -> tuple[Request, requests.PreparedRequest]:
        body = b"" if message is None else canonical.encode(message)
        headers = {"Accept-Encoding": "identity", "User-Agent": "agency-connector"}
        if message is not None:
            headers["Content-Type"] = "application/json"
        prepared = requests.Request(
            operation.method, self.url + operation.path, headers=headers, data=body or None
        ).prepare()
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

    def _sent(self, prepared: requests.PreparedRequest) -> Response:
        try:
            with self._session.send(
                prepared,
                timeout=self._timeout,
                allow_redirects=False,
                **self._route,
            ) as response:
                # At most one byte more than allowed is read, whatever Content-Length says.
                body = bytearray()
                while chunk := response.raw.read(65_536, decode_content=False):
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise NotGenuine(
                            f"the answer of the {self.service} is larger than "
                            f"{LARGEST_ANSWER >> 20} MiB: check the address in the settings"
                        )
                headers = tuple(response.raw.headers.iteritems())
                return Response(response.status_code, headers, bytes(body))
        except requests.exceptions.SSLError as error:
            raise Unreachable(
                f"the {self.service} at {self.url} has no certificate that this machine accepts: "
                "check the address and the clock; if a proxy opens TLS here, name its authority in "
                "REQUESTS_CA_BUNDLE",
                worth_repeating=False,
            ) from error
        except (requests.exceptions.RequestException, OSError, HTTPError) as error:
            raise Unreachable(
                f"the {self.service} at {self.url} cannot be reached ({_cause(error)}): check that "
                "it is running and that this machine may connect to it, then try again"
            ) from error

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
        return NotGenuine(
            f"the answer from {self.url} does not come from the {self.service} whose key is "
            f"pinned here, and was not used. {refusal.sentence}"
        )

    def _refused(self, answer: Response) -> OperatorError:
        try:
            problem = msgspec.json.decode(answer.body, type=ProblemDocument)
        except msgspec.DecodeError:
            return self._not_understood()
        code = problem.type.removeprefix("urn:ifi:problem:")
        return Refused(self.service, answer.status, code, problem.detail, problem.retry_after)

    def _decoded(self, body: bytes, kind: type[Any]) -> Any:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._not_understood() from error

    def _not_understood(self) -> NotGenuine:
        return NotGenuine(
            f"the {self.service} at {self.url} answers in a form that this version does not know: "
            "check the address, and that both programs are of the same version"
        )


def _worth_repeating(error: Exception) -> bool:
    if isinstance(error, Unreachable):
        return error.worth_repeating
    return isinstance(error, Refused) and error.status == 503


_REPEATER: Final = stamina.RetryingCaller(
    attempts=ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=2.0
).on(_worth_repeating)


def _cause(error: Exception) -> str:
    """Return in two or three words why a connection failed; nothing of the request."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, TimeoutError) or "timed out" in str(seen):
            return "no answer in time"
        if isinstance(seen, ConnectionRefusedError):
            return "connection refused"
        if isinstance(seen, socket.gaierror):
            return "no such host"
        if isinstance(seen, NewConnectionError) and "refused" in str(seen):
            return "connection refused"
        seen = seen.__cause__ or seen.__context__
    return "the connection failed"


def _checked(url: str, service: str) -> str:
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))
    if safe and parts.hostname and not (parts.query or parts.fragment or parts.username):
        return url.rstrip("/")
    raise OperatorError(
        f"the address of the {service} may not be used: write https://name/, without user, query "
        "and fragment (http:// is allowed only for this machine)"
    )


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
