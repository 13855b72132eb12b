"""The golden vectors of a scheme: fictional people, their keys, a digest of their expansion.

For a NEW scheme only (never to make a failing test of an existing one pass: tokens already in an
index were made from the old keys):

    python -m tests.agency_connector.matching.golden golden_scheme_2.json.gz

after `SCHEME` was changed to "2"; the file of an existing scheme is not overwritten.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from pathlib import Path

import msgspec

from agency_connector.matching.expansion import Expansion, expand
from agency_connector.matching.normalise import normalise
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Unusable
from agency_connector.matching.scheme import SCHEME, record_keys
from tests.agency_connector.matching.fictional_people import TODAY, people

HERE = Path(__file__).parent


class Vector(msgspec.Struct, frozen=True):
    """One person: particulars in the order of their fields, and what scheme makes of them."""

    particulars: Particulars
    refused: str
    keys: tuple[tuple[str, str], ...]
    expansion: str


def vector(particulars: Particulars) -> Vector:
    """What this build makes of `particulars`."""
    person = normalise(particulars, today=TODAY)
    if isinstance(person, Unusable):
        return Vector(particulars, person.code, (), "")
    keys = record_keys(person)
    return Vector(
        particulars,
        "",
        tuple((key.kind, key.value) for key in keys.names + keys.identifiers),
        digest(expand(person)),
    )


def digest(expansion: Expansion) -> str:
    """The first 64 bits of SHA-256 over kind, value and grade of every key, in order."""
    text = "\n".join(
        f"{key.kind}\t{key.value}\t{key.grade}" for key in expansion.narrow + expansion.wide
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stored() -> list[Vector]:
    """The committed vectors of the present scheme."""
    packed = (HERE / f"golden_scheme_{SCHEME}.json.gz").read_bytes()
    return msgspec.json.decode(gzip.decompress(packed), type=list[Vector])


def main(name: str) -> None:
    """Write the vectors of a new scheme."""
    path = HERE / name
    if name != f"golden_scheme_{SCHEME}.json.gz":
        sys.exit(f"The scheme is {SCHEME}: name the file golden_scheme_{SCHEME}.json.gz.")
    if path.exists():
        sys.exit(f"{name} exists. A scheme's keys never change: make a new scheme instead.")
    encoded = msgspec.json.encode([vector(person) for person in people()])
    path.write_bytes(gzip.compress(encoded, 9, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
