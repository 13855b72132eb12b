"""References survive being read out on the telephone, or are seen to be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.references import ALPHABET, BadReference, new_reference, read_reference, spoken

references = st.builds(new_reference)


@given(references)
def test_a_reference_is_read_as_pages_print_it(reference: str) -> None:
    assert read_reference(f" {spoken(reference).lower()} ") == reference


@given(references, st.integers(0, 9), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_found(reference: str, at: int, wrong: str) -> None:
    changed = reference[:at] + wrong + reference[at + 1 :]
    if changed == reference:
        return
    with pytest.raises(BadReference, match="wrong"):
        read_reference(changed)


@given(references, st.integers(0, 9), st.integers(0, 9))
def test_every_swap_is_found(reference: str, one: int, other: int) -> None:
    letters = list(reference)
    letters[one], letters[other] = letters[other], letters[one]
    changed = "".join(letters)
    if changed == reference:
        return
    with pytest.raises(BadReference, match="swapped"):
        read_reference(changed)


@pytest.mark.parametrize("typed", ["", "ABC", "ABCDEFGHJKM", "O" * 10, "AAAAAAAAA!"])
def test_what_cannot_be_a_reference_is_refused(typed: str) -> None:
    with pytest.raises(BadReference, match="ask the caller"):
        read_reference(typed)


def test_the_alphabet_has_no_look_alikes_and_a_prime_length() -> None:
    assert len(set(ALPHABET)) == 29
    assert not set(ALPHABET) & set("01OILSU")
