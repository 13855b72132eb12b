"""A witness cosigns one history, brings it by itself, and keeps proof against a log with two."""

from typing import Any

import pytest
from sqlalchemy import delete

from agency_connector.alarms import acknowledge, open_alarms
from agency_connector.installation import Installation
from agency_connector.receipts import storage as receipts
from agency_connector.scheduling import Patiently, countersign
from agency_connector.transport import NotGenuine, Refused, Unreachable
from agency_connector.witness import standing, storage, witnessing
from agency_connector.witness.checking import TwoHistories, Unproven
from agency_connector.witness.cosigning import INCONSISTENT, Witness
from agency_connector.witness.policy import pinned
from foundation.operator import OperatorError
from protocol.keys import SigningKey
from protocol.log.checkpoints import sign_checkpoint
from protocol.log.compact_range import CompactRange
from protocol.log.notes import MAX_NOTE_BYTES, read_note
from protocol.log.policies import Policy
from protocol.log.proofs import Head
from protocol.log.tiles import tile_in
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import Refuse, listening
from tests.agency_connector.witness.conftest import Three
from tests.agency_connector.witness.views import ORIGIN, View, text_at
from tests.protocol.log.trees import GrownLog, leaves


def last(agency: Installation) -> storage.Witnessed:
    with agency.database.read() as connection:
        found = storage.last(connection, ORIGIN)
    assert found is not None
    return found


def evidence(agency: Installation) -> tuple[storage.Evidence, ...]:
    with agency.database.read() as connection:
        return storage.evidence(connection)


def alarms(agency: Installation) -> list[str]:
    with agency.database.read() as connection:
        return [alarm.kind for alarm in open_alarms(connection)]


def policy_of(agency: Installation) -> Policy:
    with agency.database.read() as connection:
        found = pinned(connection)
    assert found is not None
    return found.policy


def test_the_first_cosignature_is_for_the_history_that_was_read(three: Three) -> None:
    """A witness that has cosigned nothing yet may have followed the log for long."""
    read = CompactRange()
    read.extend(leaves(15))
    with three.council.database.write() as connection:
        connection.execute(delete(storage._witnessed))
        receipts.mark(connection, ORIGIN, read, three.town.clock())
    with pytest.raises(Unproven, match="another history than the 15 entries"):
        witnessing.witness(three.other.shown_to(three.council))
    assert witnessing.witness(three.honest.shown_to(three.council)).size == 20


def test_cosignatures_reach_a_quorum_without_anybody_being_asked(three: Three) -> None:
    """Each agency only makes connections of its own; two of three are enough."""
    assert witnessing.witness(three.police).agreed is None
    done = witnessing.witness(three.council)
    assert (done.size, done.cosigned, done.delivered) == (20, True, True)
    assert (done.agreed, done.wanted, done.witnesses) == (20, 2, 3)
    found = standing.verified_checkpoint(three.police)
    assert found.enough
    assert set(found.cosigned) == {"police", "council"}


def test_nothing_is_cosigned_twice_until_it_is_time_to_say_so_again(three: Three) -> None:
    witnessing.witness(three.police)
    brought = len(three.town.index.cosigned)
    again = witnessing.witness(three.police)
    assert (again.cosigned, again.delivered) == (False, False)
    before = last(three.police)
    three.town.clock.advance(witnessing.AGAIN_AFTER_S * 1000)
    again = witnessing.witness(three.police)
    assert (again.cosigned, again.delivered) == (True, True)
    assert last(three.police).cosigned_at == before.cosigned_at + witnessing.AGAIN_AFTER_S
    assert len(three.town.index.cosigned) == brought + 1


def test_a_cosignatures_time_never_goes_back(three: Three) -> None:
    witnessing.witness(three.police)
    before = last(three.police)
    three.town.clock.advance(-200_000)
    three.honest.log.append(leaves(1, first=20))
    witnessing.witness(three.police)
    assert last(three.police).head.size == 21
    assert last(three.police).cosigned_at == before.cosigned_at


def test_of_two_histories_shown_to_two_agencies_no_two_reach_a_quorum(three: Three) -> None:
    """And the third, who is shown one after the other, has the proof and cosigns no more."""
    police = three.police
    council = three.other.shown_to(three.council)
    witnessing.witness(police)
    witnessing.witness(council)
    for view in (three.honest, three.other):
        assert not policy_of(three.health).assess(view.note()).verified
    witnessing.witness(three.health)
    three.other.log.append(leaves(3, first=30))
    with pytest.raises(TwoHistories, match="phone another member"):
        witnessing.witness(three.other.shown_to(three.health))
    assert alarms(three.health) == [INCONSISTENT]
    (found,) = evidence(three.health)
    assert read_note(found.held).text == text_at(three.honest.log.head)
    assert read_note(found.shown).text == text_at(three.other.log.head)
    assert found.kind == "rewritten"
    assert found.proof
    assert policy_of(three.police).assess(three.honest.note()).verified
    assert not policy_of(three.police).assess(three.other.note()).verified


def test_a_published_checkpoint_of_the_other_history_is_found_out(three: Three) -> None:
    """Cosigned by a partner, at the very size at which we cosigned another root."""
    witnessing.witness(three.police)
    witnessing.witness(three.other.shown_to(three.council))
    three.honest.instead["/log/checkpoint/cosigned"] = lambda _: three.other.note()
    with pytest.raises(TwoHistories):
        witnessing.witness(three.police)
    assert [found.kind for found in evidence(three.police)] == ["two-roots"]
    assert alarms(three.police) == [INCONSISTENT]


def test_a_partners_checkpoint_in_a_file_is_compared(three: Three) -> None:
    """Older, as large, newer: of our history it passes, of the other it is evidence."""
    witnessing.witness(three.police)
    file = three.town.folder / "from-council.checkpoint"
    older = GrownLog(leaves(7))
    for note in (three.honest.note(), sign_checkpoint(ORIGIN, older.head, three.town.index.log)):
        file.write_bytes(note if isinstance(note, bytes) else note.to_bytes())
        done = three.command(three.police, "witness", "compare", str(file))
        assert done.exit_code == 0, done.output
    file.write_bytes(three.other.note())
    done = three.command(three.police, "witness", "compare", str(file))
    assert done.exit_code == 1
    assert "two different histories" in done.output
    to = three.town.folder / "evidence"
    done = three.command(three.police, "witness", "evidence", "--to", str(to))
    assert done.exit_code == 0
    assert (to / "1-held.checkpoint").read_bytes() != (to / "1-shown.checkpoint").read_bytes()


def test_nothing_more_is_cosigned_until_a_person_has_acknowledged(three: Three) -> None:
    witnessing.witness(three.police)
    with pytest.raises(TwoHistories):
        witnessing.witness(three.other.shown_to(three.police))
    three.honest.log.append(leaves(1, first=20))
    with pytest.raises(OperatorError, match="two histories"):
        witnessing.witness(three.police)
    assert last(three.police).head.size == 20
    assert standing.told(three.police) == [(standing.told(three.police)[0][0], False)]
    with three.police.database.write() as connection:
        (alarm,) = open_alarms(connection)
        assert acknowledge(connection, alarm.number, "mary", three.town.clock())
    assert witnessing.witness(three.police).size == 21
    # Acknowledged is not believed: the other history is refused all the same, and quietly.
    three.other.head = Head(30, bytes(32))
    with pytest.raises(OperatorError):
        witnessing.witness(three.other.shown_to(three.police))


def test_a_tree_that_shrank_is_evidence(three: Three) -> None:
    witnessing.witness(three.police)
    three.honest.head = GrownLog(leaves(5)).head
    with pytest.raises(TwoHistories, match="went back"):
        witnessing.witness(three.police)
    assert [found.kind for found in evidence(three.police)] == ["shrunk"]


def test_an_index_that_lost_entries_is_brought_what_it_had_signed_once_more(three: Three) -> None:
    """Restored from a backup, it knows of neither the entries nor our cosignature of them."""
    witnessing.witness(three.police)
    three.town.index.cosigned.clear()
    three.honest.head = GrownLog(leaves(5)).head
    three.town.index.lies["cosign"] = lambda honest: type(honest)(standing="not-continued", size=5)
    for _ in range(2):
        with pytest.raises(TwoHistories):
            witnessing.witness(three.police)
    assert brought(three) == [("police", 20)]
    assert alarms(three.police) == [INCONSISTENT, witnessing.LOST]


def test_a_round_that_is_older_than_our_cosignature_is_no_alarm(three: Three) -> None:
    """The log itself may have asked us to cosign meanwhile, or another process of ours did."""
    witnessing.witness(three.police)
    old = sign_checkpoint(ORIGIN, GrownLog(leaves(5)).head, three.town.index.log).to_bytes()
    for path in ("/log/checkpoint/to-cosign", "/log/checkpoint/cosigned"):
        three.honest.instead[path] = lambda _: old
    assert witnessing.witness(three.police).size == 20
    assert alarms(three.police) == []


def test_tiles_that_do_not_make_the_signed_root_prove_nothing(three: Three) -> None:
    """Cut off or changed on the way: not cosigned, no evidence, and the next attempt succeeds."""
    tile = f"/log/{tile_in(20, 0, 0).path}"
    before = last(three.police).head
    for lie in (
        lambda tile: tile[:-1],
        lambda tile: bytes(len(tile)),
        lambda tile: b"",
        lambda t: t * 2,
    ):
        three.honest.instead[tile] = lie
        with pytest.raises(Unproven):
            witnessing.witness(three.police)
        assert (last(three.police).head, evidence(three.police)) == (before, ())
    three.honest.instead.clear()
    assert witnessing.witness(three.police).cosigned


def note_with(view: View, **changed: object) -> bytes:
    told: dict[str, object] = {"origin": ORIGIN, "head": view.log.head, "key": view.index.log}
    told |= changed
    return sign_checkpoint(**told).to_bytes()  # type: ignore[arg-type]  # a test's own mixture


def test_what_is_no_checkpoint_of_the_log_is_not_cosigned(three: Three) -> None:
    """Another log, another key, a thousand signatures, a huge body, no note at all."""
    view = three.honest
    honest = view.note()
    line = honest.partition(b"\n\n")[2].splitlines(keepends=True)[0]
    for bad in (
        note_with(view, origin="felpersham.ifi-log"),
        note_with(view, key=SigningKey.generate()),
        honest + line * 1_000,
        honest + b"x" * MAX_NOTE_BYTES,
        honest[:-1],
        b"",
        b"\xff\n\n",
    ):
        view.instead["/log/checkpoint/to-cosign"] = lambda _, bad=bad: bad  # type: ignore[misc]  # bound now
        with pytest.raises(NotGenuine):
            witnessing.witness(three.police)
    view.instead["/log/checkpoint/to-cosign"] = lambda _: b"x" * (17 << 20)
    with pytest.raises(NotGenuine, match="larger"):
        witnessing.witness(three.police)
    assert last(three.police).head.size == 10
    told = standing.told(three.police)
    assert [good for said, good in told if "failed" in said] == [False]


def test_a_cosignature_that_was_not_brought_is_brought_next_time_as_it_was(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died after it wrote down what it cosigned, and before it told anybody."""
    died = RuntimeError("died")

    def die(*_: object) -> bool:
        raise died

    with monkeypatch.context() as patched:
        patched.setattr(witnessing, "_deliver", die)
        with pytest.raises(RuntimeError):
            witnessing.witness(three.police)
    written = last(three.police)
    assert written.head.size == 20
    assert ("police", 20) not in brought(three)
    done = witnessing.witness(three.police)
    assert (done.cosigned, done.delivered) == (False, True)
    (_, note) = three.town.index.cosigned[-1]
    assert note.encode().endswith(written.line)


def test_a_process_that_dies_before_it_has_written_down_has_cosigned_nothing(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(storage, "advance", lambda *_: (_ for _ in ()).throw(RuntimeError("died")))
        with pytest.raises(RuntimeError):
            witnessing.witness(three.police)
    assert last(three.police).head.size == 10
    # So it may cosign what it is shown next, even if that is the other history.
    assert witnessing.witness(three.other.shown_to(three.police)).size == 20


def brought(three: Three) -> list[tuple[str, int]]:
    return [(who, int(note.split("\n")[1])) for who, note in three.town.index.cosigned]


def test_an_index_that_forgot_the_declaration_gets_it_again(three: Three) -> None:
    three.town.index.witnesses.clear()
    assert witnessing.witness(three.police).delivered
    assert set(three.town.index.witnesses) == {"police"}


def test_an_index_that_has_another_key_of_ours_gets_the_right_one(three: Three) -> None:
    """Both keyring and database were restored to what they were before the key was made anew."""
    real = three.town.index.answer
    council = three.town.index.witnesses["council"]

    def answer(operation: Any, keyid: str, message: Any) -> Any:
        if operation.name == "cosign" and three.town.index.witnesses["police"] is council:
            raise Refuse(422, "bad-checkpoint", "It is not cosigned with the declared key.")
        return real(operation, keyid, message)

    three.town.index.answer = answer  # type: ignore[method-assign]  # for this index alone
    three.town.index.witnesses["police"] = council
    assert witnessing.witness(three.police).delivered
    assert three.town.index.witnesses["police"] is not council


def test_a_refusal_is_not_asked_for_again_at_once(three: Three) -> None:
    """Each one is an entry, and a suspended agency's connector runs on."""
    asked = 0

    def refuse(_: object) -> object:
        nonlocal asked
        asked += 1
        raise Refuse(403, "suspended", "Speak to the steward.")

    three.town.index.lies["cosign"] = refuse
    patiently = Patiently(countersign)
    with pytest.raises(Refused):
        patiently(three.police)
    assert patiently(three.police)
    assert asked == 1
    three.town.clock.advance(15 * 60 * 1000)
    with pytest.raises(Refused):
        patiently(three.police)
    assert asked == 2


def test_nothing_is_witnessed_before_somebody_has_handed_over(town: Town) -> None:
    assert Patiently(countersign)(town.enrolled("police"))
    assert town.index.cosigned == []


def test_a_policy_of_one_does_not_speak_of_agreement(town: Town) -> None:
    """Its own countersignature is as many as it wants, and shows nothing to anybody."""
    police = town.founded("police")
    view = View(town.index, GrownLog(leaves(3)))
    with listening(view) as view.url:
        shown = view.shown_to(police)
        done = witnessing.witness(shown)
        assert (done.wanted, done.witnesses) == (1, 1)
        sentences = [said for said, _ in standing.told(shown)]
        assert standing.ALONE in sentences
        assert not any("have agreed" in said for said in sentences)


def test_what_keeps_a_witness_from_the_index_is_told_in_status(three: Three) -> None:
    unreachable = View(three.town.index, three.honest.log, url="http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        witnessing.witness(unreachable.shown_to(three.police))
    told = standing.told(three.police)
    assert any("cannot be reached" in said and not good for said, good in told)
    witnessing.witness(three.police)
    assert all(good for _, good in standing.told(three.police))


def test_a_quorum_that_stays_out_is_told_after_an_hour(three: Three) -> None:
    """That is how a log looks that shows everybody else another history."""
    witnessing.witness(three.police)
    three.town.clock.advance(standing.LATE_MS + 1)
    witnessing.witness(three.police)
    assert any(not good and "compare" in said for said, good in standing.told(three.police))
    witnessing.witness(three.council)
    witnessing.witness(three.police)
    assert all(good for _, good in standing.told(three.police))


def test_an_index_that_says_that_it_lost_entries_is_an_alarm(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    three.town.index.lies["cosign"] = lambda honest: type(honest)(standing="not-continued", size=3)
    with pytest.raises(witnessing.LogLost, match="lost entries"):
        witnessing.witness(three.police)
    assert alarms(three.police) == [witnessing.LOST]


def test_the_key_that_cosigns_signs_nothing_else(three: Three) -> None:
    own = Witness.of(three.police, "northgate")
    assert own.key.public not in (three.police.signing_key.public, three.town.index.log.public)
    assert "secret" not in repr(own)
    assert own.key.to_bytes().hex() not in repr(own)


def test_the_command_says_what_it_did(three: Three) -> None:
    witnessing.witness(three.council)
    done = three.command(three.police, "witness")
    assert done.output.splitlines() == [
        "Countersigned the record of 20 entries, and brought to the index.",
        "2 of 3 witnesses have agreed: the record is whole to 20 entries.",
    ]
    done = three.command(three.police, "witness")
    assert done.output.startswith("Nothing new")
