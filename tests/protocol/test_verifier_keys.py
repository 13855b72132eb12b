"""Verifier keys: logs and witnesses have different types, and names that notes can carry."""

import pytest

from protocol.verifier_keys import (
    BadVerifierKey,
    KeyType,
    VerifierKey,
    read,
    read_verifier_key,
    verifier_key,
)

LOG = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
WITNESS = "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN"


@pytest.mark.parametrize(
    ("text", "key_type"), [(LOG, KeyType.ED25519), (WITNESS, KeyType.COSIGNATURE)]
)
def test_published_keys_read_and_write(text: str, key_type: KeyType) -> None:
    """Of transparency-dev/tessera's test log and of FiloSottile/sunlight's test witness."""
    key = read(text)
    assert key.type is key_type
    assert key.text == text
    assert key.key_id.hex() == text.split("+")[1]


def test_a_witnesss_key_is_not_a_logs() -> None:
    with pytest.raises(BadVerifierKey, match="type 01"):
        read_verifier_key(WITNESS)
    assert read_verifier_key(LOG)[0] == "example.com/log/testdata"


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a+b", "a\nb", "a\tb", "a\u00a0b", "a\u2028b", "a\x00b", "\ud800"]
)
def test_a_name_that_no_note_can_carry_is_refused(name: str) -> None:
    with pytest.raises(BadVerifierKey, match="key name"):
        verifier_key(name, bytes(32))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_public_key_has_32_bytes(length: int) -> None:
    with pytest.raises(BadVerifierKey, match="32 bytes"):
        VerifierKey("a", KeyType.ED25519, bytes(length))


@pytest.mark.parametrize(
    "text",
    [
        LOG.replace("33d7b496", "33D7B496"),
        LOG + "=",
        LOG + "\n",
        " " + LOG,
        "a+00000000+",
        "a+00000000+BgAA",
        "a+00000000+\u00e9\u00e9\u00e9\u00e9",
    ],
)
def test_a_key_has_one_text(text: str) -> None:
    with pytest.raises(BadVerifierKey):
        read(text)
