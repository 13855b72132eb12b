"""The signed client: what it sends, what it refuses to believe, and how it says what is wrong."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response as HttpResponse

from agency_connector.transport import (
    ClockOff,
    NotGenuine,
    Refused,
    SignedClient,
    Unreachable,
    wire,
)
from foundation.operator import OperatorError
from protocol.encoding import b64u_encode
from protocol.keys import SigningKey
from schemas.agencies import AgencyKeys, Enrolment, IndexIdentity
from schemas.operations import ENROL, INDEX_IDENTITY, RESOLVE
from tests.agency_connector.fake_services import PARTNERSHIP, FakeIndex, Refuse, listening
from tests.conftest import FakeClock

KEY = SigningKey.from_bytes(b"\x01" * 32)
AUDIENCE = f"index/{PARTNERSHIP}"


@dataclass
class Proxy:
    """Stands before the index and may change what passes; counts requests."""

    index: FakeIndex
    meddle: Callable[[HttpResponse], HttpResponse] = lambda response: response
    count: int = 0
    seen: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.count += 1
        self.seen.append(dict(HttpRequest(environ).headers))
        self.index.connections.add((environ["REMOTE_ADDR"], environ["REMOTE_PORT"]))
        answer = self.index._respond(HttpRequest(environ))
        return self.meddle(answer)(environ, start_response)


@pytest.fixture
def index(clock: FakeClock) -> FakeIndex:
    return FakeIndex(AUDIENCE, clock)


@pytest.fixture
def proxy(index: FakeIndex) -> Iterator[Proxy]:
    proxy = Proxy(index)
    with listening(proxy) as url:
        index.url = url
        yield proxy


@pytest.fixture
def client(index: FakeIndex, proxy: Proxy, clock: FakeClock) -> Iterator[SignedClient]:
    client = SignedClient(index.url, AUDIENCE, KEY, index.key.public, clock, (1.0, 1.0))
    yield client
    client.close()


def an_enrolment() -> Enrolment:
    keys = AgencyKeys(signing=b64u_encode(KEY.public), sealing=b64u_encode(bytes(32)))
    return Enrolment(agency="oakshire", code=b64u_encode(bytes(16)), keys=keys)


def test_a_signed_answer_is_returned_as_its_message(client: SignedClient) -> None:
    assert isinstance(client.call(INDEX_IDENTITY), IndexIdentity)


def test_one_connection_is_kept_for_many_requests(client: SignedClient, index: FakeIndex) -> None:
    for _ in range(5):
        client.call(INDEX_IDENTITY)
    assert len(index.connections) == 1


def test_small_requests_leave_without_delay(
    client: SignedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TCP_NODELAY: otherwise a body waits for the acknowledgement of the head."""
    set_on: list[tuple[Any, ...]] = []
    true_set = socket.socket.setsockopt
    monkeypatch.setattr(
        socket.socket,
        "setsockopt",
        lambda self, *options: (set_on.append(options), true_set(self, *options))[1],
    )
    client.call(INDEX_IDENTITY)
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in set_on


@pytest.mark.parametrize(
    "meddle",
    [
        pytest.param(lambda r: _with_body(r, b'{"partnership":"southgate"}'), id="body"),
        pytest.param(lambda r: _without(r, "Signature"), id="signature"),
        pytest.param(lambda r: _without(r, "Signature", "Signature-Input"), id="unsigned"),
        pytest.param(lambda r: _with_status(r, 201), id="status"),
    ],
)
def test_a_changed_answer_is_not_used(
    client: SignedClient, proxy: Proxy, meddle: Callable[[HttpResponse], HttpResponse]
) -> None:
    proxy.meddle = meddle
    with pytest.raises(NotGenuine, match="was not used"):
        client.call(INDEX_IDENTITY)
    assert proxy.count == 1, "what is not genuine is not asked for again"


def test_an_answer_signed_with_another_key_is_not_used(
    client: SignedClient, index: FakeIndex
) -> None:
    index.key = SigningKey.generate()
    with pytest.raises(NotGenuine, match="pinned"):
        client.call(INDEX_IDENTITY)


def test_an_answer_to_another_request_is_not_used(client: SignedClient, proxy: Proxy) -> None:
    """An answer is bound to the signature of its request, nonce and all."""
    kept: list[HttpResponse] = []

    def replay(answer: HttpResponse) -> HttpResponse:
        kept.append(answer)
        return kept[0]

    proxy.meddle = replay
    client.call(INDEX_IDENTITY)
    with pytest.raises(NotGenuine):
        client.call(INDEX_IDENTITY)


def test_a_refusal_is_told_in_the_services_words(client: SignedClient) -> None:
    with pytest.raises(Refused, match="Ask the steward") as refused:
        client.call(ENROL, an_enrolment())
    assert (refused.value.status, refused.value.code) == (404, "no-such-code")


def test_a_refusal_that_somebody_else_wrote_is_not_believed(
    client: SignedClient, proxy: Proxy
) -> None:
    proxy.meddle = lambda _: HttpResponse(
        b'{"type":"urn:ifi:problem:x","title":"t","status":403,"detail":"Phone 0999 999 9999."}',
        403,
        content_type="application/problem+json",
    )
    with pytest.raises(NotGenuine) as told:
        client.call(INDEX_IDENTITY)
    assert "0999" not in str(told.value)


@pytest.mark.parametrize("off_by_s", [301, -301])
def test_a_clock_that_is_off_is_said_to_be(
    client: SignedClient, index: FakeIndex, clock: FakeClock, off_by_s: int
) -> None:
    index.clock = FakeClock(clock() + off_by_s * 1000)
    with pytest.raises(ClockOff, match="clocks of this machine and of the index differ") as told:
        client.call(INDEX_IDENTITY)
    assert "timedatectl" in str(told.value)


def test_an_index_that_is_down_is_tried_three_times_and_then_said(clock: FakeClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = SignedClient(f"http://127.0.0.1:{port}", AUDIENCE, KEY, KEY.public, clock)
    with pytest.raises(Unreachable, match=r"connection refused.*check that it is running"):
        client.call(INDEX_IDENTITY)


def test_an_index_that_does_not_answer_is_given_up_on(clock: FakeClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = SignedClient(url, AUDIENCE, KEY, KEY.public, clock, (0.2, 0.2))
        with pytest.raises(Unreachable, match="no answer in time"):
            client.call(INDEX_IDENTITY)
        client.close()


def test_a_repeated_request_is_signed_anew(client: SignedClient, proxy: Proxy) -> None:
    """Two requests with one nonce would be refused as a replay."""

    def busy(_: Any) -> Any:
        raise Refuse(503, "storage-unavailable", "Send the request again later.")

    proxy.index.lies["index-identity"] = busy
    with pytest.raises(Refused, match="again later"):
        client.call(INDEX_IDENTITY)
    assert proxy.count == 3
    assert len({headers["Signature-Input"] for headers in proxy.seen}) == 3


def test_a_proxys_own_502_is_repeated_and_told_from_the_index(
    client: SignedClient, proxy: Proxy
) -> None:
    proxy.meddle = lambda _: HttpResponse(b"<h1>Bad gateway</h1>", 502)
    with pytest.raises(Unreachable, match="something before the index"):
        client.call(INDEX_IDENTITY)
    assert proxy.count == 3


def test_what_may_not_happen_twice_is_sent_once(client: SignedClient, proxy: Proxy) -> None:
    """A resolution counts against limits, so it is not repeated by itself."""
    proxy.meddle = lambda _: HttpResponse(b"", 502)
    with pytest.raises(Unreachable):
        client.call(RESOLVE, msgspec.convert({"statement": _an_envelope()}, RESOLVE.request))
    assert proxy.count == 1


def test_an_endless_answer_is_cut_off(
    client: SignedClient, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 100_000)
    proxy.meddle = lambda r: _with_body(r, b" " * 1_000_000)
    with pytest.raises(NotGenuine, match="larger than"):
        client.call(INDEX_IDENTITY)


def test_a_redirect_is_not_followed(client: SignedClient, proxy: Proxy) -> None:
    proxy.meddle = lambda _: HttpResponse(b"", 302, {"Location": "http://127.0.0.1:9/"})
    with pytest.raises(NotGenuine):
        client.call(INDEX_IDENTITY)
    assert proxy.count == 1


def test_no_sign_in_and_no_cookie_goes_along(
    client: SignedClient, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """What .netrc says of the host, and cookies that a proxy sets, would travel unsigned."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    def set_cookie(response: HttpResponse) -> HttpResponse:
        response.set_cookie("session", "1")
        return response

    proxy.meddle = set_cookie
    client.call(INDEX_IDENTITY)
    client.call(INDEX_IDENTITY)
    assert not {"Authorization", "Cookie"} & set(proxy.seen[1])


@pytest.mark.parametrize(
    "url",
    ["http://index.example", "http://10.0.0.1:8001", "ftp://127.0.0.1", "https://",
     "https://user:word@index.example", "https://index.example/?a=b"],
)  # fmt: skip
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(OperatorError, match="write https") as told:
        SignedClient(url, AUDIENCE, KEY, KEY.public)
    assert "word@" not in str(told.value)


@pytest.mark.parametrize(
    "url", ["https://index.example/ifi/", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"]
)  # fmt: skip
def test_https_anywhere_and_http_on_this_machine_are_allowed(url: str) -> None:
    SignedClient(url, AUDIENCE, KEY, KEY.public).close()


def test_a_certificate_that_is_not_accepted_is_said_to_be(
    index: FakeIndex, proxy: Proxy, clock: FakeClock
) -> None:
    """A plain server stands in for one that cannot do TLS; both fail in the handshake."""
    url = index.url.replace("http://", "https://")
    client = SignedClient(url, AUDIENCE, KEY, index.key.public, clock, (1.0, 1.0))
    with pytest.raises(Unreachable, match="no certificate that this machine accepts"):
        client.call(INDEX_IDENTITY)
    client.close()


def test_a_service_is_met_only_if_it_holds_the_key_it_names(
    index: FakeIndex, proxy: Proxy, clock: FakeClock
) -> None:
    client = SignedClient(index.url, AUDIENCE, KEY, None, clock)
    read: Callable[[IndexIdentity], bytes] = lambda told: index.key.public  # noqa: E731 - one word
    assert client.meet(INDEX_IDENTITY, read).partnership == PARTNERSHIP
    with pytest.raises(NotGenuine):
        client.meet(INDEX_IDENTITY, lambda _: SigningKey.generate().public)
    proxy.meddle = lambda _: HttpResponse(b"", 500)
    with pytest.raises(Unreachable, match="answers 500"):
        client.meet(INDEX_IDENTITY, read)
    client.close()


def _an_envelope() -> dict[str, Any]:
    return {
        "payloadType": "x",
        "payload": "",
        "signatures": [{"keyid": b64u_encode(bytes(16)), "sig": "A" * 86 + "=="}],
    }


def _with_body(response: HttpResponse, body: bytes) -> HttpResponse:
    response.set_data(body)
    return response


def _without(response: HttpResponse, *names: str) -> HttpResponse:
    for name in names:
        del response.headers[name]
    return response


def _with_status(response: HttpResponse, status: int) -> HttpResponse:
    response.status_code = status
    return response
