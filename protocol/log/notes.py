"""Signed notes: a text and the signature lines of those who sign it (C2SP signed-note)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from protocol import keys
from protocol.keys import SigningKey
from protocol.log.errors import BadNote, NotVerified
from protocol.log.lines import MAX_SIZE, read_base64, write_base64
from protocol.verifier_keys import KEY_ID_BYTES, KeyType, VerifierKey, is_key_name

# signed-note wants 16 accepted at least. An ML-DSA line has 3.3 kB, so 100 of them fit.
MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 512 * 1024
_DASH = "\u2014"
_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the signer's key name, its 4-byte key ID, and the signature bytes."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line with its newline, as it stands in a note or in a witness's answer."""
        return f"{_DASH} {self.name} {write_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and one or more signatures, none of them verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """Return the note as it is served and kept."""
        return (self.text + "\n" + "".join(part.line for part in self.signatures)).encode()


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature by a known key that fits the text; `time` is a cosignature's, in s UTC."""

    key: VerifierKey
    time: int | None


def read_note(content: bytes) -> Note:
    """Return the note in `content`; BadNote if it is malformed or beyond the limits.

    The text is what stands before the last blank line. Nothing is verified, so nothing in it is
    to be believed.
    """
    if len(content) > MAX_NOTE_BYTES:
        raise BadNote(f"A note has at most {MAX_NOTE_BYTES} bytes; this has {len(content)}.")
    try:
        whole = content.decode()
    except UnicodeDecodeError as error:
        raise BadNote("A note is UTF-8.") from error
    if any(character < " " and character != "\n" for character in whole):
        raise BadNote("A note has no control character but the newline.")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise BadNote("A note is a text, a blank line, and signature lines that end in a newline.")
    return Note(text + "\n", read_signatures(lines))


def read_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """Return the signatures in `lines`, one or more, each ended by a newline.

    That is also what a witness answers (C2SP tlog-witness). Raises BadNote.
    """
    if not lines.endswith("\n"):
        raise BadNote("A signature line ends in a newline.")
    if lines.count("\n") > MAX_SIGNATURES:
        raise BadNote(f"A note has at most {MAX_SIGNATURES} signatures.")
    return tuple(_read_signature(line) for line in lines[:-1].split("\n"))


def _read_signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not is_key_name(parts[1]):
        raise BadNote("A signature line is an em dash, a key name and a signature in base64.")
    # Go's readers let left-over bits pass, and a published exchange rests on that; the bytes are
    # the same, and whoever signs can make as many signatures of one text as it likes anyway.
    decoded = read_base64(parts[2], BadNote, "A note's signature", left_over_bits=True)
    if len(decoded) <= KEY_ID_BYTES:
        raise BadNote("A signature line holds a key ID of 4 bytes and a signature.")
    return NoteSignature(parts[1], decoded[:KEY_ID_BYTES], decoded[KEY_ID_BYTES:])


def verify_note(note: Note, known: Iterable[VerifierKey]) -> tuple[Verified, ...]:
    """Return the signatures on `note` by `known` keys, in the note's order, all of them right.

    Signatures by unknown keys, also those that share a name or a key ID with a known one but not
    both, are passed over. Raises NotVerified if a known key's signature is wrong, or if there is
    none, or if two known keys have one name and one key ID.
    """
    by_name: dict[tuple[str, bytes], VerifierKey] = {}
    for key in known:
        if by_name.setdefault((key.name, key.key_id), key) != key:
            raise NotVerified("Two of the known keys share their name and key ID.")
    verified = tuple(
        _verified(note.text, signature, by_name[signature.name, signature.key_id])
        for signature in note.signatures
        if (signature.name, signature.key_id) in by_name
    )
    if not verified:
        raise NotVerified("No known key has signed this note.")
    return verified


def sign(text: str, name: str, key: SigningKey) -> NoteSignature:
    """Return the signature of the log `name` over `text`, which ends in a newline (type 01)."""
    signer = VerifierKey(name, KeyType.ED25519, key.public)
    return NoteSignature(name, signer.key_id, key.sign(text.encode()))


def cosign(text: str, name: str, key: SigningKey, time: int) -> NoteSignature:
    """Return the cosignature/v1 of the witness `name` over a checkpoint's `text` (type 04).

    It says that at `time`, in seconds UTC, this was the largest consistent tree the witness had
    seen of that log. Whoever calls has checked that, and made it durable, before. A key belongs to
    one witness: the message does not hold the name (C2SP tlog-cosignature).
    """
    signer = VerifierKey(name, KeyType.COSIGNATURE, key.public)
    if not 0 <= time <= MAX_SIZE:
        raise ValueError("A cosignature's time is 0 or later, and below 2^63 seconds.")
    signed = key.sign(_cosigned(text, time))
    return NoteSignature(name, signer.key_id, time.to_bytes(_TIME_BYTES, "big") + signed)


def with_signatures(note: Note, added: Sequence[NoteSignature]) -> Note:
    """Return `note` with those of `added` behind its own that it does not have yet."""
    fresh = tuple(part for part in dict.fromkeys(added) if part not in note.signatures)
    return Note(note.text, note.signatures + fresh)


def _verified(text: str, signature: NoteSignature, key: VerifierKey) -> Verified:
    message, signed, time = text.encode(), signature.signature, None
    if key.type is KeyType.COSIGNATURE:
        # Cut too short for a time, the rest is no signature of 64 bytes either.
        time = int.from_bytes(signed[:_TIME_BYTES], "big")
        message, signed = _cosigned(text, time), signed[_TIME_BYTES:]
        if time > MAX_SIZE:
            raise NotVerified(f"The cosignature of {key.name} has a time beyond all times.")
    try:
        keys.verify(key.public, signed, message)
    except keys.BadSignature as error:
        raise NotVerified(f"The signature of {key.name} on this note is wrong.") from error
    return Verified(key, time)


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
