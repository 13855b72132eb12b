"""The connection to one service: what is sent and what comes back, before anything is believed."""

import ipaddress
import socket
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from agency_connector.transport.errors import NotGenuine, Unreachable
from foundation.operator import OperatorError
from protocol.signature_base import Response
from schemas.operations import Operation

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
LARGEST_ANSWER: Final = 16 * 1024 * 1024
_SENT_ALWAYS: Final = {"Accept-Encoding": "identity", "User-Agent": "agency-connector"}


class Wire:
    """Kept-alive connections to one service. `timeout`: seconds to connect and to read.

    Raises OperatorError for an address that may not be used: http is for this machine only.
    """

    def __init__(
        self,
        url: str,
        service: str,
        timeout: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    ) -> None:
        self.service = service
        self.url = _checked(url, service)
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

    def prepared(self, operation: Operation, body: bytes) -> requests.PreparedRequest:
        """Return the request as it will go out; `body` is empty for none."""
        headers = dict(_SENT_ALWAYS)
        if body:
            headers["Content-Type"] = "application/json"
        return requests.Request(
            operation.method, self.url + operation.path, headers=headers, data=body or None
        ).prepare()

    def send(self, prepared: requests.PreparedRequest) -> Response:
        """Send and return the answer as it came. Raises Unreachable, NotGenuine if too large."""
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

    def claimed(self, operation: Operation) -> Any:
        """Return what whoever answers claims to be, unsigned and NOT verified.

        Only to learn for whom a request must be signed; a signed answer comes next.
        """
        return self.decoded(self.send(self.prepared(operation, b"")).body, operation.response)

    def decoded(self, body: bytes, kind: type[Any]) -> Any:
        """Return the message of type `kind` in `body`; NotGenuine if it holds none."""
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.not_understood() from error

    def not_understood(self) -> NotGenuine:
        """Return the error of an answer that is in no form we know."""
        return NotGenuine(
            f"the {self.service} at {self.url} answers in a form that this version does not know: "
            "check the address, and that both programs are of the same version"
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


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
