"""The golden vectors that docs/protocol.md refers to are what this implementation computes."""

import base64
import json
from typing import Any

import pytest

from protocol import (
    canonical,
    contacts,
    documents,
    enrolment_code,
    handover,
    receipts,
    references,
    voprf,
)
from protocol.encoding import EncodingError, b64u_decode
from protocol.entries import read_entry
from protocol.http_signatures import read_request, verify_response
from protocol.signature_base import Request, Response
from protocol.tokens import token
from schemas.contacts import ContactSend, ContactStatement
from schemas.envelopes import Envelope
from tests.protocol import make_vectors as made


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return json.loads(made.FILE.read_text(encoding="utf-8"))


def envelope(plain: Any) -> Envelope:
    return canonical.decode(canonical.encode(plain), Envelope)


def test_every_vector_is_what_this_code_computes(kept: dict[str, Any]) -> None:
    """A change of one byte on the wire is a change of the protocol, and has to be seen as one."""
    again = json.loads(made.text(made.vectors(made.kept_package(), made.kept_contact())))
    assert again.keys() == kept.keys()
    for name, vector in kept.items():
        assert again[name] == vector, f"{name} is no longer what the vectors say"


def test_the_kept_package_opens_with_the_newcomers_sealing_key(kept: dict[str, Any]) -> None:
    told = kept["handover"]
    package, contents, descriptor = handover.unpack(
        envelope(told["package"]),
        partnership=made.PARTNERSHIP,
        recipient="marsh-council",
        recipient_keys=made.keys_of(made.NEWCOMER, made.NEWCOMER_SEALING),
        sender_keys=made.keys_of(made.SENDER, made.SENDER_SEALING),
        sealing_key=made.NEWCOMER_SEALING,
    )
    assert made.plain(contents) == told["contents"]
    assert (package.epoch, descriptor.epoch) == (made.EPOCH, made.EPOCH)


def test_the_kept_contact_request_opens_with_the_recipients_sealing_key(
    kept: dict[str, Any],
) -> None:
    sent = canonical.decode(canonical.encode(kept["contacts"]["message"]), ContactSend)
    statement = documents.read(sent.statement, ContactStatement, made.SENDER.public)
    opened = contacts.open_sealed(statement, b64u_decode(sent.sealed), made.NEWCOMER_SEALING)
    assert made.plain(opened) == kept["contacts"]["contents"]


def test_the_signed_request_and_its_answer_are_believed(kept: dict[str, Any]) -> None:
    told, answer = kept["http"]["request"], kept["http"]["response"]
    request = Request(
        told["method"], told["path"], told["query"], tuple(told["fields"].items()),
        told["body"].encode(),
    )  # fmt: skip
    read_request(request, audience=told["audience"], now_s=told["created"]).verify(
        made.SENDER.public
    )
    response = Response(answer["status"], tuple(answer["fields"].items()), answer["body"].encode())
    verify_response(response, request, public=made.SERVER.public, now_s=answer["created"])


def test_the_token_is_that_of_the_proved_evaluation(kept: dict[str, Any]) -> None:
    told = {name: bytes.fromhex(kept["tokens"][f"{name}_hex"]) for name in (
        "x", "blind", "blinded", "evaluated", "proof", "evaluation_public", "token"
    )}  # fmt: skip
    voprf.verify(told["evaluation_public"], told["blinded"], told["evaluated"], told["proof"])
    (output,) = voprf.finalize([told["x"]], told["blind"], told["evaluated"])
    assert token(output) == told["token"]


def test_the_receipt_is_for_the_entry(kept: dict[str, Any]) -> None:
    entry = kept["record"]["entry"].encode()
    receipts.check(envelope(kept["record"]["receipt"]), entry, made.LOG_NAME, made.LOG.public)
    assert made.plain(read_entry(entry)) == json.loads(entry)


def test_what_the_vectors_call_refused_is_refused(kept: dict[str, Any]) -> None:
    for text in kept["encoding"]["base64url_refused"]:
        with pytest.raises(EncodingError):
            b64u_decode(text)
    for text in kept["encoding"]["canonical_json_refused"]:
        with pytest.raises(canonical.NotCanonical):
            canonical.decode(text.encode(), dict[str, Any])
    for text in kept["references"]["refused"]:
        with pytest.raises(references.BadReference):
            references.read_reference(text)
    for text in kept["enrolment_code"]["refused"]:
        with pytest.raises(enrolment_code.BadEnrolmentCode):
            enrolment_code.read_code(text)


def test_the_signed_bytes_stand_in_the_envelope(kept: dict[str, Any]) -> None:
    told = kept["envelope"]
    payload = base64.b64decode(told["envelope"]["payload"])
    assert bytes.fromhex(told["signed_bytes_hex"]).endswith(b" " + payload)
    assert json.loads(payload) == told["payload"]
