"""Signed requests and responses: only the exact, fresh, whole message is believed."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.http_signatures import (
    WINDOW_S,
    Refusal,
    SignatureRefused,
    Unverified,
    read_request,
    sign_request,
    sign_response,
    verify_response,
)
from protocol.keys import SigningKey
from protocol.signature_base import Request, Response, field_lines

AGENCY = SigningKey.from_bytes(bytes(range(32)))
INDEX = SigningKey.from_bytes(bytes(range(1, 33)))
AUDIENCE = "index.example"
NOW = 1_700_000_000
Message = TypeVar("Message", Request, Response)
PLAIN = Request("POST", "/v1/lookups", "page=2&x=%2D", (("Host", "localhost"),), b'{"a":1}')
ANSWER = Response(200, (("Server", "x"),), b'{"b":2}')


def signed(request: Request = PLAIN, *, created_s: int = NOW, nonce: bytes = bytes(16)) -> Request:
    return request.with_headers(
        sign_request(request, AGENCY, audience=AUDIENCE, created_s=created_s, nonce=nonce)
    )


def answered(request: Request, response: Response = ANSWER, *, created_s: int = NOW) -> Response:
    return response.with_headers(sign_response(response, request, INDEX, created_s=created_s))


def edited(message: Message, name: str, edit: Callable[[str], str | None]) -> Message:
    """Return `message` with the value of the field `name` edited; None takes the field away."""
    headers = []
    for line, value in message.headers:
        new = edit(value) if line == name else value
        if new is not None:
            headers.append((line, new))
    return replace(message, headers=tuple(headers))


def read(request: Request, now_s: int = NOW) -> Unverified:
    unverified = read_request(request, audience=AUDIENCE, now_s=now_s)
    unverified.verify(AGENCY.public)
    return unverified


def refusal_of(request: Request, now_s: int = NOW) -> SignatureRefused:
    with pytest.raises(SignatureRefused) as caught:
        read(request, now_s)
    return caught.value


def refusal_of_answer(
    response: Response, request: Request, now_s: int = NOW, public: bytes = INDEX.public
) -> SignatureRefused:
    with pytest.raises(SignatureRefused) as caught:
        verify_response(response, request, public=public, now_s=now_s)
    return caught.value


# What is sent: vectors for other implementations, which may never change. The pyauth library
# http-message-signatures 3.0.0 verifies both.


def test_a_signed_request_has_exactly_these_fields() -> None:
    added = sign_request(PLAIN, AGENCY, audience=AUDIENCE, created_s=NOW, nonce=bytes(16))
    assert added == {
        "Content-Digest": "sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:",
        "IFI-Audience": "index.example",
        "Signature-Input": (
            'ifi=("@method" "@path" "@query" "content-digest" "ifi-audience");created=1700000000'
            ';nonce="AAAAAAAAAAAAAAAAAAAAAA";keyid="-BQXsz2GFgP7cc28X5k9OA";alg="ed25519"'
            ';tag="ifi/1"'
        ),
        "Signature": (
            "ifi=:jXga1JUSWvcM/YIHEqFl7s/nFB9YhVsd7lAJSPIybxXO9M3bSyl4X4lD2CFZ18qDg3p/5qU"
            "/T1WE456CzG8TBA==:"
        ),
    }


def test_a_signed_response_has_exactly_these_fields() -> None:
    assert sign_response(ANSWER, signed(), INDEX, created_s=NOW + 1) == {
        "Content-Digest": "sha-256=:CrGm05TNMBlfBkK2euEYDDdf+t9d1/OcOQZotf222pM=:",
        "Signature-Input": (
            'ifi=("@status" "content-digest" "@method";req "@path";req "@query";req '
            '"content-digest";req "ifi-audience";req "signature-input";req;key="ifi" '
            '"signature";req;key="ifi")'
            ';created=1700000001;keyid="vhGdsXhlFFr0w3Xz-hOaCw";alg="ed25519";tag="ifi/1"'
        ),
        "Signature": (
            "ifi=:z5pgEdMctcanR6rGLqEv5fFnPxr1/GZT7+YTEorKZSOgMS/DOY1bqlQWqXa0qvTBUr4CdlteW"
            "pUTrUIYqqRWCA==:"
        ),
    }


def test_the_base_of_a_request_covers_every_component_in_order() -> None:
    added = sign_request(PLAIN, AGENCY, audience=AUDIENCE, created_s=NOW, nonce=bytes(16))
    assert read(signed()).base.decode() == (
        '"@method": POST\n'
        '"@path": /v1/lookups\n'
        '"@query": ?page=2&x=%2D\n'
        f'"content-digest": {added["Content-Digest"]}\n'
        '"ifi-audience": index.example\n'
        f'"@signature-params": {added["Signature-Input"].removeprefix("ifi=")}'
    )


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.from_regex(r"/[!->@-~]{0,20}", fullmatch=True),
    st.from_regex(r"[!-~]{0,20}", fullmatch=True),
    st.binary(max_size=40),
    st.binary(min_size=16, max_size=16),
    st.integers(NOW - WINDOW_S, NOW + WINDOW_S),
)
def test_what_is_signed_is_believed_and_so_is_its_answer(
    method: str, path: str, query: str, body: bytes, nonce: bytes, created_s: int
) -> None:
    request = signed(Request(method, path, query, (), body), created_s=created_s, nonce=nonce)
    found = read(request)
    assert (found.keyid, found.nonce, found.created_s) == (AGENCY.key_id, nonce, created_s)
    response = answered(request, Response(200, (), body), created_s=created_s)
    verify_response(response, request, public=INDEX.public, now_s=NOW)


def test_an_empty_body_has_a_digest_too() -> None:
    request = signed(Request("GET", "/v1/inbox", "", (), b""))
    assert field_lines(request, "content-digest") == (
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    )
    read(request)
    without = edited(request, "Content-Digest", lambda _: None)
    assert refusal_of(without).code is Refusal.MALFORMED


def test_field_names_in_any_case_and_outer_white_space_are_read() -> None:
    request = signed()
    shouted = replace(
        request, headers=tuple((name.upper(), f"  {value}\t") for name, value in request.headers)
    )
    read(shouted)


# Every change is refused.


@given(st.data())
def test_any_changed_byte_of_a_request_is_refused(data: st.DataObject) -> None:
    read_changed = refusal_of(_with_one_byte_changed(signed(), data))
    assert read_changed.code in Refusal


@given(st.data())
def test_any_changed_byte_of_a_response_or_of_its_request_is_refused(data: st.DataObject) -> None:
    request = signed()
    response = answered(request)
    if data.draw(st.booleans(), label="change the request"):
        sent = _with_one_byte_changed(request, data)
        assert refusal_of_answer(response, sent).code in Refusal
    else:
        assert refusal_of_answer(_with_one_byte_changed(response, data), request).code in Refusal


def _with_one_byte_changed(message: Message, data: st.DataObject) -> Message:
    """Return `message` with one byte changed in a part that its signature covers, or is."""
    names = [name for name, _ in message.headers if name not in ("Host", "Server")]
    parts = ["method", "path", "query"] if isinstance(message, Request) else ["status"]
    part = data.draw(st.sampled_from([*names, *parts, "body"]))
    if part in names:
        return edited(message, part, lambda value: _changed(value.encode(), data).decode("latin-1"))
    if part == "status":
        return replace(message, status=data.draw(st.integers(100, 999).filter(lambda n: n != 200)))
    value = getattr(message, part)
    if isinstance(value, bytes):
        return replace(message, body=_changed(value, data))
    return replace(message, **{part: _changed(value.encode(), data).decode("latin-1")})


def _changed(value: bytes, data: st.DataObject) -> bytes:
    place = data.draw(st.integers(0, len(value) - 1))
    other = value[place] ^ data.draw(st.integers(1, 255))
    return value[:place] + bytes([other]) + value[place + 1 :]


def test_a_changed_body_is_named_as_such() -> None:
    refused = refusal_of(replace(signed(), body=b'{"a":2}'))
    assert refused.code is Refusal.TAMPERED_BODY
    assert "proxy" in refused.sentence


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"method": "post"},
        {"path": "/v1/lookup"},
        {"path": "/v1/lookups/"},
        {"path": "/v1/%6Cookups"},
        {"query": ""},
        {"query": "x=%2D&page=2"},
        {"query": "page=2&x=-"},
    ],
)
def test_a_changed_method_path_or_query_is_refused(change: dict[str, str]) -> None:
    assert refusal_of(replace(signed(), **change)).code is Refusal.BAD_SIGNATURE


def test_a_body_and_digest_changed_together_are_refused() -> None:
    other = signed(replace(PLAIN, body=b"{}"))
    digest = field_lines(other, "content-digest")[0]
    forged = edited(replace(signed(), body=b"{}"), "Content-Digest", lambda _: digest)
    assert refusal_of(forged).code is Refusal.BAD_SIGNATURE


# Unsigned, doubly signed, malformed.


def test_an_unsigned_request_is_refused() -> None:
    assert refusal_of(PLAIN).code is Refusal.UNSIGNED


@pytest.mark.parametrize("field", ["Signature", "Signature-Input"])
def test_half_a_signature_is_refused(field: str) -> None:
    refused = refusal_of(edited(signed(), field, lambda _: None))
    assert refused.code is Refusal.MALFORMED
    assert f"field {field} is missing" in refused.sentence


@pytest.mark.parametrize(
    "label",
    ["ifi", "other"],
)
@pytest.mark.parametrize("line", ["the same line", "a line of its own", "only Signature"])
def test_a_second_signature_is_refused(label: str, line: str) -> None:
    """As another member, another line, or a member of the same name, which parsers would merge."""
    request = signed()
    extra = {
        name: field_lines(request, name)[0].replace("ifi=", f"{label}=", 1)
        for name in ("Signature-Input", "Signature")
    }
    if line == "a line of its own":
        doubled = request.with_headers(extra)
    else:
        doubled = edited(request, "Signature", lambda value: f"{value}, {extra['Signature']}")
        if line == "the same line":
            doubled = edited(
                doubled, "Signature-Input", lambda value: f"{value},{extra['Signature-Input']}"
            )
    assert refusal_of(doubled).code is Refusal.DOUBLY_SIGNED


def test_one_field_line_twice_is_refused() -> None:
    request = signed()
    again = replace(request, headers=(*request.headers, request.headers[-1]))
    assert refusal_of(again).code is Refusal.DOUBLY_SIGNED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"@query" ', ""),
        ('"@method" "@path"', '"@path" "@method"'),
        ('"ifi-audience")', '"ifi-audience" "date")'),
        ('"@path" ', '"@path"  '),
        ('("@method"', '( "@method"'),
        ('"@path"', '"@path";req'),
        ('("@method" "@path" "@query" "content-digest" "ifi-audience")', "()"),
    ],
)
def test_other_components_are_refused(old: str, new: str) -> None:
    """A signature over less must not count as one over all."""
    refused = refusal_of(edited(signed(), "Signature-Input", lambda value: value.replace(old, new)))
    assert refused.code is Refusal.BAD_COMPONENTS
    assert '"@method" "@path" "@query"' in refused.sentence


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ifi=", "sig1="),
        ("ifi=", "IFI="),
        (';alg="ed25519"', ""),
        (';alg="ed25519"', ';alg="hmac-sha256"'),
        (';tag="ifi/1"', ""),
        (';tag="ifi/1"', ';tag="ifi/2"'),
        (';tag="ifi/1"', ';tag="ifi/1";expires=1700000001'),
        (";created=1700000000", ""),
        (";created=1700000000", ";created=01700000000"),
        (";created=1700000000", ";created=-1700000000"),
        (";created=1700000000", ";created=1700000000.0"),
        (";created=1700000000", ";created=99999999999999999999"),
        (";created=1700000000", ";created=1700000000;created=1700000000"),
        (";created=1700000000", ";created=\u0661700000000"),
        (';nonce="AAAAAAAAAAAAAAAAAAAAAA"', ""),
        (';nonce="AAAAAAAAAAAAAAAAAAAAAA"', ';nonce="AAAAAAAAAAAAAAAAAAAAAB"'),
        (';nonce="AAAAAAAAAAAAAAAAAAAAAA"', ';nonce="AAAAAAAAAAAAAAAAAAAAAA=="'),
        (';nonce="AAAAAAAAAAAAAAAAAAAAAA"', ';nonce="AAAAAAAAAAAAAAAAAAAAA"'),
        (";keyid=", "; keyid="),
        ("ifi=(", "ifi=sig("),
    ],
)
def test_other_parameters_labels_and_spellings_are_refused(old: str, new: str) -> None:
    request = edited(signed(), "Signature-Input", lambda value: value.replace(old, new, 1))
    assert request != signed()
    assert refusal_of(request).code is Refusal.MALFORMED


@pytest.mark.parametrize(
    "value", ["", "ifi=", "ifi=::", "ifi=:AAAA:", "ifi=?1", "ifi", "other=:AAAA:", "\x00", "é"]
)
def test_a_signature_that_is_not_64_bytes_is_refused(value: str) -> None:
    assert refusal_of(edited(signed(), "Signature", lambda _: value)).code is Refusal.MALFORMED


def test_a_line_break_cannot_write_a_line_of_the_base() -> None:
    assert refusal_of(replace(signed(), query='a\n"@query": ?b')).code is Refusal.MALFORMED


# Audience, clock, key.


def test_a_request_for_another_audience_is_refused() -> None:
    with pytest.raises(SignatureRefused) as caught:
        read_request(signed(), audience="evaluator.example", now_s=NOW)
    assert caught.value.code is Refusal.WRONG_AUDIENCE
    assert "is for index.example; this is evaluator.example" in caught.value.sentence


@pytest.mark.parametrize("value", [None, "", "index.example, index.example", "\x1b[31m"])
def test_a_request_without_one_audience_is_refused(value: str | None) -> None:
    refused = refusal_of(edited(signed(), "IFI-Audience", lambda _: value))
    assert refused.code is Refusal.WRONG_AUDIENCE
    assert "no one service" in refused.sentence


def test_a_request_with_two_audiences_is_refused_though_one_is_ours() -> None:
    """Signed so by its sender: two services would each take it for its own."""
    request = signed().with_headers({"ifi-audience": "evaluator.example"})
    assert refusal_of(request).code is Refusal.WRONG_AUDIENCE


@pytest.mark.parametrize(
    ("off_s", "code"), [(WINDOW_S + 1, Refusal.STALE), (-WINDOW_S - 1, Refusal.FUTURE)]
)
def test_a_request_or_response_outside_the_window_is_refused_with_both_times(
    off_s: int, code: Refusal
) -> None:
    request = signed()
    for refused in (
        refusal_of(request, NOW + off_s),
        refusal_of_answer(answered(request), request, NOW + off_s),
    ):
        assert refused.code is code
        times = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", refused.sentence)
        assert times[0] == "2023-11-14 22:13:20 UTC"
        assert times[1] != times[0]
        assert "clock" in refused.sentence


@pytest.mark.parametrize("off_s", [WINDOW_S, -WINDOW_S, 0])
def test_the_window_includes_its_ends(off_s: int) -> None:
    request = signed()
    read(request, NOW + off_s)
    verify_response(answered(request), request, public=INDEX.public, now_s=NOW + off_s)


def test_a_key_that_is_not_the_named_one_is_refused() -> None:
    with pytest.raises(SignatureRefused, match=INDEX.key_id) as caught:
        read_request(signed(), audience=AUDIENCE, now_s=NOW).verify(INDEX.public)
    assert caught.value.code is Refusal.BAD_SIGNATURE


def test_a_named_key_without_its_signature_is_refused() -> None:
    forged = edited(
        signed(), "Signature-Input", lambda value: value.replace(AGENCY.key_id, INDEX.key_id)
    )
    with pytest.raises(SignatureRefused) as caught:
        read_request(forged, audience=AUDIENCE, now_s=NOW).verify(INDEX.public)
    assert caught.value.code is Refusal.BAD_SIGNATURE


# The answer belongs to one request.


def test_the_answer_to_another_request_is_refused() -> None:
    """The same request a second time, another path, or the same from another agency."""
    request = signed()
    response = answered(request)
    as_another = PLAIN.with_headers(
        sign_request(PLAIN, INDEX, audience=AUDIENCE, created_s=NOW, nonce=bytes(16))
    )
    for other in (
        signed(nonce=b"\x01" * 16),
        signed(created_s=NOW + 1),
        signed(replace(PLAIN, path="/v1/inbox")),
        signed(replace(PLAIN, body=b"{}")),
        as_another,
    ):
        assert refusal_of_answer(response, other).code is Refusal.BAD_SIGNATURE
    verify_response(response, request, public=INDEX.public, now_s=NOW)


def test_an_answer_to_a_changed_request_is_refused_by_its_sender() -> None:
    """Whoever changes a request on its way gains no believed answer, not even a refusal."""
    sent = signed()
    arrived = replace(sent, path="/v1/unknown")
    refused = refusal_of_answer(answered(arrived, Response(404, (), b"")), sent)
    assert refused.code is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("request_", "code"),
    [(PLAIN, Refusal.UNSIGNED), (replace(signed(), body=b"{}"), Refusal.TAMPERED_BODY)],
)
def test_a_request_that_cannot_be_bound_gets_no_signed_answer(
    request_: Request, code: Refusal
) -> None:
    with pytest.raises(SignatureRefused) as caught:
        sign_response(ANSWER, request_, INDEX, created_s=NOW)
    assert caught.value.code is code


def test_an_unsigned_doubly_signed_or_tampered_answer_is_refused() -> None:
    request = signed()
    response = answered(request)
    assert refusal_of_answer(ANSWER, request).code is Refusal.UNSIGNED
    doubled = replace(response, headers=(*response.headers, *response.headers))
    assert refusal_of_answer(doubled, request).code is Refusal.DOUBLY_SIGNED
    tampered = replace(response, body=b'{"b":3}')
    assert refusal_of_answer(tampered, request).code is Refusal.TAMPERED_BODY
    other_key = refusal_of_answer(response, request, public=AGENCY.public)
    assert other_key.code is Refusal.BAD_SIGNATURE


def test_a_request_signature_is_no_response_signature() -> None:
    request = signed()
    fields = {name: field_lines(request, name)[0] for name in ("Signature-Input", "Signature")}
    digest = {"Content-Digest": field_lines(request, "content-digest")[0]}
    response = Response(200, (), PLAIN.body).with_headers(digest | fields)
    refused = refusal_of_answer(response, request, public=AGENCY.public)
    assert refused.code is Refusal.BAD_COMPONENTS


# Signing refuses what could not be read again.


@pytest.mark.parametrize("audience", ["", "two words", "a,b", "a\r\nX: y", "é", "a" * 201])
def test_an_audience_in_another_form_is_not_signed(audience: str) -> None:
    with pytest.raises(ValueError, match="audience"):
        sign_request(PLAIN, AGENCY, audience=audience, created_s=NOW, nonce=bytes(16))


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_nonce_of_another_length_is_not_signed(length: int) -> None:
    with pytest.raises(ValueError, match="nonce"):
        sign_request(PLAIN, AGENCY, audience=AUDIENCE, created_s=NOW, nonce=bytes(length))


def test_a_message_that_is_signed_already_is_not_signed_again() -> None:
    request = signed()
    with pytest.raises(ValueError, match="already has"):
        sign_request(request, AGENCY, audience=AUDIENCE, created_s=NOW, nonce=bytes(16))
    with pytest.raises(ValueError, match="already has"):
        sign_response(answered(request), request, INDEX, created_s=NOW)


def test_a_sentence_is_what_a_person_is_shown() -> None:
    refused = refusal_of(PLAIN)
    assert str(refused) == refused.sentence
    assert refused.sentence.endswith(".")


@pytest.mark.parametrize("field", ["Signature-Input", "Signature"])
def test_another_label_is_named_as_what_is_wrong(field: str) -> None:
    """Also with the right one in the other field; both have to be relabelled at the sender."""
    refused = refusal_of(edited(signed(), field, lambda value: value.replace("ifi=", "sig1=", 1)))
    assert refused.code is Refusal.MALFORMED
    assert "not labelled ifi" in refused.sentence


@pytest.mark.parametrize(
    "value",
    [
        "sha-512=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:",
        "sha-256=AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=",
        "sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:, sha-512=:AA==:",
        "",
    ],
)
def test_a_digest_in_another_form_is_not_taken_for_a_changed_body(value: str) -> None:
    """What to mend is the sender, and not a proxy in between."""
    refused = refusal_of(edited(signed(), "Content-Digest", lambda _: value))
    assert refused.code is Refusal.MALFORMED
    assert "one sha-256 digest" in refused.sentence
