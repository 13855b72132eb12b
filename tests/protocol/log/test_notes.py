"""Signed notes: known keys must have signed rightly, others are passed over, limits hold."""

import base64

import pytest

from protocol.keys import SigningKey
from protocol.log.errors import BadNote, NotVerified
from protocol.log.notes import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    Verified,
    cosign,
    read_note,
    read_signatures,
    sign,
    verify_note,
    with_signatures,
)
from protocol.verifier_keys import KeyType, VerifierKey, read

# golang.org/x/mod/sumdb/note's own example (BSD 3-Clause, the Go Authors).
EXAMPLE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

KEY = SigningKey.generate()
OTHER = SigningKey.generate()
TEXT = "a text\n\nof two parts\n"
KNOWN = VerifierKey("log.example", KeyType.ED25519, KEY.public)
WITNESS = VerifierKey("witness.example", KeyType.COSIGNATURE, OTHER.public)


def test_gos_example_is_read_verified_and_written() -> None:
    note = read_note(EXAMPLE.encode())
    key = read(EXAMPLE_KEY)
    assert key.text == EXAMPLE_KEY
    assert verify_note(note, [key]) == (Verified(key, None),)
    assert note.to_bytes() == EXAMPLE.encode()


def test_the_text_ends_before_the_last_blank_line() -> None:
    note = Note(TEXT, (sign(TEXT, "log.example", KEY),))
    assert read_note(note.to_bytes()) == note
    assert verify_note(note, [KNOWN]) == (Verified(KNOWN, None),)


def test_unknown_signers_are_passed_over() -> None:
    """Also those that share the name or the key ID with a known key, but not both."""
    mine = sign(TEXT, "log.example", KEY)
    wrong = bytes(64)
    note = Note(
        TEXT,
        (
            sign(TEXT, "other.example", OTHER),
            NoteSignature("other.example", mine.key_id, wrong),
            NoteSignature("log.example", b"\x00\x01\x02\x03", wrong),
            NoteSignature("post-quantum.example", b"\x00\x01\x02\x03", bytes(2420)),
            mine,
        ),
    )
    assert verify_note(read_note(note.to_bytes()), [KNOWN]) == (Verified(KNOWN, None),)


def test_a_note_without_a_known_signer_is_refused() -> None:
    note = Note(TEXT, (sign(TEXT, "other.example", OTHER),))
    for known in ([KNOWN], []):
        with pytest.raises(NotVerified, match="No known key"):
            verify_note(note, known)


def test_a_known_signer_whose_signature_is_wrong_spoils_the_note() -> None:
    mine = sign(TEXT, "log.example", KEY)
    cosigned = cosign(TEXT, "witness.example", OTHER, 7)
    flipped = bytes([mine.signature[0] ^ 1]) + mine.signature[1:]
    wrong = [
        NoteSignature("log.example", mine.key_id, flipped),
        NoteSignature("log.example", mine.key_id, mine.signature[:-1]),
        NoteSignature("log.example", mine.key_id, mine.signature + b"\x00"),
        NoteSignature("log.example", mine.key_id, sign("another\n", "x", KEY).signature),
        NoteSignature("witness.example", cosigned.key_id, cosigned.signature[8:]),
        NoteSignature("witness.example", cosigned.key_id, cosigned.signature[:3]),
        # Its time was changed.
        NoteSignature("witness.example", cosigned.key_id, b"\x00" * 8 + cosigned.signature[8:]),
        NoteSignature("witness.example", cosigned.key_id, b"\xff" * 8 + cosigned.signature[8:]),
        # It signed the text, but not as a cosigner.
        NoteSignature("witness.example", cosigned.key_id, bytes(8) + OTHER.sign(TEXT.encode())),
    ]
    for signature in wrong:
        for signatures in ((signature, mine), (mine, signature)):
            with pytest.raises(NotVerified, match=r"is wrong|beyond all times"):
                verify_note(Note(TEXT, signatures), [KNOWN, WITNESS])


def test_a_cosignature_carries_its_time() -> None:
    note = Note(TEXT, (cosign(TEXT, "witness.example", OTHER, 1_679_315_147),))
    assert verify_note(note, [WITNESS]) == (Verified(WITNESS, 1_679_315_147),)
    with pytest.raises(ValueError, match="below 2\\^63"):
        cosign(TEXT, "witness.example", OTHER, 2**63)


def test_a_time_beyond_2_to_63_is_refused_though_rightly_signed() -> None:
    """Tlog-cosignature: it must not exceed 2^63 - 1."""
    message = f"cosignature/v1\ntime {2**63}\n{TEXT}".encode()
    signature = (2**63).to_bytes(8, "big") + OTHER.sign(message)
    note = Note(TEXT, (NoteSignature("witness.example", WITNESS.key_id, signature),))
    with pytest.raises(NotVerified, match="beyond all times"):
        verify_note(note, [WITNESS])


def test_a_logs_signature_is_no_cosignature_and_the_other_way_round() -> None:
    """One key with one name, but of two types: two key IDs."""
    as_witness = VerifierKey("log.example", KeyType.COSIGNATURE, KEY.public)
    assert as_witness.key_id != KNOWN.key_id
    with pytest.raises(NotVerified):
        verify_note(Note(TEXT, (sign(TEXT, "log.example", KEY),)), [as_witness])
    with pytest.raises(NotVerified):
        verify_note(Note(TEXT, (cosign(TEXT, "log.example", KEY, 1),)), [KNOWN])


def test_known_keys_that_cannot_be_told_apart_are_refused() -> None:

    class SameID(VerifierKey):
        """A key made to have the same four bytes of ID, which takes 2^32 attempts."""

        @property
        def key_id(self) -> bytes:
            return KNOWN.key_id

    other = SameID("log.example", KeyType.ED25519, OTHER.public)
    with pytest.raises(NotVerified, match="share"):
        verify_note(Note(TEXT, (sign(TEXT, "log.example", KEY),)), [KNOWN, other])
    assert verify_note(Note(TEXT, (sign(TEXT, "log.example", KEY),)), [KNOWN, KNOWN])


@pytest.mark.parametrize("count", [16, MAX_SIGNATURES])
def test_sixteen_signatures_and_more_are_accepted(count: int) -> None:
    """Also when all but one are as long as ML-DSA-44's."""
    long = NoteSignature("pq.example", b"\x00\x01\x02\x03", bytes(8 + 2420))
    note = Note(TEXT, (*[long] * (count - 1), sign(TEXT, "log.example", KEY)))
    assert verify_note(read_note(note.to_bytes()), [KNOWN])


@pytest.mark.parametrize("count", [MAX_SIGNATURES + 1, 1_000])
def test_a_note_with_a_thousand_signatures_is_refused(count: int) -> None:
    note = Note(TEXT, (sign(TEXT, "log.example", KEY),) * count)
    with pytest.raises(BadNote, match="at most 100 signatures"):
        read_note(note.to_bytes())


def test_a_huge_note_is_refused() -> None:
    note = Note("x" * MAX_NOTE_BYTES + "\n", (sign(TEXT, "log.example", KEY),))
    with pytest.raises(BadNote, match="bytes"):
        read_note(note.to_bytes())


NO_BREAK_SPACE = "\u00a0"
LINE = "\u2014 log.example " + base64.b64encode(bytes(68)).decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        f"text\n{LINE}\n".encode(),
        f"text\n\n{LINE}".encode(),
        f"text\n\n{LINE}\n\n".encode(),
        f"text\n\n{LINE}\n{LINE}".encode(),
        f"text\n\n{LINE} \n".encode(),
        f"text\n\n{LINE}\r\n".encode(),
        f"te\tt\n\n{LINE}\n".encode(),
        f"te\0t\n\n{LINE}\n".encode(),
        b"te\xfft\n\n" + LINE.encode() + b"\n",
        f"text\n\n{LINE.replace(chr(0x2014), '-')}\n".encode(),
        f"text\n\n{LINE.replace('log.', 'log+')}\n".encode(),
        f"text\n\n{LINE.replace('log.', NO_BREAK_SPACE)}\n".encode(),
        f"text\n\n{LINE.replace('log.example', '')}\n".encode(),
        f"text\n\n{LINE.replace(' log', '  log')}\n".encode(),
        f"text\n\n{LINE[:-1]}\n".encode(),
        f"text\n\n{LINE}=\n".encode(),
        f"text\n\n{LINE[:-1]}A===\n".encode(),
        "text\n\n\u2014 log.example AAAA\n".encode(),
        "text\n\n\u2014 log.example AAAAAA==\n".encode(),
        "text\n\n\u2014 log.example\n".encode(),
        "text\n\n\u2014 log.example \u00e9\u00e9\u00e9\u00e9\n".encode(),
    ],
)
def test_what_is_not_a_note_is_refused(content: bytes) -> None:
    with pytest.raises(BadNote):
        read_note(content)


def test_left_over_bits_of_a_signature_do_not_matter() -> None:
    """The second published exchange with a witness has some, and is to be 403, not 400."""
    read = read_note(f"text\n\n{LINE[:-2]}B=\n".encode())
    assert read == read_note(f"text\n\n{LINE}\n".encode())
    assert read.to_bytes() == f"text\n\n{LINE}\n".encode()


def test_a_witness_answers_signature_lines_that_join_the_note() -> None:
    note = Note(TEXT, (sign(TEXT, "log.example", KEY),))
    answer = cosign(TEXT, "witness.example", OTHER, 9).line
    joined = with_signatures(note, read_signatures(answer))
    assert read_note(note.to_bytes() + answer.encode()) == joined
    assert verify_note(joined, [KNOWN, WITNESS]) == (Verified(KNOWN, None), Verified(WITNESS, 9))
    assert with_signatures(joined, read_signatures(answer + answer)) == joined
    for malformed in ("", "\n", answer[:-1], answer + "\n"):
        with pytest.raises(BadNote):
            read_signatures(malformed)
