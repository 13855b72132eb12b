"""Checkpoints: a log's signed statement of its size and root (C2SP tlog-checkpoint)."""

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.keys import SigningKey
from protocol.log.errors import BadCheckpoint, NotVerified, WrongLog
from protocol.log.lines import read_hash, read_number, write_base64
from protocol.log.notes import Note, Verified, read_note, sign, verify_note
from protocol.log.proofs import Head
from protocol.verifier_keys import KeyType, VerifierKey


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: origin, head, and extension lines (which nothing here writes)."""

    origin: str
    head: Head
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of the note: what is signed, and cosigned."""
        lines = (self.origin, str(self.head.size), write_base64(self.head.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint that its log has signed, and the known witnesses' cosignatures on it."""

    checkpoint: Checkpoint
    note: Note
    cosignatures: tuple[Verified, ...]


def read_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that is a note's `text`; BadCheckpoint for any other text."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        raise BadCheckpoint("A checkpoint has three lines or more, none of them empty.")
    origin, size, root, *extensions = lines
    head = Head(
        read_number(size, BadCheckpoint, "A checkpoint's size"),
        read_hash(root, BadCheckpoint, "A checkpoint's root"),
    )
    return Checkpoint(origin, head, tuple(extensions))


def open_checkpoint(
    content: bytes, logs: Iterable[VerifierKey], witnesses: Iterable[VerifierKey] = ()
) -> SignedCheckpoint:
    """Return the checkpoint in `content` after verifying what the known keys signed.

    `logs` are the keys of the logs that the caller believes; a log is named by its origin, which
    is its key's name. Cosignatures by other witnesses than `witnesses` are passed over; whether
    there are enough is a policy's question. Raises BadNote, BadCheckpoint, WrongLog for a log that
    is not among `logs`, and NotVerified.
    """
    note = read_note(content)
    checkpoint = read_checkpoint(note.text)
    own = {key for key in logs if key.name == checkpoint.origin and key.type is KeyType.ED25519}
    if not own:
        raise WrongLog("The checkpoint is of another log.")
    cosigners = [key for key in witnesses if key.type is KeyType.COSIGNATURE]
    verified = verify_note(note, [*own, *cosigners])
    if not any(part.key in own for part in verified):
        raise NotVerified("The log itself has not signed this checkpoint.")
    return SignedCheckpoint(
        checkpoint, note, tuple(part for part in verified if part.key not in own)
    )


def sign_checkpoint(origin: str, head: Head, key: SigningKey) -> Note:
    """Return the checkpoint of the log `origin` with `head`, signed with the log's key.

    Whoever calls has made sure that no head inconsistent with this one was ever signed, which is
    the one thing a log must not do.
    """
    text = Checkpoint(origin, head).text
    return Note(text, (sign(text, origin, key),))
