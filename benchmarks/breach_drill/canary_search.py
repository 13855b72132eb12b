"""Searches everything that index and evaluator hold for canaries, and proves that it could find."""

import bz2
import gzip
import lzma
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.breach_drill.canaries import FORMS, needles
from benchmarks.breach_drill.partnership import ASKER, Partnership
from benchmarks.breach_drill.people import Canary, Sample
from benchmarks.breach_drill.searching import Needles
from benchmarks.breach_drill.telling import Round, plural
from benchmarks.breach_drill.theft import Loot, Piece

_SOIL_BYTES: Final = 1_000
_MOST_TOLD: Final = 10
_WRAPPED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "as it is": bytes,
    "in gzip": gzip.compress,
    "in zlib": zlib.compress,
    "in bzip2": bz2.compress,
    "in xz": lzma.compress,
    "in base64": b64encode,
    "in base64 twice": lambda told: urlsafe_b64encode(b"{" + b64encode(told) + b"}"),
    "in hexadecimal": lambda told: told.hex().encode(),
    "in gzip in base64": lambda told: b64encode(gzip.compress(told)),
}


def canary_rounds(
    made: Partnership, sample: Sample, index: Loot, evaluator: Loot
) -> tuple[Round, ...]:
    """Return the search of everything stolen, and its control."""
    wanted = Needles(
        one for place, canary in enumerate(sample.canaries) for one in needles(canary, place)
    )
    return (_search(wanted, index, evaluator), _control(wanted, made, sample))


def _search(wanted: Needles, index: Loot, evaluator: Loot) -> Round:
    pieces = [*index.pieces(), *evaluator.pieces()]
    found = wanted.search(pieces)
    round_ = Round(
        None, "canaries in every byte of index and evaluator", len(wanted), len(found), 0
    )
    for name, loot in (("index", index), ("evaluator", evaluator)):
        rows = sum(map(len, loot.tables.values()))
        round_.tell(
            f"{name}: {plural(len(loot.files), 'file')} of {plural(loot.size, 'byte')} and "
            f"{plural(rows, 'row')} of {plural(len(loot.tables), 'table')}"
        )
    for name, where in sorted(found.items())[:_MOST_TOLD]:
        round_.tell(f"  {name}: {where}")
    round_.expect("no trace of a canary is found", not found)
    return round_


def _control(wanted: Needles, made: Partnership, sample: Sample) -> Round:
    """Plant canaries in each form and wrapping, between random bytes: each must be found."""
    soil = Random(_SOIL_BYTES)
    planted = found = 0
    missed = []
    for place, canary in enumerate(sample.canaries):
        for form in FORMS:
            for wrapping, piece in _planted(canary, form, soil):
                planted += 1
                if any(name.startswith(f"canary {place + 1}, ") for name in wanted.search([piece])):
                    found += 1
                else:
                    missed.append(f"canary {place + 1}, {form} {wrapping}")
    home = _clear(made.folder / ASKER)
    at_home = wanted.search(home)
    round_ = Round(None, "control: canaries that were planted", planted, found, planted)
    for name in missed[:_MOST_TOLD]:
        round_.tell(f"  missed: {name}")
    round_.expect("every canary that was planted is found", planted > 0 and not missed)
    round_.expect("the same search finds canaries at the agency that has them", bool(at_home))
    return round_


def _planted(canary: Canary, form: str, soil: Random) -> Iterator[tuple[str, Piece]]:
    """Yield every variety of the form as it is, and the first of them in every wrapping too."""
    for spelling in (canary.person.family, canary.nhs_number):
        for number, told in enumerate(FORMS[form](spelling)):
            for wrapping, wrap in _WRAPPED.items() if number == 0 else [("as it is", bytes)]:
                before, after = soil.randbytes(_SOIL_BYTES), soil.randbytes(_SOIL_BYTES)
                yield wrapping, Piece("planted", before + wrap(told) + after)


def _clear(home: Path) -> list[Piece]:
    return [Piece(path.name, path.read_bytes()) for path in home.rglob("*.csv")]
