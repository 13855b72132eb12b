"""Names of any script to plain letters a to z, and their order, titles, suffixes and particles."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

from agency_connector.matching.person import Unusable

LONGEST = 300
"""Characters a name field may have; longer text is refused before anything else looks at it."""

MOST_MIDDLES = 4
MOST_PARTS = 3

_TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "master", "dr", "doctor", "prof", "professor", "sir", "lord"}
    | {"lady", "rev", "revd", "reverend", "hon", "capt", "captain", "cpl", "sgt", "lt"}
)
_SUFFIXES = frozenset(
    {"jr", "jnr", "junior", "sr", "snr", "senior", "ii", "iii", "iv", "esq", "obe", "mbe", "cbe"}
    | {"kc", "qc", "phd"}
)
_PARTICLES = frozenset(
    {"van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "du", "la", "le"}
    | {"el", "al", "ul", "bin", "ibn", "bint", "ben", "ap", "ab", "st", "saint", "ter", "ten"}
    | {"zu", "zur", "o", "mac", "mc", "fitz", "abd", "abdul", "abdel", "ad", "ud"}
)
_GIVEN_PARTICLES = frozenset({"abd", "abdul", "abdel", "abdal"})
# Words that stand where no name is known. Not among them: Na, Nan, Baby, Blank, which are names.
_PLACEHOLDERS = frozenset(
    {"unknown", "unk", "unkown", "notknown", "unidentified", "anonymous", "none", "null", "nil"}
    | {"test", "testing", "testpatient", "xxtestpatient", "tbc", "tbd", "nfn", "nfa", "fnu", "lnu"}
    | {"missing", "noname", "nosurname", "notgiven", "notrecorded", "notstated", "refused"}
    | {"redacted", "withheld", "dummy", "donotuse", "delete", "deleted", "duplicate", "xx", "xxx"}
    | {"zz", "zzz", "babyof", "babyboy", "babygirl", "infant", "male", "female", "migerror"}
)
_NOT_APPLICABLE = ("n", "a")
_MIGRATION_PREFIX = re.compile(r"^\s*(?:MIG(?:RATION)?[_ ]?ERROR|MIGERR|DO NOT USE)[_:\- ]+", re.I)
_APOSTROPHES = re.compile(
    "['`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u2018\u2019\u201b\u2032\uff07]"
)
_BRACKETED = re.compile(r"\([^)]*\)|\[[^\]]*\]|\"[^\"]*\"")
_NOT_LETTERS = re.compile(r"[^a-z]+")


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, each folded to a-z: `("O'Brien-Smythe")` -> `("obrien", "smythe")`.

    Any script is transliterated (anyascii); apostrophes vanish, every other sign parts words.
    What stands in brackets or double quotes (a nickname, a note) is left out.
    """
    return _words(text) if len(text) <= LONGEST else ()


def fold(text: str) -> str:
    """`text` as one word of the letters a-z, "" if it has none."""
    return "".join(words(text))


@lru_cache(maxsize=65_536)
def _words(text: str) -> tuple[str, ...]:
    text = _MIGRATION_PREFIX.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = _APOSTROPHES.sub("", _BRACKETED.sub(" ", text))
    if not text.isascii():
        # Only letters and their marks are transliterated: anyascii also names emoji and signs.
        text = "".join(
            c if c.isascii() or unicodedata.category(c)[0] in "LM" else " " for c in text
        )
        text = _APOSTROPHES.sub("", anyascii(text))
    return tuple(_NOT_LETTERS.sub(" ", text.lower()).split())


def read_given(text: str, field: str) -> tuple[str, ...] | Unusable:
    """First name and any further ones in `text`, in order; `field` names the field in a refusal.

    A hyphen parts like a space (*Mary-Jane* is *mary*, *jane*); *Abdul Rahman* is one name.
    """
    return _read(text, field, _GIVEN_PARTICLES, LONGEST)


def read_family(text: str, field: str) -> tuple[str, ...] | Unusable:
    """The parts of a surname, particles joined: *van der Berg* is one, *Smith-Jones* two."""
    return _read(text, field, _PARTICLES, MOST_PARTS)


def read_full(text: str) -> tuple[tuple[str, ...], tuple[str, ...]] | Unusable:
    """Given names and surname parts of `Family, Given Middle` or `Given Middle Family`.

    Without a comma the last word is the surname, with the particles before it and any part that
    a hyphen ties to it.
    """
    field = "Full name"
    if len(text) > LONGEST:
        return too_long(field)
    before, comma, after = text.partition(",")
    if comma and words(after) and not set(words(after)) <= _SUFFIXES:
        family = read_family(before, field)
        given = read_given(after, field)
        if isinstance(family, Unusable):
            return family
        if isinstance(given, Unusable):
            return given
        return given, family
    pieces = before.split()
    while len(pieces) > 1 and fold(pieces[-1]) in _SUFFIXES | {""}:
        pieces.pop()
    start = max(len(pieces) - 1, 0)
    while start > 1 and fold(pieces[start - 1]) in _PARTICLES - _GIVEN_PARTICLES:
        start -= 1
    family = read_family(" ".join(pieces[start:]), field)
    given = read_given(" ".join(pieces[:start]), field)
    if isinstance(family, Unusable):
        return family
    if isinstance(given, Unusable):
        return given
    return given, family


def too_long(field: str) -> Unusable:
    """The refusal of a field over `LONGEST` characters."""
    return Unusable(
        "name_too_long", f"{field}: longer than {LONGEST} characters. Give the name alone."
    )


def _read(
    text: str, field: str, particles: frozenset[str], most: int
) -> tuple[str, ...] | Unusable:
    return too_long(field) if len(text) > LONGEST else _read_short(text, field, particles, most)


@lru_cache(maxsize=65_536)
def _read_short(
    text: str, field: str, particles: frozenset[str], most: int
) -> tuple[str, ...] | Unusable:
    found = _words(text)
    if not found:
        if not text or text.isspace():
            return ()
        return Unusable("name_unreadable", f"{field}: has no letters. Give the name in letters.")
    if _stands_in(found):
        return _placeholder(field)
    found = _settled(found, particles, most)
    return _placeholder(field) if _stands_in(found) else found


def _stands_in(found: tuple[str, ...]) -> bool:
    return found[0] in _PLACEHOLDERS or "".join(found) in _PLACEHOLDERS or found == _NOT_APPLICABLE


def _placeholder(field: str) -> Unusable:
    return Unusable(
        "name_placeholder",
        f"{field}: holds a stand-in such as 'unknown' or 'test'. Give the real name or leave it"
        " empty.",
    )


def _settled(found: tuple[str, ...], particles: frozenset[str], most: int) -> tuple[str, ...]:
    """Titles, suffixes and particles settled until nothing changes: reading again is the same."""
    while True:
        settled = _join(_bare(found), particles)[:most]
        if settled == found:
            return found
        found = settled


def _bare(found: tuple[str, ...]) -> tuple[str, ...]:
    """Without titles in front and suffixes behind, as long as a word is left."""
    start, end = 0, len(found)
    while end - start > 1 and found[start] in _TITLES:
        start += 1
    while end - start > 1 and found[end - 1] in _SUFFIXES:
        end -= 1
    return found[start:end]


def _join(found: tuple[str, ...], particles: frozenset[str]) -> tuple[str, ...]:
    """Particles joined to the word that follows; one at the end stays a word of its own."""
    joined: list[str] = []
    pending = ""
    for word in found:
        pending += word
        if word not in particles:
            joined.append(pending)
            pending = ""
    if pending:
        joined.append(pending)
    return tuple(joined)
