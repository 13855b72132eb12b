"""What is evaluated is right, proved, counted before it is answered, and never written down."""

import base64
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, inspect, text

from foundation.database import Database, StorageUnavailable
from index_service.evaluation import evaluating, storage
from protocol import voprf
from protocol.encoding import b64u_decode, b64u_encode
from protocol.keys import SigningKey
from protocol.tokens import EVALUATION_SIZES
from schemas.evaluation import EvaluatorIdentity
from schemas.operations import EVALUATE, EVALUATOR_IDENTITY
from tests.conftest import FakeClock
from tests.index_service.evaluation.evaluators import (
    AUDIENCE,
    POLICE,
    Asker,
    blinded,
    new_evaluator,
)
from tests.protocol.signed_calls import send, signed

PATIENCE_S = 20
NOON_TO_MIDNIGHT_S = 12 * 60 * 60


def evaluated(reply: Any) -> bytes:
    assert reply.status == 200, reply.content
    return b64u_decode(reply.content["elements"])


@pytest.mark.parametrize("size", EVALUATION_SIZES)
def test_a_batch_of_each_agreed_size_is_evaluated_under_the_epochs_key(
    asker: Asker, size: int
) -> None:
    """The tokens are those of the function computed in one place (RFC 9497 section 3.3.2)."""
    inputs, mine = blinded(size)
    outputs = voprf.finalize(inputs, mine.blinds, evaluated(asker.ask(mine.elements)))
    pair = asker.evaluator.keys.epochs[1]
    other = voprf.blind(inputs[:1])
    again = voprf.evaluate(pair.private_key, other.elements)
    assert outputs[0] == voprf.finalize(inputs[:1], other.blinds, again)[0]
    assert len(set(outputs)) == size


def test_a_proof_is_given_when_asked_for_and_holds_under_the_published_key(asker: Asker) -> None:
    _, mine = blinded()
    reply = asker.ask(mine.elements, proof=True)
    pair = asker.evaluator.keys.epochs[1]
    proof = b64u_decode(reply.content["proof"], 64)
    voprf.verify(pair.public_key, mine.elements, evaluated(reply), proof)
    with pytest.raises(voprf.ProofError):
        voprf.verify(
            asker.evaluator.keys.epochs[2].public_key, mine.elements, evaluated(reply), proof
        )
    assert asker.ask(mine.elements).content["proof"] is None


def test_tokens_of_two_epochs_do_not_match(asker: Asker) -> None:
    _, mine = blinded()
    first = evaluated(asker.ask(mine.elements, epoch=1))
    second = evaluated(asker.ask(mine.elements, epoch=2))
    assert not {first[i : i + 32] for i in range(0, len(first), 32)} & {
        second[i : i + 32] for i in range(0, len(second), 32)
    }


def test_identity_lists_the_live_epochs_and_may_be_read_by_anyone(asker: Asker) -> None:
    answer = asker.client.get(EVALUATOR_IDENTITY.path)
    read = msgspec.json.decode(answer.data, type=EvaluatorIdentity)
    keys = asker.evaluator.keys
    assert read.partnership == "borsetshire"
    assert read.signing_key == b64u_encode(keys.signing.public)
    assert [(entry.epoch, entry.public_key) for entry in read.epochs] == [
        (number, b64u_encode(keys.epochs[number].public_key)) for number in (1, 2)
    ]
    assert read.now == asker.evaluator.clock()


def test_identity_is_signed_for_whoever_signs(asker: Asker) -> None:
    """A founder, not yet on the list, compares the signing key that it has by phone."""
    now = asker.evaluator.clock()
    request = signed(
        EVALUATOR_IDENTITY, b"", SigningKey.generate(), at=now, nonce=bytes(16), audience=AUDIENCE
    )
    server = asker.evaluator.keys.signing.public
    assert send(asker.client, request, server=server, at=now).status == 200


def test_elements_are_counted_by_use_epoch_and_day(asker: Asker, clock: FakeClock) -> None:
    _, mine = blinded()
    assert asker.ask(mine.elements).content["counted_today"] == 64
    assert asker.ask(mine.elements).content["counted_today"] == 128
    assert asker.ask(mine.elements, use="publish").content["counted_today"] == 64
    assert asker.ask(mine.elements, epoch=2).content["counted_today"] == 64
    clock.advance(NOON_TO_MIDNIGHT_S * 1000 - 1)
    assert asker.ask(mine.elements).content["counted_today"] == 192
    clock.advance(1)
    assert asker.ask(mine.elements).content["counted_today"] == 64
    assert asker.counted() == {(1, "lookup"): 256, (1, "publish"): 64, (2, "lookup"): 64}


def test_the_count_is_committed_before_anything_is_evaluated(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[tuple[int, str], int]] = []

    def watched(key: bytes, elements: bytes) -> bytes:
        seen.append(asker.counted())  # on another connection
        return voprf.ristretto.multiply_all(key, elements)

    monkeypatch.setattr(evaluating.voprf, "evaluate", watched)
    assert asker.ask(blinded()[1].elements).status == 200
    assert seen == [{(1, "lookup"): 64}]


def test_what_cannot_be_counted_is_not_evaluated(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluations: list[object] = []
    monkeypatch.setattr(evaluating.voprf, "evaluate", lambda *a: evaluations.append(a))

    def full(_: object) -> None:
        raise StorageUnavailable("the disk is full: make room")

    engine = asker.evaluator.database.engine
    event.listen(engine, "commit", full)
    try:
        reply = asker.ask(blinded()[1].elements)
    finally:
        event.remove(engine, "commit", full)
    assert (reply.status, reply.code) == (503, "storage-unavailable")
    assert (evaluations, asker.counted()) == ([], {})


def test_over_the_quota_nothing_is_evaluated_or_counted(
    database: Database, clock: FakeClock
) -> None:
    asker = Asker(new_evaluator(database, clock, lookup=4096, publish=10_000))
    _, large = blinded(4096)
    _, small = blinded(64)
    assert asker.ask(large.elements).status == 200
    reply = asker.ask(small.elements)
    assert (reply.status, reply.code) == (429, "quota")
    assert reply.content["retry_after"] == NOON_TO_MIDNIGHT_S
    assert reply.headers["Retry-After"] == str(NOON_TO_MIDNIGHT_S)
    assert "4096" in reply.content["detail"]
    assert asker.counted() == {(1, "lookup"): 4096}
    assert asker.ask(small.elements, use="publish").status == 200  # each use has its own
    clock.advance(NOON_TO_MIDNIGHT_S * 1000)
    assert asker.ask(small.elements).status == 200


def test_requests_at_the_same_time_cannot_together_exceed_the_quota(
    database: Database, clock: FakeClock
) -> None:
    asker = Asker(new_evaluator(database, clock, lookup=4096))
    _, part = blinded(1024)
    together = threading.Barrier(6)
    statuses: list[int] = []

    def ask() -> None:
        together.wait(PATIENCE_S)
        statuses.append(asker.ask(part.elements).status)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(statuses) == [200] * 4 + [429] * 2
    assert asker.counted() == {(1, "lookup"): 4096}


def test_an_epoch_without_a_key_is_refused_and_the_live_ones_are_named(asker: Asker) -> None:
    reply = asker.ask(blinded()[1].elements, epoch=3)
    assert (reply.status, reply.code) == (422, "unknown-epoch")
    assert "1, 2" in reply.content["detail"]
    assert asker.counted() == {}


@pytest.mark.parametrize("size", [65, 127, 200, 1023, 4095])
def test_any_other_number_of_elements_is_refused(asker: Asker, size: int) -> None:
    """The size of a batch would otherwise tell how many keys a person has."""
    reply = asker.ask(blinded(1)[1].elements * size)
    assert (reply.status, reply.code) == (422, "batch-size")
    assert asker.counted() == {}


def test_elements_that_are_not_whole_are_refused(asker: Asker) -> None:
    reply = asker.ask(blinded(64)[1].elements + b"\x01")
    assert (reply.status, reply.code) == (422, "batch-size")


@pytest.mark.parametrize(
    "bad", [bytes(32), b"\xff" * 32, bytes(31) + b"\x80"], ids=["identity", "no-point", "bit-255"]
)
@pytest.mark.parametrize("position", [0, 37, 63])
def test_an_element_that_is_none_is_refused_by_its_position_alone(
    asker: Asker, bad: bytes, position: int
) -> None:
    elements = blinded()[1].elements
    spoilt = elements[: position * 32] + bad + elements[(position + 1) * 32 :]
    reply = asker.ask(spoilt)
    assert (reply.status, reply.code) == (422, "invalid-element")
    assert reply.content["position"] == position
    assert f"position {position}," in reply.content["detail"]
    assert b64u_encode(bad)[:20].encode() not in reply.body
    assert asker.counted() == {(1, "lookup"): 64}  # the evaluator worked for it


def test_text_that_is_no_base64url_of_bytes_is_refused(asker: Asker) -> None:
    body = {"epoch": 1, "use": "lookup", "elements": "A" * 2732 + "B", "proof": False}
    reply = asker.send(msgspec.json.encode(body))
    assert (reply.status, reply.code) == (422, "encoding")


def test_an_unsigned_request_is_refused(asker: Asker) -> None:
    answer = asker.client.post(EVALUATE.path, json={})
    assert answer.status_code == 401


def test_an_agency_that_is_not_on_the_list_is_told_what_to_do(asker: Asker) -> None:
    reply = asker.ask(blinded()[1].elements, key=SigningKey.generate())
    assert (reply.status, reply.code) == (401, "unknown-key")
    assert "agency-connector keys" in reply.content["detail"]


def test_a_request_meant_for_the_index_is_refused(asker: Asker) -> None:
    reply = asker.ask(blinded()[1].elements, audience="index/borsetshire")
    assert (reply.status, reply.code) == (401, "wrong-audience")


def test_a_replayed_request_is_refused_and_not_counted_twice(asker: Asker) -> None:
    elements = blinded()[1].elements
    assert asker.ask(elements, nonce=b"n" * 16).status == 200
    assert asker.ask(elements, nonce=b"n" * 16).code == "replayed"
    assert asker.counted() == {(1, "lookup"): 64}


def test_a_suspended_agency_is_refused_until_it_is_resumed(asker: Asker) -> None:
    elements = blinded()[1].elements
    for status, expected in (("suspended", 403), ("active", 200)):
        with asker.evaluator.database.write() as connection:
            storage.set_status(connection, POLICE, status)  # type: ignore[arg-type]  # two words
        assert asker.ask(elements).status == expected


def test_a_replaced_key_is_refused_at_once(asker: Asker) -> None:
    elements = blinded()[1].elements
    assert asker.ask(elements).status == 200
    new = SigningKey.generate()
    with asker.evaluator.database.write() as connection:
        storage.give_key(connection, POLICE, new.key_id, new.public, asker.evaluator.clock())
    assert asker.ask(elements).code == "unknown-key"
    assert asker.ask(elements, key=new).status == 200


def test_neither_database_nor_log_holds_anything_of_the_elements(
    asker: Asker, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Not as bytes, nor in any of the forms in which bytes are written as text."""
    inputs, mine = blinded()
    answers = evaluated(asker.ask(mine.elements, proof=True))
    spoilt = mine.elements[:-32] + bytes(31) + b"\x80"
    assert asker.ask(spoilt).status == 422
    assert asker.ask(mine.elements, epoch=9).status == 422
    assert asker.ask(mine.elements, key=SigningKey.generate()).status == 401
    private = asker.evaluator.keys.epochs[1].private_key
    sought = [mine.elements[i : i + 32] for i in range(0, len(mine.elements), 32)]
    sought += [answers[i : i + 32] for i in range(0, len(answers), 32)] + [private, *inputs]
    logged = capfd.readouterr()
    kept = (logged.out + logged.err).encode() + _everything_in(asker.evaluator.database)
    for path in tmp_path.iterdir():  # SQLite's file and its write-ahead log, as they are
        kept += path.read_bytes()
    for secret in sought:
        for form in (secret, secret.hex().encode(), base64.b64encode(secret)[:40]):
            assert form not in kept
        assert b64u_encode(secret)[:40].encode() not in kept
    assert POLICE.encode() in kept  # the search does find what is there


def _everything_in(database: Database) -> bytes:
    kept = b""
    with database.read() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f"SELECT * FROM {table}")):  # noqa: S608 - names from the schema
                for value in row:
                    kept += bytes(value) if isinstance(value, bytes) else str(value).encode()
                    kept += b"\n"
    return kept
