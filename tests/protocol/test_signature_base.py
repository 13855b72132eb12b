"""Components and signature bases, against the examples of RFC 9421 itself."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from protocol.keys import SigningKey, verify
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

SHA_512 = (
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX"
    "+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
)
# RFC 9421 B.2, test-request, with white space around one value.
TEST_REQUEST = Request(
    method="POST",
    path="/foo",
    query="param=Value&Pet=dog",
    headers=(
        ("Host", "example.com"),
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Digest", f"  {SHA_512}\t"),
        ("Content-Length", "18"),
    ),
    body=b'{"hello": "world"}',
)


def lines_of(
    names: str, request: Request, response: Response | None = None
) -> list[tuple[str, str]]:
    """Return the lines of a base; @authority, which our profile has no use for, is Host here."""
    lines = []
    for name in names.split():
        component = Component(name.removesuffix(";req"), of_request=name.endswith(";req"))
        source = response if response is not None and not component.of_request else request
        if component.name == "@authority":
            lines.append((component.identifier, component_value(Component("host"), request)))
        else:
            lines.append((component.identifier, component_value(component, source)))
    return lines


def base_of(
    names: str, parameters: str, request: Request, response: Response | None = None
) -> bytes:
    lines = lines_of(names, request, response)
    return signature_base(lines, inner_list(identifier for identifier, _ in lines) + parameters)


def verify_ecdsa(signature: str, base: bytes) -> None:
    """Check a signature of test-key-ecc-p256 (RFC 9421 B.1.3)."""
    raw = base64.b64decode(signature)
    point = "04" + "".join(
        base64.urlsafe_b64decode(half + "=").hex()
        for half in (
            "qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA",
            "Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0",
        )
    )
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(point)).verify(
        encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
        base,
        ec.ECDSA(hashes.SHA256()),
    )


def test_the_base_of_rfc_9421_2_5() -> None:
    expected = f"""\
"@method": POST
"@authority": example.com
"@path": /foo
"content-digest": {SHA_512}
"content-length": 18
"content-type": application/json
"@signature-params": ("@method" "@authority" "@path" "content-digest" "content-length" \
"content-type");created=1618884473;keyid="test-key-rsa-pss\""""
    names = "@method @authority @path content-digest content-length content-type"
    built = base_of(names, ';created=1618884473;keyid="test-key-rsa-pss"', TEST_REQUEST)
    assert built.decode() == expected


def test_the_base_and_signature_of_rfc_9421_b_2_6_ed25519() -> None:
    expected = """\
"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")\
;created=1618884473;keyid="test-key-ed25519\""""
    names = "date @method @path @authority content-type content-length"
    base = base_of(names, ';created=1618884473;keyid="test-key-ed25519"', TEST_REQUEST)
    assert base.decode() == expected
    key = SigningKey.from_bytes(
        base64.urlsafe_b64decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU=")
    )
    assert key.public == base64.urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs=")
    signature = (
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )
    assert base64.b64encode(key.sign(base)).decode() == signature
    verify(key.public, base64.b64decode(signature), base)


def test_the_response_of_rfc_9421_b_2_4() -> None:
    digest = (
        "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJg"
        "Jc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"
    )
    response = Response(
        status=200,
        headers=(
            ("Content-Type", "application/json"),
            ("Content-Digest", digest),
            ("Content-Length", "23"),
        ),
        body=b'{"message": "good dog"}',
    )
    base = base_of(
        "@status content-type content-digest content-length",
        ';created=1618884473;keyid="test-key-ecc-p256"',
        TEST_REQUEST,
        response,
    )
    verify_ecdsa(
        "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==",
        base,
    )


def test_a_response_bound_to_its_request_as_in_rfc_9421_2_4() -> None:
    digest = (
        "sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJ"
        "DbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:"
    )
    response = Response(
        status=503,
        headers=(
            ("Date", "Tue, 20 Apr 2021 02:07:56 GMT"),
            ("Content-Type", "application/json"),
            ("Content-Length", "62"),
            ("Content-Digest", digest),
        ),
        body=b'{"busy": true, "message": "Your call is very important to us"}',
    )
    expected = f"""\
"@status": 503
"content-digest": {digest}
"content-type": application/json
"@authority";req: example.com
"@method";req: POST
"@path";req: /foo
"content-digest";req: {SHA_512}
"@signature-params": ("@status" "content-digest" "content-type" "@authority";req \
"@method";req "@path";req "content-digest";req);created=1618884479;keyid="test-key-ecc-p256\""""
    base = base_of(
        "@status content-digest content-type "
        "@authority;req @method;req @path;req content-digest;req",
        ';created=1618884479;keyid="test-key-ecc-p256"',
        TEST_REQUEST,
        response,
    )
    assert base.decode() == expected
    verify_ecdsa(
        "dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5Ag==",
        base,
    )


@pytest.mark.parametrize(
    ("path", "query", "component", "value"),
    [
        ("/path", "param=value", "@path", "/path"),  # 2.2.6
        ("", "", "@path", "/"),
        ("/a%2Fb", "", "@path", "/a%2Fb"),
        (
            "/path",
            "param=value&foo=bar&baz=bat%2Dman",
            "@query",
            "?param=value&foo=bar&baz=bat%2Dman",
        ),  # 2.2.7
        ("/path", "queryString", "@query", "?queryString"),
        ("/path", "", "@query", "?"),
        ("/path", "", "@method", "POST"),  # 2.2.1
    ],
)
def test_derived_components_as_in_rfc_9421_2_2(
    path: str, query: str, component: str, value: str
) -> None:
    request = Request(method="POST", path=path, query=query, headers=(), body=b"")
    assert component_value(Component(component), request) == value


def test_the_status_as_in_rfc_9421_2_2_9() -> None:
    assert component_value(Component("@status"), Response(200, (), b"")) == "200"


def test_the_method_keeps_its_case() -> None:
    request = Request("post", "/", "", (), b"")
    assert component_value(Component("@method"), request) == "post"


def test_field_lines_are_joined_as_in_rfc_9421_2_1() -> None:
    headers = (
        ("Cache-Control", "max-age=60"),
        ("X-Empty-Header", ""),
        ("cache-control", "    must-revalidate"),
    )
    request = Request("GET", "/", "", headers, b"")
    assert component_value(Component("cache-control"), request) == "max-age=60, must-revalidate"
    assert component_value(Component("x-empty-header"), request) == ""
    assert field_lines(request, "Cache-Control") == ("max-age=60", "must-revalidate")


@pytest.mark.parametrize(
    ("component", "message"),
    [
        ("@status", Request("GET", "/", "", (), b"")),
        ("@method", Response(200, (), b"")),
        ("@authority", Request("GET", "/", "", (), b"")),
        ("date", Request("GET", "/", "", (), b"")),
        ("date", Request("GET", "/", "", (("date", "a\nb"),), b"")),
        ("date", Request("GET", "/", "", (("date", "a\r\nb"),), b"")),
        ("date", Request("GET", "/", "", (("date", "é"),), b"")),
        ("date", Request("GET", "/", "", (("date", "\x00"),), b"")),
        ("@method", Request("", "/", "", (), b"")),
        ("@method", Request("GET\n", "/", "", (), b"")),
        ("@path", Request("GET", "/a b", "", (), b"")),
        ("@path", Request("GET", "/é", "", (), b"")),
        ("@query", Request("GET", "/", 'a\n"@path": /b', (), b"")),
    ],
)
def test_what_cannot_be_signed_is_refused(component: str, message: Request | Response) -> None:
    """A line break in a value could otherwise write a line of the base of its own."""
    with pytest.raises(NotSignable):
        component_value(Component(component), message)


def test_a_component_covered_twice_is_refused() -> None:
    with pytest.raises(NotSignable, match="twice"):
        signature_base([('"date"', "a"), ('"date"', "b")], '("date" "date")')


@pytest.mark.parametrize(
    "line", [('"date"', "a\nb"), ('"da\nte"', "a"), ('"date"', "é"), ('"date"', "\x7f")]
)
def test_a_base_with_line_breaks_or_beyond_ascii_is_refused(line: tuple[str, str]) -> None:
    with pytest.raises(NotSignable, match="line break"):
        signature_base([line], '("date")')
