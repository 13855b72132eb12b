"""A step of a contact request opens for its recipient, as the step it is, and in its order only."""

from typing import Any

import msgspec
import pytest

from protocol import documents
from protocol.contacts import (
    CLOSING,
    BadContact,
    allowed,
    open_sealed,
    pad,
    signed_step,
    step_digest,
)
from protocol.encoding import b64u_decode, b64u_encode
from protocol.keys import SealingKey, SigningKey
from schemas.contacts import (
    NOT_A_CRIME_REPORT,
    SEALED_BYTES,
    ContactContents,
    ContactReply,
    ContactRequest,
    ContactSend,
    ContactStatement,
    ContactStep,
    CrimeAnswer,
)

KEY, COUNCIL = SigningKey.generate(), SealingKey.generate()
NO_CRIME = CrimeAnswer(disclosed=False, reference=None, recorded_by=None)
REQUEST = ContactRequest(
    notice=NOT_A_CRIME_REPORT, desk="front", text="Please phone", name="Dibble", phone=None
)


def made(contents: ContactContents = REQUEST, **changed: Any) -> ContactSend:
    told: dict[str, Any] = {
        "partnership": "borsetshire", "agency": "police", "request": "A" * 22, "number": 0,
        "previous": None, "step": "asked", "reference": "2222222222", "recipient": "council",
        "recipient_sealing": b64u_encode(COUNCIL.public), "officer": "A" * 22, "signed_at": 1,
        "key": KEY,
    }  # fmt: skip
    return signed_step(contents, **{**told, **changed})


def stated(sent: ContactSend) -> ContactStatement:
    return documents.read(sent.statement, ContactStatement, KEY.public)


def test_the_recipient_reads_what_was_sealed() -> None:
    sent = made()
    assert len(b64u_decode(sent.sealed)) == SEALED_BYTES
    assert open_sealed(stated(sent), b64u_decode(sent.sealed), COUNCIL) == REQUEST


@pytest.mark.parametrize(
    "changed",
    [
        {"partnership": "felpersham"},
        {"agency": "health"},
        {"request": "A" * 21 + "Q"},
        {"number": 1},
        {"reference": "3333333333"},
        {"recipient": "housing"},
    ],
)
def test_what_was_sealed_opens_as_this_step_alone(changed: dict[str, Any]) -> None:
    """Whoever signs the same sealed bytes as another step, or as their own, sends nothing."""
    sent = made()
    other = msgspec.structs.replace(stated(sent), **changed)
    with pytest.raises(BadContact, match="does not open"):
        open_sealed(other, b64u_decode(sent.sealed), COUNCIL)


def test_another_key_and_other_bytes_do_not_open_it() -> None:
    sent = made()
    with pytest.raises(BadContact, match="does not open"):
        open_sealed(stated(sent), b64u_decode(sent.sealed), SealingKey.generate())
    with pytest.raises(BadContact, match="not those that were signed"):
        open_sealed(stated(sent), bytes(SEALED_BYTES), COUNCIL)


WRONG: tuple[tuple[ContactStep, ContactContents], ...] = (
    ("spoken", REQUEST),
    ("asked", ContactReply(name="A", text=None, crime=None)),
    ("refused", ContactReply(name="A", text=None, crime=None)),
    ("will-phone", ContactReply(name="A", text=None, crime=NO_CRIME)),
    ("crime-answered", ContactReply(name="A", text="No", crime=None)),
)


@pytest.mark.parametrize(("step", "contents"), WRONG)
def test_a_step_holds_what_it_is_for(step: ContactStep, contents: ContactContents) -> None:
    with pytest.raises(BadContact):
        made(contents, step=step)


@pytest.mark.parametrize(
    ("disclosed", "reference", "recorded_by"),
    [(True, None, None), (False, "CR/1", None), (False, None, "Jo")],
)
def test_a_crime_has_a_reference_or_somebody_who_records_it_and_no_crime_neither(
    disclosed: bool, reference: str | None, recorded_by: str | None
) -> None:
    with pytest.raises(ValueError, match="reference or somebody"):
        CrimeAnswer(disclosed=disclosed, reference=reference, recorded_by=recorded_by)


def test_the_longest_that_the_schema_allows_fits() -> None:
    widest = "\U0001f6b2"
    crime = CrimeAnswer(disclosed=True, reference=widest * 120, recorded_by=widest * 120)
    pad(ContactReply(name=widest * 120, text='"' + widest * 299, crime=crime))


def test_every_change_of_a_step_changes_its_digest() -> None:
    first = made()
    assert step_digest(first.statement) == step_digest(first.statement)
    assert step_digest(first.statement) != step_digest(made().statement)


def test_who_may_take_which_step() -> None:
    closing = {"spoken", "refused", "no-longer-ours"}
    assert allowed("asked", "holder") == {"will-phone", *closing}
    assert allowed("asked", "asker") == {"spoken"}
    assert allowed("will-phone", "holder") == closing
    assert allowed("will-phone", "asker") == {"spoken"}
    for step in CLOSING:
        assert allowed(step, "asker") == allowed(step, "holder") == {"crime-answered"}
