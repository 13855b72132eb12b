"""Proof files: an entry's place in the log, to be kept and checked offline (C2SP tlog-proof)."""

from dataclasses import dataclass

from protocol.log.errors import BadLogProof
from protocol.log.lines import read_base64, read_hash, read_number, write_base64
from protocol.log.notes import MAX_NOTE_BYTES
from protocol.log.policies import Policy, Standing
from protocol.log.proofs import check_inclusion

SUFFIX = ".tlog-proof"
MAX_EXTRA_BYTES = 128 * 1024
# A tree of below 2^63 leaves is no higher.
MAX_HASHES = 63
_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_MAX_BYTES = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES


@dataclass(frozen=True, slots=True)
class LogProof:
    """Entry number `index`, its inclusion proof, and the checkpoint note to whose root it leads.

    `extra` is whatever the maker added; no signature covers it.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        lines = [_FIRST_LINE]
        if self.extra is not None:
            lines.append(f"extra {write_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(write_base64(part) for part in self.proof)
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint


def read_log_proof(content: bytes) -> LogProof:
    """Return the proof in the file `content`; BadLogProof if it is malformed. Checks nothing."""
    if len(content) > _MAX_BYTES:
        raise BadLogProof(f"A proof file has at most {_MAX_BYTES} bytes.")
    head, blank, checkpoint = content.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise BadLogProof("The lines of a proof before its checkpoint are ASCII.") from error
    if not blank or lines.pop(0) != _FIRST_LINE:
        raise BadLogProof(f"A proof file opens with {_FIRST_LINE} and ends with a checkpoint.")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = read_base64(lines.pop(0).removeprefix("extra "), BadLogProof, "The extra line")
        if len(extra) > MAX_EXTRA_BYTES:
            raise BadLogProof(f"A proof's extra has at most {MAX_EXTRA_BYTES} bytes.")
    if not lines or not lines[0].startswith("index "):
        raise BadLogProof("A proof file has an index line.")
    index = read_number(lines.pop(0).removeprefix("index "), BadLogProof, "The index")
    if len(lines) > MAX_HASHES:
        raise BadLogProof(f"An inclusion proof has at most {MAX_HASHES} hashes.")
    proof = tuple(read_hash(line, BadLogProof, "A line of the proof") for line in lines)
    return LogProof(index, proof, checkpoint, extra)


def check_log_proof(proof: LogProof, leaf: bytes, policy: Policy) -> Standing:
    """Check that the entry with leaf hash `leaf` (32 bytes) is in a log that the policy trusts.

    Returns the standing of the checkpoint, with the witnesses and times. Raises BadNote,
    BadCheckpoint or NotCosigned for the checkpoint, BadProof for the way from leaf to root.
    """
    standing = policy.require(proof.checkpoint)
    check_inclusion(leaf, proof.index, standing.signed.checkpoint.head, proof.proof)
    return standing
