"""Cosignatures at the index: whose are taken, what they are published with, what they give away."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import delete, insert

from index_service.app import create_app
from index_service.audit import head_file, rounds, sequencing, storage
from index_service.audit.intake import intake
from index_service.audit.storage import log_cosignatures, log_head, log_tiles
from protocol.keys import SigningKey
from protocol.log.checkpoints import Checkpoint, open_checkpoint, sign_checkpoint
from protocol.log.notes import Note, cosign, read_note, sign
from protocol.log.policies import majority_policy, read_policy
from protocol.log.proofs import Head
from protocol.log.witness import witness_key
from protocol.verifier_keys import KeyType, VerifierKey
from schemas import operations
from schemas.witnesses import CosignedCheckpoint, WitnessDeclaration
from tests.index_service.audit.logs import Backup, Kept
from tests.index_service.audit.originals import Copier
from tests.index_service.partnership import PARTNERSHIP, Agency, Partnership
from tests.protocol.signed_calls import Reply


@dataclass
class Witness:
    """An agency with a witness key, which tests sign with whatever they like."""

    agency: Agency
    key: SigningKey

    @property
    def verifier(self) -> VerifierKey:
        return witness_key(self.agency.name, PARTNERSHIP, self.key.public)

    def declaration(self, **changed: object) -> WitnessDeclaration:
        told: dict[str, object] = {
            "partnership": PARTNERSHIP,
            "agency": self.agency.name,
            "witness_key": self.verifier.text,
            "signed_at": self.agency.index.clock(),
        }
        return WitnessDeclaration(**{**told, **changed})  # type: ignore[arg-type]  # as above

    def declare(self, **changed: object) -> Reply:
        return self.agency.lay(operations.DECLARE_WITNESS, self.declaration(**changed))

    def cosigned(self, note: bytes, time: int = 1_700_000_000) -> Note:
        read = read_note(note)
        line = cosign(read.text, self.verifier.name, self.key, time)
        return Note(read.text, (*read.signatures, line))

    def bring(self, note: Note) -> Reply:
        message = CosignedCheckpoint(note=note.to_bytes().decode())
        return self.agency.call(operations.COSIGN, message)


def declared(kept: Kept) -> tuple[Partnership, tuple[tuple[Agency, SigningKey], ...]]:
    """Let three agencies declare their keys."""
    partnership = Partnership(kept.index, create_app(kept.index).test_client())
    police = partnership.member("police")
    agencies = (
        police,
        partnership.member("council", police),
        partnership.member("auditor", police, role="auditor"),
    )
    made = tuple((agency, SigningKey.generate()) for agency in agencies)
    for agency, key in made:
        assert Witness(agency, key).declare().status == 200
    return partnership, made


Three = tuple[Kept, Partnership, tuple[Witness, ...]]


@pytest.fixture
def three(copier: Copier) -> Iterator[Three]:
    """An index, its partnership, and three agencies that have declared their keys."""
    with copier.copied(declared) as (kept, (partnership, made)):
        yield kept, partnership, tuple(Witness(agency, key) for agency, key in made)


@pytest.fixture
def kept(three: Three) -> Kept:
    """The log of these three."""
    return three[0]


@pytest.fixture
def partnership(three: Three) -> Partnership:
    """The partnership whose log is `kept`."""
    return three[1]


@pytest.fixture
def witnesses(three: Three) -> tuple[Witness, ...]:
    """Three agencies that have declared their keys."""
    return three[2]


def served(partnership: Partnership, path: str = "") -> bytes:
    answer = partnership.client.get(f"/log/checkpoint{path}")
    assert answer.status_code == 200
    return bytes(answer.data)


def open_round(kept: Kept) -> None:
    with kept.index.database.write() as connection:
        rounds.open_round(connection, kept.index, kept.index.clock())


def restore_log(kept: Kept, backup: Backup) -> None:
    """Make the log what it was in `backup`; the agencies, who are in it, stay."""
    with kept.index.database.write() as connection:
        old = {row["id"] for row in backup[intake.name]}
        connection.execute(delete(intake).where(intake.c.id.not_in(old)))
        for table in (log_cosignatures, log_tiles, log_head):
            connection.execute(delete(table))
            if backup[table.name]:
                connection.execute(insert(table), backup[table.name])


def policy_of(kept: Kept, *witnesses: Witness) -> bytes:
    log = VerifierKey(kept.index.log.name, KeyType.ED25519, kept.index.log.key.public)
    return majority_policy(log, {one.agency.name: one.verifier for one in witnesses})


def test_a_checkpoint_is_published_with_the_cosignatures_that_were_brought(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    """A reader with a majority policy is content once two of three have brought theirs."""
    kept.sequence()
    open_round(kept)
    policy = read_policy(policy_of(kept, *witnesses))
    assert partnership.client.get("/log/checkpoint/cosigned").status_code == 404
    for number, witness in enumerate(witnesses, start=1):
        reply = witness.bring(witness.cosigned(served(partnership, "/to-cosign")))
        assert (reply.status, reply.content["standing"]) == (200, "continued")
        standing = policy.assess(served(partnership, "/to-cosign"))
        assert len(standing.cosigned) == number
        assert standing.verified is (number >= 2)
    assert policy.require(served(partnership, "/cosigned")).signed.checkpoint.head.size > 0


def test_cosigning_makes_no_entry(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    """Or every cosignature would make a new checkpoint, to be cosigned."""
    kept.sequence()
    before = kept.state.head
    for witness in witnesses:
        assert witness.bring(witness.cosigned(served(partnership))).status == 200
    kept.sequence()
    assert kept.state.head == before


def test_all_witnesses_are_shown_one_checkpoint_while_the_log_grows(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    """Each of them came at another size of the log, and still they agree on one."""
    kept.sequence()
    open_round(kept)
    shown = set()
    for witness in witnesses[:2]:
        note = served(partnership, "/to-cosign")
        shown.add(read_note(note).text)
        assert witness.bring(witness.cosigned(note)).status == 200
        kept.take_in(3)
        kept.sequence()
        open_round(kept)
    assert len(shown) == 1
    assert read_note(served(partnership)).text not in shown
    assert read_policy(policy_of(kept, *witnesses)).require(served(partnership, "/cosigned"))


def test_a_round_ends_when_all_have_cosigned_or_it_took_long_enough(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...], clock: object
) -> None:
    def shown() -> str:
        open_round(kept)
        return read_note(served(partnership, "/to-cosign")).text

    kept.sequence()
    first = shown()
    for witness in witnesses[:2]:
        witness.bring(witness.cosigned(served(partnership, "/to-cosign")))
    kept.take_in(1)
    kept.sequence()
    assert shown() == first
    witnesses[2].bring(witnesses[2].cosigned(served(partnership, "/to-cosign")))
    second = shown()
    assert second != first
    kept.take_in(1)
    kept.sequence()
    assert shown() == second
    clock.advance(rounds.ROUND_MS)  # type: ignore[attr-defined]  # it is a FakeClock
    assert shown() != second


def test_old_rounds_go_but_not_the_newest_with_a_majority(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...], clock: object
) -> None:
    kept.sequence()
    open_round(kept)
    for witness in witnesses[:2]:
        witness.bring(witness.cosigned(served(partnership, "/to-cosign")))
    agreed = read_note(served(partnership, "/cosigned")).text
    for _ in range(25):
        kept.take_in(1)
        kept.sequence()
        clock.advance(rounds.ROUND_MS)  # type: ignore[attr-defined]  # it is a FakeClock
        open_round(kept)
    with kept.index.database.read() as connection:
        assert len(rounds.newest_first(connection)) < 25
    assert read_note(served(partnership, "/cosigned")).text == agreed


def test_a_cosignature_is_taken_only_with_the_declared_key_over_a_checkpoint_of_this_log(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    """Another's key, an undeclared key, no cosignature, another log, no log signature, garbage."""
    kept.sequence()
    police, council, _ = witnesses
    note = served(partnership)
    text = read_note(note).text
    head = kept.published()
    stranger = Witness(police.agency, SigningKey.generate())
    other_log = SigningKey.generate()
    forged = sign_checkpoint(kept.index.log.name, head, other_log).to_bytes()
    elsewhere = sign_checkpoint("felpersham.ifi-log", head, kept.index.log.key).to_bytes()
    extended = Checkpoint(kept.index.log.name, head, ("more",)).text
    with_lines = Note(extended, (sign(extended, kept.index.log.name, kept.index.log.key),))
    garbled = police.cosigned(note)
    broken = Note(text, (garbled.signatures[0], council.cosigned(note).signatures[1]))
    for bad in (
        council.cosigned(note),
        stranger.cosigned(note),
        read_note(note),
        police.cosigned(forged),
        police.cosigned(elsewhere),
        police.cosigned(with_lines.to_bytes()),
        Note(text, police.cosigned(note).signatures[1:]),
        broken,
    ):
        reply = police.bring(bad)
        assert (reply.status, reply.content["type"]) == (422, "urn:ifi:problem:bad-checkpoint")
    for text_of_note in ("no note", "x" * 5_000):
        reply = police.agency.call(operations.COSIGN, CosignedCheckpoint(note=text_of_note))
        assert reply.status == 422
    with kept.index.database.read() as connection:
        assert storage.highest_cosigned(connection) is None


def test_whoever_has_declared_no_key_cannot_cosign(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    introducer = witnesses[0].agency
    health = Witness(partnership.member("health", introducer), SigningKey.generate())
    kept.sequence()
    reply = health.bring(health.cosigned(served(partnership)))
    assert (reply.status, reply.content["type"]) == (409, "urn:ifi:problem:no-witness-key")


def test_a_larger_cosigned_tree_is_not_replaced_by_a_smaller(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    """What the sequencer is held to never goes back."""
    kept.sequence()
    old = served(partnership)
    kept.take_in(2)
    kept.sequence()
    police = witnesses[0]
    for note in (served(partnership), old):
        assert police.bring(police.cosigned(note)).status == 200
    with kept.index.database.read() as connection:
        assert storage.highest_cosigned(connection) == kept.state.head


def test_an_index_that_lost_entries_learns_it_from_a_witness_and_closes_its_log(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    """A backup and its head file were restored together: nothing here is left to tell."""
    kept.sequence()
    backup, filed = kept.back_up(), kept.file.read_bytes()
    kept.take_in(5)
    kept.sequence()
    lost = served(partnership)
    restore_log(kept, backup)
    kept.file.write_bytes(filed)
    kept.take_in(1)
    kept.sequence()
    kept.take_in(1)
    police = witnesses[0]
    reply = police.bring(police.cosigned(lost))
    assert (reply.status, reply.content["standing"]) == (200, "not-continued")
    kept.sequence()
    assert kept.state.closed is not None


def test_nothing_is_signed_beside_a_cosigned_head(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    """The log key signed another root of the same size: the sequencer will not go on from there."""
    kept.sequence()
    head = kept.published()
    other = Head(head.size, bytes(32))
    note = sign_checkpoint(kept.index.log.name, other, kept.index.log.key).to_bytes()
    reply = witnesses[0].bring(witnesses[0].cosigned(note))
    assert reply.content["standing"] == "not-continued"
    kept.take_in(1)
    kept.sequence()
    assert kept.state.closed is not None
    assert head_file.read(kept.file, kept.index.log.name) == head
    with kept.index.database.read() as connection:
        assert sequencing.published_head(storage.state(connection)) == head


def test_a_witness_key_is_declared_by_its_agency_and_listed(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    """The last declaration of each agency, and never a key that somebody else has declared."""
    police, council, _ = witnesses
    kept.index.clock.advance(1)  # type: ignore[attr-defined]  # it is a FakeClock
    newer = Witness(police.agency, SigningKey.generate())
    assert newer.declare().status == 200
    listed = police.agency.call(operations.DIRECTORY).content["witnesses"]
    assert len(listed) == 3
    for refused, status in (
        (newer.declare(), 200),
        (newer.declare(signed_at=1), 409),
        (Witness(police.agency, council.key).declare(), 409),
        (Witness(police.agency, police.agency.key).declare(), 422),
        (newer.declare(agency="council"), 422),
        (newer.declare(partnership="felpersham"), 422),
        (newer.declare(witness_key=council.verifier.text), 422),
        (newer.declare(witness_key=kept.index.log.verifier_key), 422),
        (newer.declare(witness_key="council+00000000+" + "A" * 44), 422),
    ):
        assert refused.status == status, refused.content
    note_of_old_key = police.cosigned
    kept.sequence()
    assert police.bring(note_of_old_key(served(partnership))).status == 422
    assert newer.bring(newer.cosigned(served(partnership))).status == 200


def test_a_suspended_witness_does_not_count(
    kept: Kept, partnership: Partnership, witnesses: tuple[Witness, ...]
) -> None:
    kept.sequence()
    open_round(kept)
    partnership.suspend(witnesses[1].agency)
    partnership.suspend(witnesses[2].agency)
    assert witnesses[1].bring(witnesses[1].cosigned(served(partnership))).status == 403
    assert witnesses[0].bring(witnesses[0].cosigned(served(partnership))).status == 200
    log = VerifierKey(kept.index.log.name, KeyType.ED25519, kept.index.log.key.public)
    known = [witness.verifier for witness in witnesses]
    opened = open_checkpoint(served(partnership, "/cosigned"), [log], known)
    assert [part.key for part in opened.cosignatures] == [witnesses[0].verifier]
