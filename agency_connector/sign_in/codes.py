"""Six digits that change every 30 seconds (TOTP, RFC 6238), from an authenticator app."""

import hmac
from typing import Final

import pyotp

from foundation.operator import OperatorError

STEP_S: Final = 30
DRIFT: Final = 1
"""How many steps a phone's clock may be ahead or behind (RFC 6238 §5.2)."""

_SHORTEST_SECRET: Final = 26  # base32 characters: 128 bits (RFC 4226 §4, R6)


def new_secret() -> str:
    """Return a secret of 160 bits in base32."""
    return pyotp.random_base32()


def require_secret(secret: str) -> str:
    """Return a secret as typed without spaces; OperatorError if it is too short or not base32."""
    told = secret.replace(" ", "").upper()
    try:
        pyotp.TOTP(told).at(0)
    except (ValueError, TypeError):
        raise OperatorError("this is no secret for codes: it is base32, A-Z and 2-7") from None
    if len(told) < _SHORTEST_SECRET:
        raise OperatorError(
            f"this secret is too short: it has {_SHORTEST_SECRET} characters or more"
        )
    return told


def uri(secret: str, user: str, agency: str) -> str:
    """Return the `otpauth://` address that an authenticator app takes, as text or in a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=agency)


def code_at(secret: str, now: int) -> str:
    """Return the code at `now` (ms UTC)."""
    return pyotp.TOTP(secret, interval=STEP_S).at(now // 1000)


def step_of(secret: str, code: str, now: int) -> int | None:
    """Return the number of the step, the latest within the drift, whose code this is, or None."""
    told = "".join(code.split())
    if not (told.isascii() and told.isdigit()):
        return None
    current = now // 1000 // STEP_S
    for step in range(current + DRIFT, current - DRIFT - 1, -1):
        if hmac.compare_digest(code_at(secret, step * STEP_S * 1000), told):
            return step
    return None
