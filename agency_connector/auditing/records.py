"""What the journal keeps of a reading of the record, and of an opening: sealed like a check."""

from msgspec import Struct

from schemas.audit import Filter, Opening, ReadingOf
from schemas.checks import TypedParticulars
from schemas.envelopes import Envelope
from schemas.fields import Millis


class _Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the journal. Its text form shows nothing: it tells of people."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<sealed>)"


class Question(_Record, frozen=True, kw_only=True):
    """A reading as it was begun, before anything left this machine.

    `ground` is the reference of the complaint or the case, which the index never sees; `salt`
    opens the commitment to it. `second` is who confirmed a complete scan.
    """

    user: str
    officer: str
    of: ReadingOf
    ground: str | None
    salt: str | None
    particulars: TypedParticulars | None
    second: str | None
    filter: Filter
    asked_at: Millis


class Told(_Record, frozen=True, kw_only=True):
    """What a reading brought: what proves that it is recorded, which entries, and the alarms."""

    statement: Envelope
    checkpoint: str
    entry: str
    receipt: Envelope
    numbers: tuple[int, ...]
    alarms: tuple[str, ...]


class Handed(_Record, frozen=True, kw_only=True):
    """That `user` wrote out or compared an opening; `equal` is None for one that was written."""

    user: str
    opening: Opening
    equal: bool | None
    at: Millis
