"""References: ten characters to quote on the phone, without look-alikes, the last a check."""

import secrets
from typing import Final

# 29 characters, a prime, so that the weighted check finds every single wrong character and every
# swap of two. Left out as look-alikes: 0 and O, 1 I and L, S beside 5, U beside V.
ALPHABET: Final = "23456789ABCDEFGHJKMNPQRTVWXYZ"
LENGTH: Final = 10


class BadReference(ValueError):
    """What was typed cannot be a reference; the sentence says how to go on."""


def new_reference() -> str:
    """Return a random reference: nine characters (43 bits) and the check character."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return body + _check_character(body)


def read_reference(typed: str) -> str:
    """Return the reference that was `typed` in any case and with spaces or dashes.

    Raises BadReference if it has a wrong length, a character that none has, or a wrong check.
    """
    text = "".join(typed.upper().split()).replace("-", "")
    if len(text) != LENGTH:
        raise BadReference(f"A reference has {LENGTH} characters; ask the caller to read it again.")
    if any(character not in ALPHABET for character in text):
        raise BadReference(
            "A reference has no 0, O, 1, I, L, S or U in it; ask the caller to read it again."
        )
    if _check_character(text[:-1]) != text[-1]:
        raise BadReference(
            "One of the characters is wrong or two are swapped; ask the caller to read it again."
        )
    return text


def spoken(reference: str) -> str:
    """Return the reference as pages print it: two groups of five."""
    return f"{reference[:5]}-{reference[5:]}"


def _check_character(body: str) -> str:
    total = sum(weight * ALPHABET.index(c) for weight, c in enumerate(body, start=2))
    return ALPHABET[-total % len(ALPHABET)]
