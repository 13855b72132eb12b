"""An export of a log: one file from which entries are checked without a database or a network.

It is a tar file of files as C2SP tlog-tiles names them, so that whoever unpacks an export of a
whole log has a log that other software reads too. In this order:

    export.json       schemas.exports.Manifest
    checkpoint        the signed note, with the cosignatures there are
    registry/<n>      (part of a log) entry n, outside the part, which enrolled, changed or declared
                      a key or opened an epoch, as a C2SP tlog-proof whose extra is the entry
    tile/...          entry bundles in their order; for a whole log, behind each bundle the tiles
                      that are full by it, and the partial ones at the end

A part of a log has no tiles: the manifest holds the roots of what stands before it, and the
consistency proof from its end to the checkpoint. Written and read as a stream, in constant memory.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from protocol import canonical
from protocol.canonical import NotCanonical
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import read_entry
from protocol.log.bundles import unpack
from protocol.log.checkpoints import open_checkpoint
from protocol.log.compact_range import CompactRange
from protocol.log.errors import LogError
from protocol.log.log_proofs import read_log_proof
from protocol.log.notes import MAX_NOTE_BYTES, read_note
from protocol.log.proofs import Head, check_consistency, check_inclusion
from protocol.log.tile_walk import TileWalk
from protocol.log.tiles import WIDTH, Bundle, Tile
from protocol.merkle import HASH_BYTES, leaf_hash
from protocol.testimony import BadTestimony, Keys
from protocol.verification import Fault, Verification
from protocol.verifier_keys import KeyType, VerifierKey
from schemas.entries import Entry
from schemas.exports import Manifest

MANIFEST: Final = "export.json"
CHECKPOINT: Final = "checkpoint"
REGISTRY: Final = "registry"
_MAX_FILE: Final = WIDTH * (2 + 65_535)


@dataclass(frozen=True, slots=True)
class Checked:
    """What an export holds: entries `first` to `end - 1` of a log of `size`, all checked."""

    log: str
    first: int
    end: int
    size: int
    cosignatures: int
    registry: int
    whole: bool

    @property
    def sentence(self) -> str:
        """What was checked, for a person to read."""
        which = (
            f"All {self.size} entries"
            if self.whole
            else (f"Entries {self.first} to {self.end - 1} of {self.size}")
        )
        return (
            f"{which} of {self.log} verified; the checkpoint has {self.cosignatures} cosignatures."
        )


class Writer:
    """Writes the files of an export one behind the other."""

    def __init__(self, file: IO[bytes]) -> None:
        """Write to `file`, which need not be seekable."""
        self._tar = tarfile.TarFile.open(fileobj=file, mode="w|", format=tarfile.USTAR_FORMAT)

    def add(self, name: str, content: bytes, at: int) -> None:
        """Add a file; `at` is its time in s UTC."""
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(content), 0o600, at
        self._tar.addfile(member, io.BytesIO(content))
        # tarfile remembers every member; an export of a large log has very many.
        self._tar.members.clear()  # type: ignore[attr-defined]  # typeshed does not know it

    def close(self) -> None:
        """Write the end of the archive."""
        self._tar.close()


def check_export(file: IO[bytes], log: VerifierKey, *, signatures: bool = True) -> Checked:
    """Check everything in the export `file` against the log's key; in constant memory.

    Without `signatures` those in entries are passed over. Raises Fault at the first bad place.
    """
    if log.type is not KeyType.ED25519:
        raise Fault("key: this is not a log's key")
    try:
        files = _Files(file)
        return _check(files, log, signatures)
    except tarfile.TarError as error:
        raise Fault(f"the file: it is no export, or it is cut off ({error})") from error
    except (LogError, NotCanonical) as error:
        raise Fault(f"{files.name}: {error}") from error


def _check(files: "_Files", log: VerifierKey, signatures: bool) -> Checked:
    manifest = canonical.decode(files.take(MANIFEST), Manifest)
    if manifest.log != log.text:
        raise Fault(f"{MANIFEST}: this is an export of another log, {manifest.log}")
    note = files.take(CHECKPOINT)
    head = open_checkpoint(note, [log]).checkpoint.head
    _require_bounds(manifest, head)
    keys = Keys(signatures)
    outside = [(number, _registered(files, number, head)) for number in manifest.registry]
    for number, entry in outside:
        if number < manifest.first:
            _take_up(number, entry, keys)
    made: list[tuple[Tile, bytes]] = []
    # Raises BadProof for a whole log with roots before it.
    start = CompactRange(manifest.first, _hashes(manifest.roots))
    walk = TileWalk(lambda tile, hashes: made.append((tile, hashes)))
    whole = (manifest.first, manifest.end) == (0, head.size)
    verification = Verification(log, manifest.partnership, walk if whole else start, {}, keys)
    for bundle in bundles_between(manifest.first, manifest.end):
        for encoded in unpack(bundle, files.take(bundle.path)):
            verification.enter(encoded)
        _take_tiles(files, made)
    reached = walk.finish() if whole else start.head()
    _take_tiles(files, made)
    files.require_end()
    for number, entry in outside:
        if number >= manifest.end:
            _take_up(number, entry, keys)
    files.name = MANIFEST
    proof = _hashes(manifest.proof)
    if head.size:
        check_consistency(reached, head, proof)
    cosignatures = verification.check_cosignatures(CHECKPOINT, read_note(note))
    return Checked(
        log.name, manifest.first, manifest.end, head.size, cosignatures, len(outside), whole
    )


def _require_bounds(manifest: Manifest, head: Head) -> None:
    first, end = manifest.first, manifest.end
    if not (0 <= first < end <= head.size or first == end == head.size == 0):
        raise Fault(f"{MANIFEST}: these entries are not all covered by the checkpoint")
    if first % WIDTH or (end % WIDTH and end != head.size):
        raise Fault(f"{MANIFEST}: a part begins and ends where a bundle does")
    inside = [number for number in manifest.registry if first <= number < end]
    if inside or list(manifest.registry) != sorted(set(manifest.registry)):
        raise Fault(f"{MANIFEST}: the registry holds other entries than those outside, in order")


def _take_tiles(files: "_Files", made: list[tuple[Tile, bytes]]) -> None:
    for tile, hashes in made:
        if files.take(tile.path) != hashes:
            raise Fault(f"{tile.path}: these are not the hashes that the entries make")
    made.clear()


def _registered(files: "_Files", number: int, head: Head) -> Entry:
    name = f"{REGISTRY}/{number}"
    kept = read_log_proof(files.take(name))
    if kept.extra is None or kept.index != number or kept.checkpoint != files.checkpoint:
        raise Fault(f"{name}: this is not the proof of entry {number}")
    check_inclusion(leaf_hash(kept.extra), number, head, kept.proof)
    return read_entry(kept.extra)


def _take_up(number: int, entry: Entry, keys: Keys) -> None:
    try:
        keys.check(entry)
    except BadTestimony as error:
        raise Fault(f"{REGISTRY}/{number}: {error}") from error


def _hashes(texts: Iterable[str]) -> list[bytes]:
    return [b64u_decode(text, HASH_BYTES) for text in texts]


class _Files:
    """The files of an export, one behind the other."""

    def __init__(self, file: IO[bytes]) -> None:
        self.name = "the file"
        self.checkpoint = b""
        self._tar = tarfile.TarFile.open(fileobj=file, mode="r|")

    def take(self, name: str) -> bytes:
        """Return the content of the next file, which has to be `name`."""
        member = self._tar.next()
        self.name = name
        if member is None:
            raise Fault(f"{name}: it is missing; the export ends before it")
        if member.name != name or not member.isreg():
            raise Fault(f"{name}: it is missing; {member.name!r} stands in its place")
        if member.size > max(_MAX_FILE, MAX_NOTE_BYTES):
            raise Fault(f"{name}: it is larger than any file of an export")
        held = self._tar.extractfile(member)
        content = held.read() if held else b""
        self._tar.members.clear()  # type: ignore[attr-defined]  # typeshed does not know it
        if len(content) != member.size:
            raise Fault(f"{name}: it is cut off")
        if name == CHECKPOINT:
            self.checkpoint = content
        return content

    def require_end(self) -> None:
        """Raise Fault if there is another file."""
        member = self._tar.next()
        if member is not None:
            raise Fault(f"{member.name}: it does not belong to this export")


def encoded_roots(hashes: Iterable[bytes]) -> tuple[str, ...]:
    """Return hashes as a manifest has them."""
    return tuple(b64u_encode(each) for each in hashes)


def bundles_between(first: int, end: int) -> Iterator[Bundle]:
    """Yield the bundles that hold entries `first`, a multiple of 256, to `end - 1`."""
    for start in range(first, end, WIDTH):
        yield Bundle(start // WIDTH, min(WIDTH, end - start))
