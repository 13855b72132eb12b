"""The same lookups through the whole stack: connectors, evaluator and index as they ship.

Every source of the stored records is an agency that publishes through its connector; one more
agency asks. Each hit must be the one that `linking` found: same record, grade and reason.
"""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from agency_connector.installation import Installation
from agency_connector.lookups import asking
from agency_connector.lookups.errors import CheckRefused
from agency_connector.matching.grading import GRADES
from agency_connector.publishing.reading import local_day
from agency_connector.publishing.storage import published
from benchmarks.matching.linking import Run, run
from benchmarks.matching.records import Record
from benchmarks.real_input_county import PURPOSE, County, running, sync_in_a_process
from foundation.clock import now_ms
from index_service.installation import Installation as Index
from index_service.lookups.storage import references
from protocol.encoding import b64u_encode
from schemas.checks import (
    CheckAnswer,
    CheckRequest,
    Identifier,
    TypedParticulars,
    WiderRequest,
)
from schemas.lookups import MAX_HITS_PER_AGENCY

ASKER = "asker"
OFFICER = "officer.dibble"
MOST_TOLD = 20
"""Differences that are told in full; all are counted."""

Said = dict[int, tuple[int, str]]
"""By number of the stored record: place of the grade, and reason."""


def compared(stored: Sequence[Record], lookups: Sequence[Record]) -> dict[str, Any]:
    """Publish, look up, compare with `linking` on the records that policy let through.

    `differences` counts the steps of lookups whose hits are not the same; `told` are the first.
    Under-18s and records without a date of birth are not published by anybody's policy.
    """
    agencies = {name: f"agency-{n}" for n, name in enumerate(sorted({r.source for r in stored}))}
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), [*agencies.values(), ASKER], None) as county,
    ):
        for source, agency in agencies.items():
            rows = [
                _row(number, record)
                for number, record in enumerate(stored)
                if record.source == source
            ]
            county.write_cases(agency, rows)
            sync_in_a_process(county.home(agency))
        day = local_day(now_ms())
        kept = _published(county, agencies.values())
        numbers = sorted(kept.values())
        held = [stored[number] for number in numbers]
        expected = _by_step(run(held, lookups, day), numbers)
        return {
            "published": len(numbers),
            "not_published": len(stored) - len(numbers),
            "lookups": len(lookups),
        } | _asked(county, stored, lookups, kept, expected)


def _row(number: int, record: Record) -> dict[str, str]:
    told = record.particulars
    return {
        "rec_id": str(number),
        "forename": told.given,
        "middle": told.middle,
        "surname": told.family,
        "dob": told.born,
        "sex": told.sex,
        "postcode": told.postcode,
        "nin": dict(told.identifiers).get("nin", ""),
    }


def _published(county: County, agencies: Any) -> dict[bytes, int]:
    """Handle of every flag that stands -> number of its record."""
    found: dict[bytes, int] = {}
    for agency in agencies:
        connector = Installation.open(county.home(agency))
        with connector.database.read() as connection:
            query = select(published.c.handle, published.c.local_id)
            rows = connection.execute(query.where(published.c.withdrawn.is_(False)))
            found |= {handle: int(local_id) for handle, local_id in rows}
        connector.close()
    return found


def _by_step(seen: Run, numbers: Sequence[int]) -> Mapping[tuple[int, int], Said]:
    """(lookup, step) -> what was said there; `numbers` are those of the records that were used."""
    found: dict[tuple[int, int], Said] = defaultdict(dict)
    for hit in seen.hits:
        for step, said in enumerate(hit.steps):
            if said is not None:
                found[hit.lookup, step][numbers[hit.record]] = said
    return found


def _asked(
    county: County,
    stored: Sequence[Record],
    lookups: Sequence[Record],
    kept: Mapping[bytes, int],
    expected: Mapping[tuple[int, int], Said],
) -> dict[str, Any]:
    connector = Installation.open(county.home(ASKER))
    index = Index.open(county.folder / "index")
    hits = differences = 0
    refused: Counter[str] = Counter()
    told: list[dict[str, Any]] = []
    for number, lookup in enumerate(lookups):
        for step, answer in enumerate(_steps(connector, lookup)):
            wanted = expected.get((number, step), {})
            if isinstance(answer, str):
                refused[answer] += 1
                same = refusal_is_right(answer, wanted, stored)
                found: Said = {}
            else:
                found = _said(answer, index, kept)
                # A stored record of the lookup's own name is no hit in a measurement.
                own = {n for n in found if stored[n].is_same(lookup)}
                found = {n: said for n, said in found.items() if n not in own}
                same = found == wanted
            hits += len(found)
            if not same:
                differences += 1
                told += [{"lookup": lookup.name, "step": step, "wanted": str(wanted),
                          "found": str(found or answer)}][: MOST_TOLD - len(told)]  # fmt: skip
    connector.close()
    index.database.close()
    return {"hits": hits, "refused": dict(refused), "differences": differences, "told": told}


def _steps(connector: Installation, lookup: Record) -> list[CheckAnswer | str]:
    """The answers of the narrow and the wide step, or the code of the refusal of each."""
    told = lookup.particulars
    first = b64u_encode(secrets.token_bytes(16))
    request = CheckRequest(
        check=first,
        particulars=TypedParticulars(
            given=told.given,
            middle=told.middle,
            family=told.family,
            born=told.born,
            postcode=told.postcode,
            identifiers=tuple(Identifier(kind="nin", value=value) for _, value in told.identifiers),
        ),
        purpose=PURPOSE,
        reason="A measurement",
    )
    try:
        narrow = asking.check(connector, OFFICER, request)
    except CheckRefused as error:
        return [error.code]
    if not narrow.can_look_wider:
        return [narrow]
    wider = WiderRequest(check=b64u_encode(secrets.token_bytes(16)), follows=first)
    try:
        return [narrow, asking.look_wider(connector, OFFICER, wider)]
    except CheckRefused as error:
        return [narrow, error.code]


def refusal_is_right(code: str, wanted: Said, stored: Sequence[Record]) -> bool:
    """`too-wide`: more than ten of one partner's fit; of any other nothing may be expected."""
    if code != "too-wide":
        return not wanted
    held = Counter(stored[number].source for number in wanted)
    return any(count > MAX_HITS_PER_AGENCY for count in held.values())


def _said(answer: CheckAnswer, index: Index, kept: Mapping[bytes, int]) -> Said:
    quoted = [hit.reference for hit in answer.involved]
    query = select(references.c.reference, references.c.handle)
    with index.database.read() as connection:
        rows = connection.execute(query.where(references.c.reference.in_(quoted))).all()
    number = {row.reference: kept[row.handle] for row in rows}
    return {
        number[hit.reference]: (GRADES.index(hit.surety), _plain(hit.because))
        for hit in answer.involved
    }


def _plain(because: str) -> str:
    """The reason with the small letter that the page makes a capital."""
    return because[:1].lower() + because[1:]
