"""Random ids in the addresses of pages, and the one answer for whatever is not there."""

import re
import secrets
from typing import Final

from flask import g

from agency_connector.pages.sessions import Session
from foundation.problems import Problem
from protocol.encoding import b64u_encode

ID_BYTES: Final = 16
_ID: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")


def new_id() -> str:
    """Return a fresh id."""
    return b64u_encode(secrets.token_bytes(ID_BYTES))


def is_id(text: str) -> bool:
    """Return whether `text` has the form of an id."""
    return _ID.fullmatch(text) is not None


def known_id(text: str) -> str:
    """Return `text` if it has the form of an id; otherwise there is nothing at this address."""
    if not is_id(text):
        raise nothing_there()
    return text


def nothing_there() -> Problem:
    """Return the answer for what is not there, which is that for what is another officer's."""
    return Problem(404, "not-found", "There is no such page, or it is another officer's.")


def signed_in() -> Session:
    """Return the session of the request at hand; every page that needs one is guarded."""
    session: Session = g.principal
    return session
