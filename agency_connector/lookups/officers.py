"""The pseudonym under which an officer stands in the log; only their own agency can resolve it."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Final

from agency_connector.installation import Installation
from agency_connector.journal import storage
from protocol.encoding import b64u_encode, lp

PSEUDONYM_BYTES: Final = 16
_KEY_BYTES: Final = 32


def pseudonym(installation: Installation, user: str, at: int) -> str:
    """Return the 16 bytes, base64url, by which `user` stands in statements of the year of `at`.

    HMAC-SHA256 under the keyring's `pseudonym-<year>`, made when it is first needed, over
    lp("ifi/1 officer") || lp(agency) || lp(user); the first 16 bytes. The year is that of UTC.
    """
    key = _key(installation, datetime.fromtimestamp(at / 1000, UTC).year)
    told = lp("ifi/1 officer", installation.agency, user)
    return b64u_encode(hmac.digest(key, told, hashlib.sha256)[:PSEUDONYM_BYTES])


def _key(installation: Installation, year: int) -> bytes:
    name = f"pseudonym-{year}"
    keyring = installation.keyring
    if name not in keyring.names():
        keyring.refresh()
    if name not in keyring.names():
        # Whoever claims the year makes the key before others may go on, so there is only one.
        with installation.database.write() as connection:
            first = storage.claim_year(connection, year, installation.clock())
            keyring.refresh()
            if first and name not in keyring.names():
                keyring.put(name, secrets.token_bytes(_KEY_BYTES))
    return keyring.get(name)
