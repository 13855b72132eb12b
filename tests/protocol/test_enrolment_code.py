"""Enrolment codes: what the steward gives out is what the newcomer's connector reads."""

import pytest

from protocol.encoding import b64u_encode
from protocol.enrolment_code import BadEnrolmentCode, new_code, read_code, write_code

KEY_ID = b64u_encode(bytes(range(16)))


def test_a_code_carries_its_secret_and_the_id_of_the_index_key() -> None:
    text, secret = new_code(KEY_ID)
    assert read_code(text) == (secret, KEY_ID)


def test_the_text_of_a_code_is_fixed() -> None:
    """A vector: another implementation must write and read the same."""
    text = write_code(bytes(range(16, 32)), KEY_ID)
    assert text == "208H-44RM-2MB1-E60S-38DH-R78Y-3W00-20G3-0G2G-C1R8-1450-P30D-1R7Y-QBCS"
    assert read_code(text) == (bytes(range(16, 32)), KEY_ID)


def test_two_codes_differ() -> None:
    assert new_code(KEY_ID)[1] != new_code(KEY_ID)[1]


def test_case_spaces_dashes_and_look_alikes_do_not_matter() -> None:
    text = write_code(bytes(16), KEY_ID)
    typed = text.lower().replace("-", "  ").replace("0", "o").replace("1", "l")
    assert read_code(f" {typed}\n") == (bytes(16), KEY_ID)


def test_every_wrong_character_is_found() -> None:
    text = write_code(bytes(range(16)), KEY_ID)
    for at, character in enumerate(text):
        if character == "-":
            continue
        other = "7" if character != "7" else "8"
        with pytest.raises(BadEnrolmentCode):
            read_code(text[:at] + other + text[at + 1 :])


def test_two_swapped_characters_are_found() -> None:
    text = write_code(bytes(range(16)), KEY_ID).replace("-", "")
    for at in range(len(text) - 1):
        if text[at] != text[at + 1]:
            with pytest.raises(BadEnrolmentCode):
                read_code(text[:at] + text[at + 1] + text[at] + text[at + 2 :])


@pytest.mark.parametrize("typed", ["", "1234", "A" * 55, "A" * 57, "U" * 56, "é" * 56])
def test_what_is_no_code_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(BadEnrolmentCode) as refused:
        read_code(typed)
    assert not typed or typed not in str(refused.value)
