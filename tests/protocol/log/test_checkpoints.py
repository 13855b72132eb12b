"""Checkpoints: one text each, of the log that is asked for, with published ones verified."""

import base64
import json
from pathlib import Path

import pytest

from protocol.keys import SigningKey
from protocol.log.bundles import unpack
from protocol.log.checkpoints import (
    Checkpoint,
    open_checkpoint,
    read_checkpoint,
    sign_checkpoint,
)
from protocol.log.compact_range import CompactRange
from protocol.log.errors import BadCheckpoint, NotVerified, WrongLog
from protocol.log.notes import Note, cosign, read_note, sign, verify_note, with_signatures
from protocol.log.proofs import (
    Head,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    tree_head,
)
from protocol.log.tile_tree import TileHashes, split
from protocol.log.tiles import Bundle, Tile
from protocol.merkle import leaf_hash
from protocol.verifier_keys import KeyType, VerifierKey, read
from tests.protocol.log.trees import VECTORS, FolderTiles, leaf

TESSERA = VECTORS / "tessera_log"
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
SUNLIGHT = VECTORS / "sunlight_tree"
ORIGIN = "borsetshire.ifi-log"
KEY = SigningKey.generate()
LOG = VerifierKey(ORIGIN, KeyType.ED25519, KEY.public)
HEAD = Head(5, leaf(0))


def published(size: int) -> Head:
    content = (TESSERA / f"checkpoint.{size}").read_bytes()
    return open_checkpoint(content, [read(TESSERA_KEY)]).checkpoint.head


@pytest.mark.parametrize("size", range(16))
def test_a_real_log_verifies_at_each_of_its_sizes(size: int) -> None:
    """transparency-dev/tessera's test log: signature, root from tiles and from entries, proofs."""
    head = published(size)
    tiles = FolderTiles(TESSERA)
    hashes = TileHashes(tiles, size)
    assert head.size == size
    assert tree_head(hashes, size) == head
    growing = CompactRange()
    if size:
        bundle = Bundle(0, size)
        entries = unpack(bundle, (TESSERA / bundle.path).read_bytes())
        growing.extend(leaf_hash(entry) for entry in entries)
        for index, entry in enumerate(entries):
            check_inclusion(leaf_hash(entry), index, head, inclusion_proof(hashes, index, size))
    assert growing.head() == head
    for old in range(1, size + 1):
        check_consistency(published(old), head, consistency_proof(hashes, old, size))


def vkey(file: Path) -> VerifierKey:
    (text,) = json.loads(file.read_text())["verifier_keys"]
    return read(text)


def test_a_real_tree_of_300_hashes_has_the_root_that_its_mirror_cosigned() -> None:
    """FiloSottile/sunlight's: a full and a partial tile at level 0, and one above."""
    (folder,) = (SUNLIGHT / "witness" / "mirror").glob("000*")
    mirror = vkey(SUNLIGHT / "witness" / "mirror" / "mirror.v0.json")
    note = read_note((folder / "checkpoint").read_bytes())
    ((verified),) = verify_note(note, [mirror])
    head = read_checkpoint(note.text).head
    hashes = TileHashes(FolderTiles(folder), 300)
    assert (verified.key, verified.time) == (mirror, 1_767_139_200)
    assert tree_head(hashes, 300) == head
    growing = CompactRange()
    for tile in (Tile(0, 0), Tile(0, 1, 44)):
        growing.extend(split(FolderTiles(folder).read(tile)))
    assert growing.head() == head
    for index in (0, 255, 256, 299):
        place, number = divmod(index, 256)
        tile = Tile(0, place, 256 if place == 0 else 44)
        stored = split(FolderTiles(folder).read(tile))[number]
        check_inclusion(stored, index, head, inclusion_proof(hashes, index, 300))


@pytest.mark.parametrize("witness", ["witness", "witness2"])
def test_real_cosignatures_verify_and_the_logs_unknown_signature_is_passed_over(
    witness: str,
) -> None:
    """One note also has its log's signature, of a type (05) that is not known here."""
    (file,) = (SUNLIGHT / witness).glob("*/checkpoint")
    key = vkey(SUNLIGHT / witness / "witness.v0.json")
    note = read_note(file.read_bytes())
    (verified,) = verify_note(note, [key])
    assert (verified.key, verified.time) == (key, 1_767_139_200)
    other = vkey(SUNLIGHT / "witness" / "mirror" / "mirror.v0.json")
    with pytest.raises(NotVerified):
        verify_note(note, [other])
    larger = Note(note.text.replace("\n300\n", "\n301\n"), note.signatures)
    with pytest.raises(NotVerified):
        verify_note(larger, [key])


def test_what_is_signed_opens_with_its_cosignatures() -> None:
    witness_key = SigningKey.generate()
    witness = VerifierKey("police.example", KeyType.COSIGNATURE, witness_key.public)
    note = sign_checkpoint(ORIGIN, HEAD, KEY)
    note = with_signatures(note, [cosign(note.text, witness.name, witness_key, 12)])
    opened = open_checkpoint(note.to_bytes(), [LOG], [witness])
    assert opened.checkpoint == Checkpoint(ORIGIN, HEAD)
    assert opened.note == note
    assert [(part.key, part.time) for part in opened.cosignatures] == [(witness, 12)]
    assert open_checkpoint(note.to_bytes(), [LOG]).cosignatures == ()


def test_a_checkpoint_of_another_log_is_refused() -> None:
    other = sign_checkpoint("felpersham.ifi-log", HEAD, KEY).to_bytes()
    with pytest.raises(WrongLog):
        open_checkpoint(other, [LOG])
    with pytest.raises(WrongLog):
        open_checkpoint(sign_checkpoint(ORIGIN, HEAD, KEY).to_bytes(), [])


def test_a_checkpoint_signed_by_an_unknown_key_is_refused() -> None:
    note = sign_checkpoint(ORIGIN, HEAD, SigningKey.generate())
    with pytest.raises(NotVerified):
        open_checkpoint(note.to_bytes(), [LOG])


def test_cosignatures_without_the_logs_own_signature_are_not_enough() -> None:
    witness_key = SigningKey.generate()
    witness = VerifierKey("police.example", KeyType.COSIGNATURE, witness_key.public)
    text = Checkpoint(ORIGIN, HEAD).text
    for signatures in (
        (cosign(text, witness.name, witness_key, 12),),
        # The log's key under another name, known as another log's, does not speak for this one.
        (cosign(text, witness.name, witness_key, 12), sign(text, "felpersham.ifi-log", KEY)),
    ):
        other = VerifierKey("felpersham.ifi-log", KeyType.ED25519, KEY.public)
        with pytest.raises(NotVerified, match="The log itself"):
            open_checkpoint(Note(text, signatures).to_bytes(), [LOG, other], [witness])


def test_extension_lines_are_read_and_signed_over() -> None:
    checkpoint = Checkpoint(ORIGIN, HEAD, ("one", "two"))
    note = Note(checkpoint.text, (sign(checkpoint.text, ORIGIN, KEY),))
    assert open_checkpoint(note.to_bytes(), [LOG]).checkpoint == checkpoint


ROOT = base64.b64encode(leaf(0)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "origin\n",
        "origin\n5\n",
        f"origin\n5\n{ROOT}",
        f"\n5\n{ROOT}\n",
        f"origin\n\n{ROOT}\n",
        "origin\n5\n\n",
        f"origin\n5\n{ROOT}\n\n",
        f"origin\n5\n{ROOT}\n\nextension\n",
        f"origin\n05\n{ROOT}\n",
        f"origin\n+5\n{ROOT}\n",
        f"origin\n-5\n{ROOT}\n",
        f"origin\n5 \n{ROOT}\n",
        f"origin\n5_0\n{ROOT}\n",
        f"origin\n\u0665\n{ROOT}\n",
        f"origin\n{2**63}\n{ROOT}\n",
        f"origin\n{'9' * 5000}\n{ROOT}\n",
        f"origin\n5\n{ROOT[:-1]}\n",
        f"origin\n5\n{ROOT} \n",
        f"origin\n5\n{ROOT.replace('=', '')}\n",
        "origin\n5\nAAAA\n",
        f"origin\n5\n{'A' * 42}B=\n",
        f"origin\n5\n{'-' * 43}=\n",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        read_checkpoint(text)


def test_a_checkpoint_has_one_text() -> None:
    for checkpoint in (
        Checkpoint(ORIGIN, Head(0, leaf(1))),
        Checkpoint("o", Head(2**63 - 1, leaf(2))),
    ):
        assert read_checkpoint(checkpoint.text) == checkpoint
