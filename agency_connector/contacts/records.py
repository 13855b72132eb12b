"""What is kept sealed of a contact request: whose it is, and what was said in each step."""

from typing import TypeVar

import msgspec

from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.sealing import JournalSeal
from schemas.contacts import ContactContents

T = TypeVar("T", bound=msgspec.Struct)


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Its text form shows nothing: what people write ends up in it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<sealed>)"


class About(_Record, frozen=True, kw_only=True):
    """Of a request that this agency sent: whose it is, and the check that gave out the reference.

    `officer` is the pseudonym of that check.
    """

    user: str
    check: str
    officer: str


class Told(_Record, frozen=True, kw_only=True):
    """What was said in a step; `user` is who of ours took it, None for another agency's."""

    user: str | None
    contents: ContactContents


def seal_of(installation: Installation) -> JournalSeal:
    """Return the journal's seal; OperatorError if the keyring has no key for it."""
    return JournalSeal(installation.keyring.get(JOURNAL))


def sealed(seal: JournalSeal, contact: bytes, record: About | Told) -> bytes:
    """Return `record` sealed so that it opens only as this part of this request."""
    return seal.seal(_column(type(record)), contact, record)


def opened(seal: JournalSeal, contact: bytes, kept: bytes, as_type: type[T]) -> T:
    """Return a sealed record; OperatorError if it was changed or moved."""
    return seal.open(_column(as_type), contact, kept, as_type)


def _column(kind: type[msgspec.Struct]) -> str:
    return f"contact-{kind.__name__.lower()}"
