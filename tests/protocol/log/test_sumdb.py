"""A log that we made is verified by Go's sumdb, and every kind of fault is found there too."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.keys import SigningKey
from protocol.log.bundles import pack
from protocol.log.checkpoints import sign_checkpoint
from protocol.log.log_proofs import LogProof
from protocol.log.notes import Note, cosign, with_signatures
from protocol.log.proofs import Head, consistency_proof, inclusion_proof
from protocol.log.tiles import bundle_in, bundles_of, tiles_of
from protocol.log.witness import make_request
from protocol.merkle import leaf_hash
from protocol.verifier_keys import KeyType, VerifierKey
from tests.protocol.log import sumdb
from tests.protocol.log.trees import GrownLog

ORIGIN = "borsetshire.ifi-log"
KEY, WITNESS_KEY = SigningKey.generate(), SigningKey.generate()
LOG_KEY = VerifierKey(ORIGIN, KeyType.ED25519, KEY.public).text
WITNESS = VerifierKey("police.borsetshire", KeyType.COSIGNATURE, WITNESS_KEY.public)
SIZES = (1, 2, 255, 256, 257, 300, 512, 600)
ENTRIES = [b"entry %d" % number for number in range(SIZES[-1])]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return sumdb.build(tmp_path_factory.mktemp("sumdb"))
    except sumdb.SumdbMissing as missing:
        # An error, never a skip: the product promises that others' software can verify its log.
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 600 entries, published at eight sizes, with proofs and requests of ours."""
    folder = tmp_path_factory.mktemp("log")
    for name in ("older", "proofs", "requests"):
        (folder / name).mkdir()
    log = GrownLog()
    for number, size in enumerate(SIZES):
        log.append([leaf_hash(entry) for entry in ENTRIES[log.head.size : size]])
        note = signed(log.head)
        (folder / "checkpoint").write_bytes(note.to_bytes())
        (folder / "older" / str(size)).write_bytes(note.to_bytes())
        for old in SIZES[:number]:
            request = make_request(old, consistency_proof(log.hashes(), old, size), note.to_bytes())
            (folder / "requests" / f"{old}-{size}").write_bytes(request.to_bytes())
        for index in {0, 1, 254, 255, 256, size // 2, size - 1}:
            if index < size:
                proof = inclusion_proof(log.hashes(), index, size)
                content = LogProof(index, proof, note.to_bytes(), b"extra").to_bytes()
                (folder / "proofs" / f"{index}-{size}.tlog-proof").write_bytes(content)
        for bundle in bundles_of(size):
            write(folder / bundle.path, pack(ENTRIES[bundle.first :][: bundle.width]))
    for tile, content in log.tiles.held.items():
        write(folder / tile.path, content)
    return folder


def signed(head: Head) -> Note:
    note = sign_checkpoint(ORIGIN, head, KEY)
    return with_signatures(note, [cosign(note.text, WITNESS.name, WITNESS_KEY, 1_700_000_000)])


def write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def test_gos_sumdb_verifies_a_log_of_ours(program: Path, published: Path) -> None:
    """Checkpoints, cosignatures, tiles, entries, and the proofs that we made from them."""
    counted = sumdb.verify(program, published, LOG_KEY, WITNESS.text)
    proofs = len(list((published / "proofs").iterdir()))
    assert counted == {
        "size": 600, "cosignatures": 1, "older": 8, "proofs": proofs, "requests": 28,
    }  # fmt: skip
    assert proofs == 38


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "log"
    shutil.copytree(published, folder)
    yield folder
    shutil.rmtree(folder)


FAULTS = {
    **{tile.path: "^entry|tile" for tile in tiles_of(600)},
    bundle_in(600, 1).path: "entry",
    "checkpoint": "checkpoint",
    "older/300": "older/300",
    "proofs/1-2.tlog-proof": "proofs/1-2",
    "requests/256-300": "requests/256-300",
}


@pytest.mark.parametrize("file", FAULTS)
def test_gos_sumdb_finds_a_changed_byte(program: Path, copy: Path, file: str) -> None:
    content = bytearray((copy / file).read_bytes())
    # In the checkpoint, the proof and the request this is in a line of base64.
    content[60] = ord("A") if content[60] != ord("A") else ord("B")
    (copy / file).write_bytes(bytes(content))
    with pytest.raises(sumdb.NotVerified, match=FAULTS[file]):
        sumdb.verify(program, copy, LOG_KEY, WITNESS.text)


def test_gos_sumdb_finds_a_second_past(program: Path, copy: Path) -> None:
    """A smaller checkpoint, rightly signed, of a tree that is not this one's past."""
    (copy / "older" / "300").write_bytes(signed(Head(300, leaf_hash(b"another"))).to_bytes())
    with pytest.raises(sumdb.NotVerified, match="older/300"):
        sumdb.verify(program, copy, LOG_KEY, WITNESS.text)


def test_gos_sumdb_refuses_another_key(program: Path, published: Path) -> None:
    other = VerifierKey(ORIGIN, KeyType.ED25519, SigningKey.generate().public).text
    with pytest.raises(sumdb.NotVerified, match="checkpoint"):
        sumdb.verify(program, published, other)
