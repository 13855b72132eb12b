"""What a witness decides about a checkpoint, from what it last cosigned and nothing else.

C2SP tlog-witness. The decision is a pure function; whoever calls it keeps the last head per origin,
and writes the new one in the same atomic step, with the old size in the WHERE of its one UPDATE,
before the cosignature leaves. The same decision serves a witness that fetches checkpoints itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from protocol.keys import SigningKey
from protocol.log.checkpoints import Checkpoint, open_checkpoint, read_checkpoint
from protocol.log.errors import BadNote, BadProof, BadRequest, LogError, WrongLog
from protocol.log.lines import read_hash, read_number, write_base64
from protocol.log.notes import MAX_NOTE_BYTES, NoteSignature, cosign, read_note
from protocol.log.proofs import EMPTY, Head, check_consistency
from protocol.verifier_keys import KeyType, VerifierKey

MAX_PROOF_HASHES = 63
MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 4096


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A log asks that its checkpoint be cosigned: the size cosigned before, and the proof from it.

    `checkpoint` is read from `note`, and not verified yet.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint

    def to_bytes(self) -> bytes:
        """Return the body of the request."""
        lines = [f"old {self.old_size}", *(write_base64(part) for part in self.proof)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.note


@dataclass(frozen=True, slots=True)
class Accepted:
    """The checkpoint may be cosigned once `head` is durable as what follows `before`."""

    before: Head
    checkpoint: Checkpoint

    @property
    def head(self) -> Head:
        """The head to be kept for the checkpoint's origin, before the cosignature leaves."""
        return self.checkpoint.head

    def cosignature(self, name: str, key: SigningKey, time: int) -> NoteSignature:
        """Return the witness's signature at `time`, in s UTC; its `.line` is the answer's body."""
        return cosign(self.checkpoint.text, name, key, time)


@dataclass(frozen=True, slots=True)
class Refused:
    """The checkpoint is not cosigned: the HTTP status, and for a person what is wrong.

    `cosigned_size` is set with 409 only: what the witness last cosigned, for the log to start from.
    """

    status: int
    detail: str
    cosigned_size: int | None = None

    @property
    def content_type(self) -> str:
        """The media type of `body`."""
        if self.cosigned_size is None:
            return "text/plain; charset=utf-8"
        return "text/x.tlog.size"

    @property
    def body(self) -> str:
        """What the answer holds."""
        return f"{self.detail if self.cosigned_size is None else self.cosigned_size}\n"


def witness_name(agency: str, partnership: str) -> str:
    """Return the key name under which an agency cosigns the log of a partnership."""
    return f"{agency}.{partnership}.ifi-witness"


def witness_key(agency: str, partnership: str, public: bytes) -> VerifierKey:
    """Return the verifier key, type 04, of an agency's witness with `public`, 32 bytes, Ed25519."""
    return VerifierKey(witness_name(agency, partnership), KeyType.COSIGNATURE, public)


def make_request(old_size: int, proof: Sequence[bytes], note: bytes) -> AddCheckpoint:
    """Return the request to cosign the checkpoint in `note`, a signed note.

    Raises BadRequest (the answer is 400) if there is no checkpoint in it or the proof is too long.
    """
    if len(proof) > MAX_PROOF_HASHES:
        raise BadRequest(f"A consistency proof has at most {MAX_PROOF_HASHES} lines.")
    try:
        checkpoint = read_checkpoint(read_note(note).text)
    except LogError as error:
        raise BadRequest(str(error)) from error
    return AddCheckpoint(old_size, tuple(proof), note, checkpoint)


def read_request(body: bytes) -> AddCheckpoint:
    """Return the request in an add-checkpoint `body`; BadRequest (400) if it is malformed."""
    if len(body) > MAX_REQUEST_BYTES:
        raise BadRequest(f"A request has at most {MAX_REQUEST_BYTES} bytes.")
    head, blank, note = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise BadRequest("The lines before the checkpoint are ASCII.") from error
    if not blank or not first.startswith("old "):
        raise BadRequest("A request is an old line, the proof, a blank line and a checkpoint.")
    old_size = read_number(first.removeprefix("old "), BadRequest, "The old size")
    proof = [read_hash(line, BadRequest, "A line of the proof") for line in lines]
    return make_request(old_size, proof, note)


def decide(
    request: AddCheckpoint, logs: Iterable[VerifierKey], last: Head | None
) -> Accepted | Refused:
    """Return whether the checkpoint may be cosigned.

    `logs` are the keys of the logs that this witness serves; `last` is the head it cosigned last
    for the checkpoint's origin, None if it never did. Statuses are those of C2SP tlog-witness: 404
    an unknown origin, 403 no valid signature of the log, 400 an old size beyond the new, 409 an
    old size other than the last, 422 a proof or root that does not fit.
    """
    try:
        checkpoint = open_checkpoint(request.note, logs).checkpoint
    except WrongLog:
        return Refused(404, "This witness does not serve that log.")
    except BadNote as error:
        return Refused(403, str(error))
    before = last or EMPTY
    head = checkpoint.head
    if request.old_size > head.size:
        return Refused(400, "The old size is larger than the checkpoint's.")
    if request.old_size != before.size:
        return Refused(409, "The old size is not what was last cosigned.", before.size)
    try:
        _check_follows(before, head, request.proof)
    except BadProof as error:
        return Refused(422, str(error))
    return Accepted(before, checkpoint)


def _check_follows(before: Head, head: Head, proof: Sequence[bytes]) -> None:
    """Check that `head` is `before` with entries appended, or is the same; BadProof otherwise."""
    if before.size:
        check_consistency(before, head, proof)
        return
    # Every tree follows the empty one, and no proof is needed to see it.
    if proof:
        raise BadProof("From size 0 the consistency proof is empty.")
    if head.size == 0 and head != EMPTY:
        raise BadProof("The root of a tree of no entries is not this.")
