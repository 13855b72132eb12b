"""A log that lost entries, its successor, and the people at the agencies who take it up, or do not.

Real programs: an older backup of the index is restored, without a mirror. What is accepted and what
is refused runs on both databases; the rest, which asks no more of them, on SQLite.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from sqlalchemy import delete, insert, select

from agency_connector.alarms import open_alarms
from agency_connector.installation import Installation
from agency_connector.lookups import asking
from agency_connector.receipts import following, proofs, storage
from agency_connector.receipts.storage import Receipt
from agency_connector.scheduling import look
from agency_connector.succession.offered import DENIED, FALSE, SUCCEEDED, BadSuccession
from agency_connector.transport import NotGenuine
from agency_connector.trust import directory, epochs, handover
from agency_connector.witness import witnessing
from foundation.operator import OperatorError
from index_service import tables
from index_service.app import create_app
from index_service.audit import storage as log_storage
from index_service.audit import succeeding
from index_service.database import metadata
from index_service.installation import log_of
from index_service.standing import StandingReader
from protocol import documents
from protocol.encoding import b64u_encode
from protocol.fingerprints import fingerprint40
from protocol.keys import SigningKey
from protocol.log.log_proofs import read_log_proof
from protocol.merkle import leaf_hash
from schemas.envelopes import Envelope
from schemas.successions import LogSuccession, LogSuccessions
from tests.end_to_end.eastmere import BARTHOLOMEW, OFFICER, ZEPHYRINE, Town, eastmere

AGENCIES = ("police", "council", "health")
assert tables.__all__  # the metadata is whole
Backup = dict[str, list[dict[str, Any]]]
on_sqlite = pytest.mark.parametrize("fresh_url", ["sqlite"], indirect=True)


@dataclass
class Restored:
    """A partnership whose index was restored from a backup, and has a successor to its log.

    `before` is the check that the backup has, `after` the one that it has not. `old` signed the
    log that ended, `told` is what it said.
    """

    town: Town
    before: str
    after: str
    old: SigningKey
    told: LogSuccession
    proof: bytes

    def take_up(self, agency: str, *more: str) -> Result:
        """Let a person take the successor up, who types the steward's digits and `more`."""
        index = self.town.index_app
        digits = fingerprint40(index.signing_key.public, index.log.key.public)
        typed = "".join(f"{line}\n" for line in (digits, *more))
        return self.town.command(agency, "log", "successor", typed=typed)

    def receipt(self, check: str) -> Receipt:
        """The police's receipt of a check."""
        with self.town["police"].database.read() as connection:
            found = storage.named(connection, check)
        assert found is not None
        return found

    def say(self, key: SigningKey, **otherwise: Any) -> None:
        """Let the index show another end of the log, signed with `key`."""
        told = msgspec.structs.replace(self.told, **otherwise)
        shown = LogSuccessions(documents=(documents.sign(told, key),))
        self.town.index.lies["log-successions"] = lambda _: shown


def back_up(town: Town) -> Backup:
    with town.index_app.database.read() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


def restore(town: Town, backup: Backup) -> None:
    with town.index_app.database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            if backup[table.name]:
                connection.execute(insert(table), backup[table.name])


def witness_all(town: Town) -> None:
    """Number what waits, and let everybody countersign it and follow their receipts."""
    town.work()
    for agency in AGENCIES:
        witnessing.witness(town[agency])
    for agency in AGENCIES:
        following.follow(town[agency])


def succeed(town: Town) -> LogSuccession:
    """Open a successor, as the steward's person does, and start the programs again."""
    index = town.index_app
    successor = log_of(index.settings, SigningKey.generate(), index.log.generation + 1)
    with index.database.write() as connection:
        told = succeeding.succeed(connection, index, successor, "The disk broke on Sunday")
    assert index.head_file is not None
    town.index_app = replace(
        index,
        log=successor,
        head_file=index.head_file.with_name("log.head-2"),
        standing=StandingReader(),
    )
    town.index.app = create_app(town.index_app)
    town.work()
    return told


def open_kinds(agency: Installation) -> list[str]:
    with agency.database.read() as connection:
        return [alarm.kind for alarm in open_alarms(connection)]


def pinned(agency: Installation) -> str:
    return agency.anchors().log_name


@pytest.fixture
def restored(tmp_path: Path, fresh_url: Callable[[], str]) -> Iterator[Restored]:
    """Two checks, both verified; then a backup from between them, a closed log, and a successor."""
    with eastmere(tmp_path, fresh_url=fresh_url) as town:
        town.cases("council", ZEPHYRINE)
        town.sync("council")
        for _ in range(2):
            witness_all(town)
            for agency in AGENCIES:
                directory.refresh(town[agency])
        before = town.check("police", ZEPHYRINE).check
        witness_all(town)
        backup = back_up(town)
        after = town.check("police", BARTHOLOMEW).check
        witness_all(town)
        restore(town, backup)
        town.work()
        with town.index_app.database.read() as connection:
            assert log_storage.state(connection).closed is not None
        old = town.index_app.log.key
        told = succeed(town)
        made = Restored(town, before, after, old, told, b"")
        assert made.receipt(before).verified_at is not None
        assert made.receipt(after).verified_at is not None
        made.proof = proofs.path_of(town["police"], made.receipt(before)).read_bytes()
        yield made


def test_a_person_takes_the_successor_up_and_the_receipts_go_on_in_it(restored: Restored) -> None:
    town, police = restored.town, restored.town["police"]
    assert not look(police)
    assert open_kinds(police) == [SUCCEEDED]
    (mend,) = re.findall("MEND  log: (.*)", town.command("police", "status").output)
    assert "a successor waits for a person" in mend
    assert pinned(police).endswith(".ifi-log")  # no job takes it up
    for agency in AGENCIES:
        done = restored.take_up(agency)
        assert done.exit_code == 0, done.output
        assert pinned(town[agency]).endswith(".ifi-log-2")
    assert "The disk broke on Sunday" in done.output
    lost = restored.told.head_size - restored.told.kept
    assert lost > 0
    assert f"{restored.told.kept} are kept, {lost} are lost" in done.output
    # The one check stands in the successor, the other is lost and said to be.
    assert open_kinds(police) == ["receipts-lost"]
    assert restored.receipt(restored.after).log.endswith(".ifi-log")
    assert proofs.path_of(police, restored.receipt(restored.after)).exists()
    again = town.check("police", ZEPHYRINE).check
    witness_all(town)
    for check in (restored.before, again):
        receipt = restored.receipt(check)
        assert receipt.log.endswith(".ifi-log-2")
        assert receipt.verified_at is not None
        told = asking.told_before(police, OFFICER, check)
        assert told is not None
        assert f"number {receipt.position} of the record" in told.answer.recorded
    assert open_kinds(police) == ["receipts-lost"]
    said = town.command("police", "verify-log")
    assert said.exit_code == 0, said.output
    with police.database.read() as connection:
        counts = storage.counts(connection, pinned(police))
    assert (counts.verified >= 2, counts.found, counts.waiting) == (True, 0, 0)
    assert f"{counts.verified} of our own entries stand" in said.output
    listed = town.command("police", "receipts")
    assert f"lookup {restored.after}" in listed.output
    assert "MEND  log:" not in town.command("police", "status").output
    # The proof in the log that ended is kept beside the one in its successor.
    path = proofs.path_of(police, restored.receipt(restored.before))
    assert read_log_proof(path.read_bytes()).checkpoint != restored.proof
    assert [kept.read_bytes() for kept in path.parent.glob(f"{path.stem}-in-*")] == [restored.proof]


@on_sqlite
def test_what_is_evidence_of_an_entry_before_is_so_after(restored: Restored) -> None:
    for agency in AGENCIES:
        restored.take_up(agency)
    witness_all(restored.town)
    file = restored.town.folder / "evidence.json"
    for check, code in ((restored.before, 0), (restored.after, 1)):
        done = restored.town.command("police", "evidence", "-o", str(file), "--", check)
        assert done.exit_code == code, done.output
    assert "was lost with" in done.output
    checked = restored.town.command("police", "verify-evidence", str(file))
    assert checked.exit_code == 0, checked.output


@on_sqlite
def test_witnesses_begin_anew_and_stay_the_same(restored: Restored) -> None:
    town = restored.town
    before = town["police"].anchors().witness_policy
    for agency in AGENCIES:
        restored.take_up(agency)
    after = town["police"].anchors().witness_policy
    assert before.count("witness ") == after.count("witness ") == len(AGENCIES)
    assert after.split("\n")[1:] == before.split("\n")[1:]
    sizes = [witnessing.witness(town[agency]).agreed for agency in AGENCIES]
    with town.index_app.database.read() as connection:
        size = log_storage.state(connection).head.size
    assert sizes == [None, size, size]


@on_sqlite
def test_other_digits_change_nothing(restored: Restored) -> None:
    police = restored.town["police"]
    done = restored.town.command("police", "log", "successor", typed="1" * 40 + "\n")
    assert done.exit_code == 1
    assert "not the digits" in done.output
    assert pinned(police).endswith(".ifi-log")
    assert open_kinds(police) == [SUCCEEDED]


def test_an_end_that_another_key_signed_is_refused_and_told(restored: Restored) -> None:
    police = restored.town["police"]
    restored.say(SigningKey.generate())
    for _ in range(2):
        with pytest.raises(BadSuccession, match="not signed with that log's key"):
            look(police)
    assert open_kinds(police) == [FALSE]
    done = restored.take_up("police")
    assert (done.exit_code, pinned(police)) == (1, restored.told.log.partition("+")[0])


def test_an_end_before_what_was_seen_is_told_and_stays_an_alarm(restored: Restored) -> None:
    """The log's own word that it never had what it signed: kept, and which entries it denies."""
    police = restored.town["police"]
    told = restored.told
    restored.say(restored.old, head_size=told.kept, head_root=told.kept_root)
    assert not look(police)
    assert open_kinds(police) == [SUCCEEDED, DENIED]
    done = restored.take_up("police", "no")
    assert done.exit_code == 1
    assert f"denied: lookup {restored.after}" in done.output
    assert pinned(police).endswith(".ifi-log")
    done = restored.take_up("police", "accept")
    assert done.exit_code == 0, done.output
    assert open_kinds(police) == [DENIED, "receipts-lost"]
    to = restored.town.folder / "evidence"
    assert restored.town.command("police", "log", "successor", "--evidence", str(to)).exit_code == 0
    (document,) = to.glob("*-ended-1.json")
    envelope = msgspec.json.decode(document.read_bytes(), type=Envelope)
    said = documents.read(envelope, LogSuccession, restored.old.public)
    (held,) = to.glob("*-held.checkpoint")
    assert int(held.read_text().split("\n")[1]) > said.head_size


@on_sqlite
@pytest.mark.parametrize("lie", ["another history", "other entries", "more than there are"])
def test_an_end_that_contradicts_what_was_seen_is_refused(restored: Restored, lie: str) -> None:
    police, told = restored.town["police"], restored.told
    other = b64u_encode(b"\x07" * 32)
    match lie:
        case "another history":
            restored.say(restored.old, head_root=other)
        case "other entries":
            restored.say(restored.old, kept=told.kept - 1, kept_root=other)
        case _:
            restored.say(restored.old, kept=told.head_size, kept_root=told.head_root)
    done = restored.take_up("police")
    assert done.exit_code == 1
    assert "nothing was accepted" in done.output
    assert pinned(police).endswith(".ifi-log")


@on_sqlite
def test_a_second_word_about_the_end_is_told(restored: Restored) -> None:
    police = restored.town["police"]
    assert not look(police)
    restored.say(restored.old, why="It was the mains")
    assert not look(police)
    done = restored.take_up("police")
    assert "2 different words about its end" in done.output


@on_sqlite
def test_a_newcomer_gets_the_log_that_the_sender_holds_to(restored: Restored) -> None:
    town = restored.town
    restored.take_up("police")
    town.join("housing", by="police")
    assert pinned(town["housing"]).endswith(".ifi-log-2")


@on_sqlite
def test_a_hand_over_of_the_log_that_ended_is_refused_with_the_mend(restored: Restored) -> None:
    town = restored.town
    restored.take_up("police")
    later = town.clock() + 100 * 86_400_000
    # What the council does before it has taken the successor up may be refused here, since its
    # receipts are of a log that it does not know; the package is at the index all the same.
    with suppress(NotGenuine):
        epochs.open_later(town["council"], 2, lambda _: town.digits(2), later)
    with suppress(NotGenuine):
        handover.send(town["council"], "police", 2, lambda _: "")
    with pytest.raises(OperatorError, match=r"another log key.*`agency-connector log successor`"):
        handover.receive(town["police"], None, lambda _: "")
    restored.take_up("council")
    handover.send(town["council"], "police", 2, lambda _: "")
    assert handover.receive(town["police"], None, lambda _: "").epochs == (2,)


@on_sqlite
def test_a_connector_that_missed_a_successor_takes_up_the_next(restored: Restored) -> None:
    """It is led from log to log, each signed by the one before, and reads only the newest."""
    town = restored.town
    restored.take_up("council")
    backup = back_up(town)
    town.check("council", ZEPHYRINE)
    town.work()
    restore(town, backup)
    town.work()
    index = town.index_app
    third = log_of(index.settings, SigningKey.generate(), 3)
    with index.database.write() as connection:
        succeeding.succeed(connection, index, third, "And again")
    assert index.head_file is not None
    file = index.head_file.with_name("log.head-3")
    town.index_app = replace(index, log=third, head_file=file, standing=StandingReader())
    town.index.app = create_app(town.index_app)
    town.work()
    for agency in ("police", "council"):
        done = restored.take_up(agency)
        assert done.exit_code == 0, done.output
        assert pinned(town[agency]).endswith(".ifi-log-3")
        assert "And again" in done.output
        assert ("The disk broke" in done.output) == (agency == "police")
    position = restored.receipt(restored.before).position
    with index.database.read() as connection:
        entry = log_storage.entry_at(connection, position or 0)
    assert leaf_hash(entry) == restored.receipt(restored.before).leaf
