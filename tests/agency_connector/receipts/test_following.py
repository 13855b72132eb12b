"""A receipt is honoured in the log that everybody can read, or it is an alarm."""

import pytest
from sqlalchemy import select

from agency_connector.alarms import acknowledge
from agency_connector.lookups import asking
from agency_connector.receipts import following, proofs, standing, storage
from agency_connector.receipts.following import LogLies
from agency_connector.receipts.storage import Receipt
from agency_connector.transport import Unreachable
from protocol.log.checkpoints import open_checkpoint, sign_checkpoint
from protocol.log.log_proofs import read_log_proof
from protocol.log.proofs import Head, check_inclusion
from protocol.verifier_keys import read
from schemas.envelopes import Envelope
from tests.agency_connector.lookups.county import OFFICER
from tests.agency_connector.receipts.conftest import Log

HOUR_MS = 3_600_000
LATE_MS = 2 * HOUR_MS
CHECKPOINT = "/log/checkpoint"


def receipt_of(log: Log, check: str) -> Receipt:
    with log.police.database.read() as connection:
        found = storage.named(connection, check)
    assert found is not None
    return found


def test_an_answer_is_recorded_and_then_verified(log: Log) -> None:
    check = log.town.check().check
    assert receipt_of(log, check).verified_at is None
    following.follow(log.police)
    assert receipt_of(log, check).verified_at is None  # its entry has no number yet
    log.grow(300)
    done = following.follow(log.police)
    assert done.verified == 1
    kept = receipt_of(log, check)
    assert kept.verified_at == log.police.clock()
    assert log.alarms() == []
    told = asking.told_before(log.police, OFFICER, check)
    assert told is not None
    assert f"verified: it is number {kept.position} of the record" in told.answer.recorded


def test_status_counts_receipts_and_asks_for_a_person_when_one_is_late(log: Log) -> None:
    before, good = standing.told(log.police)
    assert good
    log.town.check()
    told, _ = standing.told(log.police)
    assert told == before.replace("0 not in it yet", "1 not in it yet")
    log.town.clock.advance(LATE_MS)
    told, good = standing.told(log.police)
    assert not good
    assert "past their time: 1" in told


def test_the_proof_is_kept_as_a_file_that_checks_itself(log: Log) -> None:
    """Against nothing but the log's key and the hash of the entry that the journal keeps."""
    check = log.town.check().check
    log.grow(300)
    following.follow(log.police)
    receipt = receipt_of(log, check)
    path = proofs.path_of(log.police, receipt)
    assert path.name == f"lookup-{check}.tlog-proof"
    assert path.stat().st_mode & 0o077 == 0
    proof = read_log_proof(path.read_bytes())
    signed = open_checkpoint(proof.checkpoint, [read(log.kept.index.log.verifier_key)])
    check_inclusion(receipt.leaf, proof.index, signed.checkpoint.head, proof.proof)


def test_nothing_is_verified_before_enough_partners_have_countersigned(log: Log) -> None:
    log.witnessed = ("police",)
    check = log.town.check().check
    log.grow()
    assert following.follow(log.police).verified == 0
    assert receipt_of(log, check).position is not None
    log.witnessed = ("police", "council")
    assert following.follow(log.police).verified == 1


def test_a_log_that_too_few_countersign_for_a_day_is_an_alarm(log: Log) -> None:
    log.witnessed = ("police",)
    check = log.town.check().check
    log.grow()
    log.town.clock.advance(26 * HOUR_MS)
    assert following.follow(log.police).alarmed == 1
    assert following.follow(log.police).alarmed == 0
    ((kind, sentence),) = log.alarms()
    assert kind == "not-countersigned"
    assert f"lookup {check}" in sentence


def test_a_quoted_reference_has_a_receipt_too(log: Log) -> None:
    from agency_connector.lookups import resolving

    hit = log.town.check().involved[0]
    council = log.town.connectors["council"]
    resolving.resolve(council, "mary", hit.reference)
    log.grow()
    assert following.follow(council).verified == 1


def test_a_receipt_that_is_not_honoured_in_time_is_one_alarm(log: Log) -> None:
    check = log.town.check().check
    log.town.clock.advance(LATE_MS)
    assert following.follow(log.police).alarmed == 1
    assert following.follow(log.police).alarmed == 0
    ((kind, sentence),) = log.alarms()
    assert kind == "receipt-overdue"
    assert f"lookup {check}" in sentence
    assert "Hebden" not in sentence


def test_an_acknowledged_alarm_does_not_come_back_and_the_entry_may_still_come(log: Log) -> None:
    check = log.town.check().check
    log.town.clock.advance(LATE_MS)
    following.follow(log.police)
    with log.police.database.write() as connection:
        assert acknowledge(connection, 1, "mary", 1)
    following.follow(log.police)
    assert log.alarms() == []
    log.grow()
    assert following.follow(log.police).verified == 1
    assert receipt_of(log, check).verified_at is not None


def test_an_entry_that_the_log_had_before_we_kept_its_receipt_is_found(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connector reads the log while another of its threads waits for its answer."""
    real = storage.expect
    kept: list[tuple[str, Envelope]] = []
    monkeypatch.setattr(
        storage, "expect", lambda _, __, name, receipt: kept.append((name, receipt))
    )
    check = log.town.check().check
    monkeypatch.undo()
    log.grow(20)
    for _ in range(3):
        following.follow(log.police)
        log.town.clock.advance(4 * HOUR_MS)
        log.grow(20)
    ((name, receipt),) = kept
    with log.police.database.write() as connection:
        real(connection, "lookup", name, receipt)
    assert following.follow(log.police).verified == 1
    assert receipt_of(log, check).verified_at is not None
    assert log.alarms() == []


def test_leaves_that_do_not_make_the_signed_root_are_an_alarm(log: Log) -> None:
    log.town.check()
    log.grow()
    size = log.kept.published().size
    log.instead[f"/log/tile/0/000.p/{size}"] = lambda tile: tile[:-1] + bytes([tile[-1] ^ 1])
    with log.police.database.read() as connection:
        before = storage.last_read(connection, log.police.anchors().log_name)
    with pytest.raises(LogLies, match="do not make the root"):
        following.follow(log.police)
    assert [kind for kind, _ in log.alarms()] == ["log-lies"]
    with log.police.database.read() as connection:
        assert storage.last_read(connection, log.police.anchors().log_name) == before


@pytest.mark.parametrize("cut", [0, 31, 33])
def test_a_truncated_tile_is_refused(log: Log, cut: int) -> None:
    size = log.kept.published().size
    log.instead[f"/log/tile/0/000.p/{size}"] = lambda tile: tile[:cut]
    with pytest.raises(LogLies, match="has"):
        following.follow(log.police)


def test_a_log_that_goes_back_is_an_alarm(log: Log) -> None:
    old = log.town.partnership.client.get(CHECKPOINT).data
    log.grow(5)
    following.follow(log.police)
    log.instead[CHECKPOINT] = lambda _: old
    with pytest.raises(LogLies, match="went back"):
        following.follow(log.police)
    assert [kind for kind, _ in log.alarms()] == ["log-lies"]


def test_a_second_history_is_an_alarm(log: Log) -> None:
    """Signed with the log's own key: the very thing that a signature alone cannot show."""
    following.follow(log.police)
    head = log.kept.published()
    forged = sign_checkpoint(
        log.kept.index.log.name, Head(head.size, bytes(32)), log.kept.index.log.key
    ).to_bytes()
    log.instead[CHECKPOINT] = lambda _: forged
    with pytest.raises(LogLies):
        following.follow(log.police)
    assert [kind for kind, _ in log.alarms()] == ["log-lies"]


def test_a_countersigned_checkpoint_of_another_history_is_an_alarm(log: Log) -> None:
    """As when partners countersigned what this connector is not shown."""
    log.grow(5)
    head = Head(log.kept.published().size, bytes(32))
    other = sign_checkpoint(log.kept.index.log.name, head, log.kept.index.log.key).to_bytes()
    log.instead["/log/checkpoint/cosigned"] = lambda _: log.cosigned(other)
    log.grow(5)
    log.instead[CHECKPOINT] = lambda note: (
        note.split(b"\n\n")[0] + b"\n\n" + (note.split(b"\n\n")[1].split(b"\n")[0] + b"\n")
    )
    with pytest.raises(LogLies, match="two pasts"):
        following.follow(log.police)
    assert [kind for kind, _ in log.alarms()] == ["log-lies"]


def test_a_checkpoint_of_another_log_is_not_used(log: Log) -> None:
    log.instead[CHECKPOINT] = lambda note: note.replace(b"borsetshire.ifi-log", b"ambridge.ifi-log")
    with pytest.raises(Exception, match="not one of the log that was handed over"):
        following.follow(log.police)


def test_a_log_that_cannot_be_read_is_an_alarm_once_something_is_due(log: Log) -> None:
    log.town.check()

    def refuse(_: object) -> None:
        raise ConnectionRefusedError

    log.town.index.before = refuse
    with pytest.raises(Unreachable):
        following.follow(log.police)
    assert log.alarms() == []
    log.town.clock.advance(LATE_MS)
    for _ in range(2):
        with pytest.raises(Unreachable):
            following.follow(log.police)
    assert [kind for kind, _ in log.alarms()] == ["log-unreadable"]


def test_an_answer_and_its_receipt_are_kept_together(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash in between must not leave an answer whose receipt nobody follows."""

    def broken(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(storage, "expect", broken)
    with pytest.raises(RuntimeError):
        log.town.check()
    with log.police.database.read() as connection:
        from agency_connector.journal.storage import checks

        assert connection.execute(select(checks.c.kept)).scalars().all() == [None]
