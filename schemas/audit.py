"""Who queried whom: what an auditor, an asker or a holder reads of the record, and on what ground.

Every reading is asked for with a signed statement, which is an entry itself before the answer
leaves. Whatever is answered comes with its number and the proof that it stands in the log.
"""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.checks import TypedParticulars
from schemas.envelopes import Envelope
from schemas.fields import (
    AgencyId,
    Blob,
    Bytes16,
    Bytes32,
    Count,
    Epoch,
    FlagTokens,
    Message,
    Millis,
    PartnershipId,
    PurposeCode,
    SchemeId,
)
from schemas.lookups import ShownResult, StatedTokens, TokenSet

ReadingOf = Literal["person", "lookups", "everything", "own", "held"]
MAX_EPOCHS = 8
BUNDLES_OPEN_MS = 86_400_000
"""For how long, ms, after a complete scan its auditor may fetch the entries it covered."""

Note = Annotated[str, Meta(max_length=100_000, description="a C2SP checkpoint with its signatures")]
Hashes = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]*\Z",
        max_length=2_688,
        description="an inclusion proof: hashes of 32 bytes from the leaf upwards, base64url",
    ),
]


class Filter(Message, frozen=True):
    """Which lookups are asked for; null does not narrow. `until` itself is not included."""

    agency: AgencyId | None
    purpose: PurposeCode | None
    officer: Bytes16 | None
    lookup: Bytes16 | None
    since: Millis | None
    until: Millis | None


class Confirmation(Message, frozen=True):
    """One of the two people who confirmed a complete scan, by pseudonym, and when."""

    officer: Bytes16
    confirmed_at: Millis


class AuditStatement(Message, frozen=True):
    """The signed account of a reading, which stands in the log. It holds no name and no token.

    `officer` is the reader's pseudonym; `ground` the salted commitment to the reference of a
    complaint or of a case of misconduct; `tokens` those to the tokens under which the person would
    be stored; `subject` that to the handle of the holder's own flag. Only entries numbered from
    `first` on, and before `end`, are asked for. A complete scan has two confirmations.
    """

    partnership: PartnershipId
    agency: AgencyId
    reading: Bytes16
    officer: Bytes16
    of: ReadingOf
    ground: Bytes32 | None
    subject: Bytes32 | None
    tokens: Annotated[tuple[StatedTokens, ...], Meta(max_length=MAX_EPOCHS)]
    filter: Filter
    first: Count
    end: Count | None
    confirmations: Annotated[tuple[Confirmation, ...], Meta(max_length=2)]
    signed_at: Millis


class RecordTokens(Message, frozen=True):
    """The tokens under which a person would be stored in one epoch, filled up to 16, ascending."""

    epoch: Epoch
    salt: Bytes32
    tokens: FlagTokens


class PersonRequest(Message, frozen=True):
    """Asks for every lookup that could have found a person; epochs as in the statement."""

    statement: Envelope
    sets: Annotated[tuple[RecordTokens, ...], Meta(min_length=1, max_length=MAX_EPOCHS)]


class EntriesRequest(Message, frozen=True):
    """Asks for entries: lookups that a filter lets through, all of them, or one's own."""

    statement: Envelope


class HeldRequest(Message, frozen=True):
    """Asks who looked up the subject of the caller's own flag; the salt opens the commitment."""

    statement: Envelope
    handle: Bytes16
    salt: Bytes32


class ReadEntry(Message, frozen=True):
    """An entry of the log: its number, its bytes, and the proof against the answer's checkpoint."""

    number: Count
    entry: Blob
    proof: Hashes


class FoundLookup(Message, frozen=True):
    """A lookup that could have found the person: its entry and its side record, opened."""

    number: Count
    entry: Blob
    proof: Hashes
    sets: Annotated[tuple[TokenSet, ...], Meta(min_length=1, max_length=2)]
    shown: ShownResult
    shown_salt: Bytes32


class Notice(Message, frozen=True):
    """That a narrow lookup showed the caller's own visible flag to `asker`.

    `call_back` is the asker's signed desk, `matched` how many of the flag's tokens the lookup had.
    The entry itself is for auditors: of it come number, leaf hash and proof.
    """

    number: Count
    leaf: Bytes32
    proof: Hashes
    asker: AgencyId
    call_back: Envelope | None
    at: Millis
    matched: Annotated[int, Meta(ge=1, le=16)]


class _Reading(Message, frozen=True):
    """What every answer has.

    It is about the entries that `checkpoint` covers. `erased` of the lookups among them that were
    in range have no side record any more; `waiting` lookups have no number yet, the oldest since
    `waiting_since`. `next` is where to go on reading, or null. `entry` records the reading.
    """

    checkpoint: Note
    erased: Count
    waiting: Count
    waiting_since: Millis | None
    next: Count | None
    entry: Blob
    receipt: Envelope


class PersonReading(_Reading, frozen=True):
    """The lookups that could have found the person, by ascending number."""

    lookups: tuple[FoundLookup, ...]


class EntriesReading(_Reading, frozen=True):
    """The entries asked for, by ascending number."""

    entries: tuple[ReadEntry, ...]


class HeldReading(_Reading, frozen=True):
    """Who looked the subject up, by ascending number; nothing older than `since`."""

    notices: tuple[Notice, ...]
    since: Millis


class OpenedSet(Message, frozen=True):
    """Of one epoch's token set: what opens the commitment, and what its dummies are made of."""

    epoch: Epoch
    scheme: SchemeId
    salt: Bytes32
    dummy_salt: Bytes16


class Opening(Message, frozen=True):
    """What the asking agency hands an auditor about one lookup: a file, never sent to the index.

    From it the token set can be made again, and both commitments in the entry be compared.
    """

    partnership: PartnershipId
    agency: AgencyId
    lookup: Bytes16
    particulars: TypedParticulars
    reason: Annotated[str, Meta(max_length=1000)]
    particulars_salt: Bytes32
    sets: Annotated[tuple[OpenedSet, ...], Meta(min_length=1, max_length=2)]
