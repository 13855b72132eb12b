"""A subject as it is published: its handle, what its flag says, and the flag itself."""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from agency_connector.matching.scheme import MOST_IDENTIFIER_KEYS, MOST_NAME_KEYS
from agency_connector.publishing.staging import Subject
from protocol.encoding import b64u_encode, lp
from protocol.tokens import pad_record
from schemas.flags import Flag

HANDLE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Flagging:
    """Makes flags in one epoch. `handle_key` and `pad_key` are the agency's own, 32 bytes each."""

    partnership: str
    epoch: int
    handle_key: bytes = field(repr=False)
    pad_key: bytes = field(repr=False)

    def handle(self, subject: Subject) -> bytes:
        """Return the 16 bytes that name a subject's flag in this epoch.

        HMAC-SHA256(handle_key, lp("ifi/1 handle") || lp(partnership) || lp(epoch) || lp(source) ||
        lp(local_id))[:16]: always the same, also after an older backup was restored; without the
        key it cannot be guessed, and it joins neither epochs nor partnerships.
        """
        named = lp("ifi/1 handle", self.partnership, self.epoch, subject.source, subject.local_id)
        return hmac.digest(self.handle_key, named, hashlib.sha256)[:HANDLE_BYTES]

    def inputs(self, subject: Subject, common: Collection[bytes]) -> tuple[bytes, ...]:
        """Return the inputs that the flag carries: up to 12 of names and 4 of identifiers.

        `common` are inputs that too many subjects share. Empty if none is left.
        """
        names = [one for one in subject.names if one not in common][:MOST_NAME_KEYS]
        others = [one for one in subject.identifiers if one not in common][:MOST_IDENTIFIER_KEYS]
        return (*names, *others)

    def digest(self, subject: Subject, inputs: Sequence[bytes]) -> bytes:
        """Return 32 bytes that tell whether the flag says the same as before."""
        said = lp("ifi/1 flag", subject.desk, subject.ends_at, *sorted(inputs))
        return hashlib.sha256(said).digest()

    def flag(self, subject: Subject, tokens: Sequence[bytes]) -> Flag:
        """Return the flag with the subject's `tokens`, padded to 16."""
        handle = self.handle(subject)
        return Flag(
            handle=b64u_encode(handle),
            tokens=b64u_encode(pad_record(tokens, self.pad_key, handle, self.epoch)),
            desk=subject.desk,
            ends_at=subject.ends_at,
        )
