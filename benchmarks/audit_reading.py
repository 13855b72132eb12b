"""Reading the record: what the segments cost, and how fast a person and a list are found in them.

    python -m benchmarks.audit_reading [--lookups 100000] [--folder /tmp]

The lookups are made up and written straight into the index's tables (no signature is made, since
none is checked here); they are numbered and segmented by the worker's own jobs, on PostgreSQL and
on SQLite. Tokens are random, 128 a lookup; one person in a thousand is looked up again.
"""

from __future__ import annotations

import argparse
import base64
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
from sqlalchemy import func, insert, select, text

from benchmarks import server
from benchmarks.figures import Figures, machine
from foundation.clock import now_ms
from foundation.database import Database
from index_service.audit import reading_segments as segments
from index_service.audit.intake import intake
from index_service.audit.sequencing import sequence
from index_service.installation import Installation
from index_service.lookups.storage import side_records
from protocol import canonical
from protocol.encoding import b64u_encode
from protocol.entries import entry_bytes, new_entry_salt
from protocol.keys import SigningKey
from protocol.merkle import leaf_hash
from protocol.tokens import TOKEN_BYTES
from schemas.entries import Consultation
from schemas.envelopes import Envelope, Signature
from schemas.lookups import LookupStatement, StatedTokens, TokenSet
from tests.index_service.partnership import PARTNERSHIP, Partnership, new_index

TOKENS = 128
OFFICERS = 200
PORTION = 2_000
ROUNDS = 20
SOUGHT = secrets.token_bytes(TOKEN_BYTES)
EVERY = 1_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lookups", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    figures = Figures()
    with (
        server.running(asked.folder) as postgres,
        tempfile.TemporaryDirectory(dir=asked.folder) as home,
    ):
        for where, url in (
            ("PostgreSQL", postgres.create("index")),
            ("SQLite", f"sqlite:///{home}/index.db"),
        ):
            _measure(figures, Path(home) / where, url, asked.lookups, where)
    print(f"\n{machine()}\n\n{figures.table()}\n")


def _measure(figures: Figures, home: Path, url: str, count: int, where: str) -> None:
    home.mkdir()
    index = replace(new_index(Database(url), now_ms), head_file=home / "log.head")
    agency = Partnership(index, None).newcomer("police")  # type: ignore[arg-type]  # nobody calls it
    agency.register()
    officers = [secrets.token_bytes(16) for _ in range(OFFICERS)]
    for start in range(0, count, PORTION):
        _write(index, agency.name, range(start, min(count, start + PORTION)), officers)
    _work(index, sequence)
    told = f"{where}, {count:,} lookups of {TOKENS} tokens"
    before = _size(index)
    started, used = time.perf_counter(), time.process_time()
    _work(index, segments.build_segments)
    took, used = time.perf_counter() - started, time.process_time() - used
    with index.database.write() as connection:
        built = connection.execute(select(func.count()).select_from(segments.audit_segments))
        complete = int(built.scalar_one())
    figures.add("building segments", count / took, "lookups/s", told)
    figures.add("building segments, of the worker", count / used, "lookups per CPU second", told)
    figures.add("one segment, one transaction", took / max(complete, 1) * 1000, "ms", told)
    figures.add("segments, per lookup", (_size(index) - before) / count, "bytes on disk", told)
    tokens = [SOUGHT, *(secrets.token_bytes(TOKEN_BYTES) for _ in range(15))]
    with index.database.read() as connection:
        size = int(connection.execute(select(func.count(intake.c.position))).scalar_one())
        found = segments.with_tokens(connection, tokens, 0, size)
        if len(found) != -(-count // EVERY):
            raise SystemExit(f"{len(found)} lookups were found")
        median = _ms(lambda: segments.with_tokens(connection, tokens, 0, size))
        figures.add("a person's lookups found", median, "ms, median", f"{told}, {len(found)} found")
        one = (officers[0],)
        figures.add(
            "the whole log listed for one pseudonym",
            _ms(lambda: sum(
                one[0] == told.listed.officer
                for told in segments.catalogue(connection, 0, size, holding=one)
            )),
            "ms, median", told,
        )  # fmt: skip
        started = time.perf_counter()
        read = sum(1 for _ in segments._lookups(connection, 0, min(size, 20_000)))
        rate = read / (time.perf_counter() - started)
        figures.add("side records read one by one, as before", rate, "lookups/s", told)
    index.database.close()


def _write(index: Installation, agency: str, numbers: range, officers: list[bytes]) -> None:
    entries, records = [], []
    now = now_ms()
    with index.database.write() as connection:
        first = (connection.execute(select(func.max(intake.c.id))).scalar() or 0) + 1
        for number in numbers:
            made = [secrets.token_bytes(TOKEN_BYTES) for _ in range(TOKENS - 1)]
            made.append(SOUGHT if number % EVERY == 0 else secrets.token_bytes(TOKEN_BYTES))
            lookup = secrets.token_bytes(16)
            entry = _entry(agency, lookup, officers[number % OFFICERS], now)
            at = first + number - numbers.start
            entries.append({"id": at, "entry": entry, "leaf": leaf_hash(entry), "recorded_at": now})
            told = TokenSet(
                epoch=1, salt=b64u_encode(bytes(32)), tokens=b64u_encode(b"".join(sorted(made)))
            )
            records.append(
                {
                    "agency": agency, "lookup": lookup, "intake": at,
                    "sets": msgspec.json.encode((told,)), "answer": os.urandom(1500),
                    "withheld": b"", "withheld_salt": bytes(32),
                }
            )  # fmt: skip
        connection.execute(insert(intake), entries)
        connection.execute(insert(side_records), records)


def _entry(agency: str, lookup: bytes, officer: bytes, now: int) -> bytes:
    blank = b64u_encode(bytes(32))
    statement = LookupStatement(
        partnership=PARTNERSHIP, agency=agency, lookup=b64u_encode(lookup), purpose="safeguarding",
        officer=b64u_encode(officer), breadth="narrow", follows=None, agreements=("all",),
        call_back="front", particulars=blank,
        tokens=(StatedTokens(epoch=1, scheme="1", commitment=blank),), asked_at=now, signed_at=now,
    )  # fmt: skip
    signature = Signature(keyid=_KEY, sig=base64.b64encode(bytes(64)).decode())
    envelope = Envelope(
        payload_type="application/vnd.interest-flag-index.lookup.v1+json",
        payload=base64.b64encode(canonical.encode(statement)).decode(),
        signatures=(signature,),
    )
    return entry_bytes(
        Consultation(
            v=1, partnership=PARTNERSHIP, at=now, salt=new_entry_salt(), statement=envelope,
            shown=blank, withheld=blank,
        )
    )  # fmt: skip


_KEY = SigningKey.generate().key_id


def _work(index: Installation, piece: Callable[..., object]) -> None:
    more = True
    while more:
        with index.database.write() as connection:
            more = piece(connection, index, now_ms()).more  # type: ignore[attr-defined]  # a Done


def _ms(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def _size(index: Installation) -> int:
    with index.database.write() as connection:
        if index.database.dialect == "postgresql":
            names = "'audit_segments'::regclass", "'audit_postings'::regclass"
            query = " + ".join(f"pg_total_relation_size({name})" for name in names)
            return int(connection.execute(text(f"SELECT {query}")).scalar_one())
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        return int(pages) * int(connection.execute(text("PRAGMA page_size")).scalar_one())


if __name__ == "__main__":
    main()
