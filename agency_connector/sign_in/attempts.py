"""Sign-ins under way at the identity provider: sealed in the browser's cookie, each good once.

Nothing is kept here for a browser that has only begun, so nobody can push out another's sign-in
by beginning many.
"""

import base64
import binascii
import hmac
import secrets
import threading
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.clock import Clock

LIFE_MS: Final = 10 * 60_000
_NONCE_BYTES: Final = 12
_SECRET_BYTES: Final = 32
_ABOUT: Final = b"ifi/1 sign-in attempt"


class Attempt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sign-in under way: `state`, `nonce` and PKCE `verifier` (RFC 7636), 32 bytes each.

    `then`: the path to go on at. `again_for`: the user who has to prove anew who they are, else "".
    `session`: the secret of the session that the browser had, else "": coming back from the
    provider's site it does not send that cookie.
    """

    state: str
    nonce: str
    verifier: str
    then: str
    again_for: str
    session: str
    made_at: int

    def __repr__(self) -> str:
        return "Attempt(<sealed>)"


class Attempts:
    """Begins sign-ins and takes each up once; for several threads. The key ends with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}

    def begin(self, then: str, again_for: str = "", session: str = "") -> tuple[Attempt, str]:
        """Return a new attempt and what the browser keeps of it in a cookie."""
        attempt = Attempt(
            state=secrets.token_urlsafe(_SECRET_BYTES),
            nonce=secrets.token_urlsafe(_SECRET_BYTES),
            verifier=secrets.token_urlsafe(_SECRET_BYTES),
            then=then,
            again_for=again_for,
            session=session,
            made_at=self._clock(),
        )
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, msgspec.json.encode(attempt), _ABOUT)
        return attempt, base64.urlsafe_b64encode(sealed).decode()

    def take(self, cookie: str, state: str) -> Attempt | None:
        """Return the attempt in the cookie if `state` is its, within ten minutes and once."""
        attempt = self._opened(cookie)
        now = self._clock()
        if attempt is None or now - attempt.made_at >= LIFE_MS:
            return None
        if not hmac.compare_digest(attempt.state.encode(), state.encode(errors="replace")):
            return None
        with self._lock:
            self._used = {key: at for key, at in self._used.items() if now - at < LIFE_MS}
            if attempt.state in self._used:
                return None
            self._used[attempt.state] = attempt.made_at
        return attempt

    def _opened(self, cookie: str) -> Attempt | None:
        try:
            sealed = base64.urlsafe_b64decode(cookie.encode("ascii"))
            told = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _ABOUT)
        except (binascii.Error, ValueError, InvalidTag):
            return None
        return msgspec.json.decode(told, type=Attempt)
