"""The attack of rounds 1 to 4: every guess in every scheme, with whatever keys are at hand."""

import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from sqlalchemy.engine import Row

from agency_connector.journal.records import Typed
from agency_connector.matching.scheme import MatchKey
from benchmarks.breach_drill.dictionary import Dictionary
from benchmarks.breach_drill.schemes import (
    NO_SECRETS,
    ONE,
    Epoch,
    digests,
    inputs,
    name_texts,
    odd_texts,
    outputs,
    scalars_of,
    texts,
)
from benchmarks.breach_drill.searching import WINDOW, window, windows
from benchmarks.breach_drill.theft import Loot
from protocol import commitments, documents
from protocol.encoding import b64u_decode
from protocol.entries import read_entry
from protocol.voprf import Mode
from schemas.entries import Consultation
from schemas.epochs import EpochDescriptor
from schemas.lookups import LookupStatement

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{20,}")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{16,}")
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys at hand, by name: `secrets` for HMACs and hashes, `scalars` for the VOPRF."""

    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    scalars: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack came to: how many byte strings were compared, and which guesses occur.

    `hits` are the match keys of which one was found, each with what was found; `other` names
    anything else that was guessed (a case number, an officer, what was typed for a check).
    """

    compared: int
    hits: Mapping[MatchKey, frozenset[bytes]]
    other: frozenset[str]

    def people(self, guesses: Dictionary) -> frozenset[int]:
        """Return everybody of whom a guess occurs."""
        return frozenset(who for key in self.hits for who in guesses.every[key])


class Target:
    """Everything that was stolen, made ready to compare guesses with."""

    def __init__(self, loots: Sequence[Loot], skip: str = "") -> None:
        """Take what was stolen; files whose place begins with `skip` are left to their rows."""
        seen: set[int] = set()
        salts = {bytes(_SALT_BYTES)}
        for loot in loots:
            for piece in loot.pieces():
                if skip and piece.where.startswith(skip):
                    continue
                decoded = list(_decoded(piece.content))
                salts.update(one for one in (piece.content, *decoded) if len(one) == _SALT_BYTES)
                for content in (piece.content, b"\0".join(decoded)):
                    for view in windows(content):
                        seen.update(view)
        self.windows: Final = frozenset(seen)
        self.salts: Final = frozenset(salts)
        self.tables: Final = loots[0].tables

    def has(self, guess: bytes) -> bool:
        """Return whether the first or last eight bytes of `guess` were stolen, at any place."""
        return (
            window(guess)[0] in self.windows
            or window(guess, len(guess) - WINDOW)[0] in self.windows
        )

    def has_whole(self, guess: bytes) -> bool:
        """Return whether the first and the last eight bytes of `guess` were stolen."""
        if len(guess) < WINDOW:
            return False
        return (
            window(guess)[0] in self.windows
            and window(guess, len(guess) - WINDOW)[0] in self.windows
        )

    def rows(self, table: str) -> tuple[Row[Any], ...]:
        """Return the rows of a table of the index."""
        return self.tables[table]

    def epoch(self) -> EpochDescriptor:
        """Return the epoch's descriptor, which everybody with the index's database can read."""
        for entry in _entries(self.rows("intake")):
            if getattr(entry, "act", "") == "epoch-opened" and entry.document is not None:
                return documents.claimed(entry.document, EpochDescriptor)
        raise LookupError("the log has no epoch: nothing was published")

    def statements(self) -> tuple[LookupStatement, ...]:
        """Return the agencies' signed statements of their lookups, as they stand in the log."""
        return tuple(
            documents.claimed(entry.statement, LookupStatement)
            for entry in _entries(self.rows("intake"))
            if isinstance(entry, Consultation)
        )

    def commitments(self) -> frozenset[bytes]:
        """Return the commitments to what was typed, from the statements."""
        return frozenset(b64u_decode(told.particulars) for told in self.statements())


def assault(
    target: Target,
    guesses: Dictionary,
    keys: Keys,
    names: Iterable[tuple[str, str]] = (),
    typed: Iterable[tuple[str, Typed]] = (),
) -> Outcome:
    """Test every guess in every scheme with `keys` and those that need no theft.

    `names` are case numbers and officers, each with the agency where it stands so; `typed` what
    was typed for the checks, with a name for each, to be tried against the commitments in the log.
    """
    told = target.epoch()
    epoch = Epoch(told.partnership, told.epoch)
    secrets = {**NO_SECRETS, "the evaluator's public key": b64u_decode(told.evaluator_public_key)}
    secrets |= keys.secrets
    compared = 0
    hits: defaultdict[MatchKey, set[bytes]] = defaultdict(set)
    for key in guesses.every:
        odd = odd_texts(key) if key in guesses.literal else ()
        for text in (*texts(key, epoch), *odd):
            compared += 1
            if target.has_whole(text):
                hits[key].add(text)
            for guess in digests(text, secrets):
                compared += 1
                if target.has(guess):
                    hits[key].add(guess)
    literal = list(guesses.literal)
    # Under a key that is the evaluator's own every input is tried; under others, those that are
    # nearest to the truth.
    for held, scalars, modes in (
        (secrets, {ONE, *keys.scalars.values()}, tuple(Mode)),
        (keys.secrets, scalars_of(keys.secrets), (Mode.VOPRF,)),
    ):
        made = [one for key in literal for one in inputs(key, epoch, held)]
        each = len(made) // len(literal)
        for place, guess in chain(enumerate(made), outputs(made, scalars, modes)):
            compared += 1
            if target.has(guess):
                hits[literal[place // each]].add(guess)
    other = set()
    for name, agency in names:
        for text in name_texts(name, agency, epoch):
            for guess in digests(text, secrets):
                compared += 1
                if target.has(guess):
                    other.add(name)
    stated = target.commitments()
    for name, particulars in typed:
        for salt in target.salts:
            compared += 1
            if commitments.commit_to(commitments.PARTICULARS, salt, particulars) in stated:
                other.add(name)
    found = {key: frozenset(tokens) for key, tokens in hits.items()}
    return Outcome(compared, found, frozenset(other))


def _decoded(content: bytes) -> Iterator[bytes]:
    """Yield what runs of base64 and hexadecimal digits in `content` decode to.

    From each place where one may begin. So guesses are compared as bytes alone: eight bytes of
    digits would be 32 bits, which something else has by chance.
    """
    for run in _HEX.findall(content):
        for start in range(2):
            yield bytes.fromhex(run[start : start + (len(run) - start) // 2 * 2].decode())
    for run in _BASE64.findall(content):
        for start in range(4):
            part = run[start:].translate(_TO_STANDARD)
            if len(part) % 4 != 1:
                yield b64decode(part + b"=" * (-len(part) % 4))


def _entries(rows: Iterable[Row[Any]]) -> Iterator[Any]:
    for row in rows:
        yield read_entry(bytes(row.entry))
