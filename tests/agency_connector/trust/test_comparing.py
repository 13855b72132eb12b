"""Comparing by phone: forty digits however they are typed, and nothing shown to copy."""

import pytest

from agency_connector.trust.comparing import DigitsDiffer, compare, fingerprint_of
from foundation.operator import OperatorError
from protocol.encoding import b64u_encode
from schemas.agencies import AgencyKeys

KEYS = AgencyKeys(signing=b64u_encode(b"\x01" * 32), sealing=b64u_encode(b"\x02" * 32))
DIGITS = fingerprint_of(KEYS)


@pytest.mark.parametrize("typed", [DIGITS, DIGITS.replace(" ", ""), DIGITS.replace(" ", "-")])
def test_groups_may_be_typed_in_any_way(typed: str) -> None:
    compare(lambda _: typed, "Elmham", DIGITS)


def test_one_other_digit_is_a_difference() -> None:
    wrong = DIGITS[:-1] + ("0" if DIGITS[-1] != "0" else "1")
    with pytest.raises(DigitsDiffer):
        compare(lambda _: wrong, "Elmham", DIGITS)


@pytest.mark.parametrize("typed", ["", "yes", DIGITS[:-1], DIGITS + "1", "٣" * 40])
def test_anything_but_forty_digits_is_asked_for_again(typed: str) -> None:
    with pytest.raises(OperatorError, match="40 digits"):
        compare(lambda _: typed, "Elmham", DIGITS)


def test_the_digits_are_never_shown_to_the_one_who_types_them() -> None:
    """A person who can copy them off the screen has compared nothing."""
    asked: list[str] = []
    with pytest.raises(DigitsDiffer) as refused:
        compare(lambda question: (asked.append(question), "1" * 40)[1], "Elmham", DIGITS)
    assert DIGITS not in asked[0] + str(refused.value)


def test_the_order_of_the_keys_matters() -> None:
    assert fingerprint_of(AgencyKeys(signing=KEYS.sealing, sealing=KEYS.signing)) != DIGITS
