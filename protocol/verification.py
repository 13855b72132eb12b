"""Checking a log from its first entry to its last: what a database, a mirror and an export share.

Entries go in one by one, in their order; every head that somebody has signed is compared as it is
passed, every signature in an entry is checked with the keys that the log itself enrolled. In
constant memory, without storage. What it cannot see is a log whose operator made a whole second
history and signed it: that is what witnesses, and checkpoints kept elsewhere, are for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from protocol import documents
from protocol.canonical import NotCanonical
from protocol.encoding import b64u_encode
from protocol.entries import read_entry
from protocol.envelopes import BadEnvelope
from protocol.log.compact_range import CompactRange
from protocol.log.errors import LogError
from protocol.log.notes import Note, verify_note
from protocol.log.proofs import Head
from protocol.merkle import leaf_hash
from protocol.testimony import Absences, BadTestimony, Keys, SideRecord, check_side_record
from protocol.verifier_keys import BadVerifierKey, VerifierKey
from protocol.verifier_keys import read as read_verifier_key
from schemas.entries import Administration, Consultation, Entry
from schemas.successions import LogSuccession

_OPENED: Final = "log-opened"
Heads = Mapping[int, Iterable[tuple[str, bytes]]]
"""By size the roots that the log must have had, each with who says so."""


class Fault(ValueError):
    """The first bad place of the log; the message names it and says what is wrong there."""


class Tree(Protocol):
    """What leaves are appended to: a compact range, or a walk that also gives tiles."""

    @property
    def size(self) -> int:
        """How many leaves there are."""

    def append(self, leaf: bytes) -> None:
        """Append a leaf hash."""

    def head(self) -> Head:
        """Return the head over all of them."""


@dataclass(slots=True)
class _Kept:
    """The entries that a successor took over, hashed again as the log before it had them."""

    upto: int
    root: str
    tree: CompactRange = field(default_factory=CompactRange)


@dataclass(slots=True)
class Verification:
    """One pass over a log.

    `absences` says which side records may be missing; None if none are at hand to be compared.
    `keys` may have been given what was enrolled before the first entry that is seen.
    """

    log: VerifierKey
    partnership: str
    tree: Tree
    heads: Heads
    keys: Keys = field(default_factory=Keys)
    absences: Absences | None = None
    side_records: int = 0
    erased: int = 0
    lost: int = 0
    _logs: list[VerifierKey] = field(default_factory=list)
    _kept: list[_Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Compare the head before the first entry, if somebody signed one."""
        self._logs.append(self.log)
        self._compare_head()

    def enter(
        self, encoded: bytes, leaf: bytes | None = None, side: SideRecord | None = None
    ) -> Entry:
        """Check the next entry, whose bytes are `encoded`, and whatever belongs to it.

        `leaf` is its leaf hash if that has been made. Raises Fault.
        """
        number = self.tree.size
        try:
            entry = self._checked(number, encoded, side)
        except (BadTestimony, NotCanonical) as error:
            raise Fault(f"entry {number}: {error}") from error
        leaf = leaf or leaf_hash(encoded)
        self.tree.append(leaf)
        if self._kept:
            self._continue_kept(number, leaf)
        if self.tree.size in self.heads:
            self._compare_head()
        return entry

    def wait(self, encoded: bytes, side: SideRecord | None = None) -> None:
        """Check an entry that has no number yet; after all that have one. Raises Fault."""
        try:
            self._read(self.tree.size, encoded, side)
        except (BadTestimony, NotCanonical) as error:
            raise Fault(f"an entry that waits for its number: {error}") from error

    def check_cosignatures(self, who: str, note: Note) -> int:
        """Check the log's signature on `note`, and every other line with the keys declared.

        Return how many cosignatures it has. Raises Fault.
        """
        known = [*self._logs, *self.keys.witnesses.values()]
        try:
            verified = verify_note(note, known)
        except LogError as error:
            raise Fault(f"{who}: {error}") from error
        if len(verified) != len(note.signatures):
            raise Fault(f"{who}: it has a line by a key that no agency declared in the log")
        return sum(part.time is not None for part in verified)

    def _checked(self, number: int, encoded: bytes, side: SideRecord | None) -> Entry:
        entry = self._read(number, encoded, side)
        if isinstance(entry, Administration) and entry.act == _OPENED:
            self._succeed(number, entry)
        return entry

    def _read(self, number: int, encoded: bytes, side: SideRecord | None) -> Entry:
        entry = read_entry(encoded)
        if entry.partnership != self.partnership:
            raise BadTestimony("it is of another partnership")
        if not (isinstance(entry, Administration) and entry.act == _OPENED):
            self.keys.check(entry)
        if side is not None:
            self.side_records += 1
            if not isinstance(entry, Consultation):
                raise BadTestimony("a side record is kept with it, and it is no consultation")
            check_side_record(entry, encoded, side, self.keys, self._logs)
        elif isinstance(entry, Consultation) and self.absences is not None:
            if self.absences.cause(number, entry.at) == "erased":
                self.erased += 1
            else:
                self.lost += 1
        return entry

    def _succeed(self, number: int, entry: Administration) -> None:
        """Check the document that opened this log, or one that it succeeds, after another."""
        if entry.document is None:
            return
        try:
            told = documents.claimed(entry.document, LogSuccession)
            before = read_verifier_key(told.log)
            documents.read(entry.document, LogSuccession, before.public)
        except (BadEnvelope, BadVerifierKey) as error:
            raise BadTestimony(f"it opens the log with a document that is not good: {error}") from (
                error
            )
        if number != len(self._kept) or told.successor != self._logs[-1].text:
            raise BadTestimony("it opens another log than this")
        if told.kept > told.head_size:
            raise BadTestimony("it says that more was kept than there was")
        self._logs.append(before)
        self._kept.append(_Kept(told.kept, told.kept_root))

    def _continue_kept(self, number: int, leaf: bytes) -> None:
        for place, kept in enumerate(self._kept):
            # The entry that opened the log was not in the log before it.
            if place < number and kept.tree.size < kept.upto:
                kept.tree.append(leaf)
            if number and kept.tree.size == kept.upto and kept.root:
                if b64u_encode(kept.tree.head().root) != kept.root:
                    raise Fault(f"entry {place}: the entries that it took over are others")
                kept.root = ""

    def _compare_head(self) -> None:
        wanted = tuple(self.heads.get(self.tree.size, ()))
        head = self.tree.head() if wanted else None
        for who, root in wanted:
            if head is None or root != head.root:
                raise Fault(f"{who}: its root is not that of the first {self.tree.size} entries")
