"""A log of many consultations for the benchmarks: each with a statement that its agency signed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from benchmarks.index_alone import _quiet
from foundation.clock import now_ms
from foundation.database import Database
from index_service.app import create_app
from index_service.installation import Installation
from protocol import documents
from protocol.encoding import b64u_encode
from protocol.entries import entry_bytes, new_entry_salt
from protocol.keys import SigningKey
from protocol.merkle import leaf_hash
from schemas.entries import Consultation
from schemas.lookups import LookupStatement
from tests.index_service.partnership import PARTNERSHIP, Partnership, new_index
from tests.index_service.publishing import lookup

PORTION = 20_000


def index_on(database: Database, folder: Path) -> tuple[Installation, SigningKey, LookupStatement]:
    """An index with one member that may look up; its key, and a statement to make others from."""
    index = replace(new_index(database, now_ms), head_file=folder / "log.head")
    with _quiet():
        partnership = Partnership(index, create_app(index).test_client())
        police = partnership.member("police")
        council = partnership.member("council", introducer=police)
        police.open_epoch(1)
        partnership.agree(police, council)
        told = documents.claimed(lookup(police).statement, LookupStatement)
    return index, police.key, told


def consultations(
    count: int, key: SigningKey, told: LookupStatement
) -> Iterator[tuple[bytes, bytes, int]]:
    """Entry, leaf hash and time of `count` consultations, each with a statement of its own."""
    for _ in range(count):
        stated = msgspec.structs.replace(told, lookup=b64u_encode(secrets.token_bytes(16)))
        at = now_ms()
        entry = entry_bytes(
            Consultation(
                v=1, partnership=PARTNERSHIP, at=at, salt=new_entry_salt(),
                statement=documents.sign(stated, key),
                shown=b64u_encode(secrets.token_bytes(32)),
                withheld=b64u_encode(secrets.token_bytes(32)),
            )
        )  # fmt: skip
        yield entry, leaf_hash(entry), at


def take_in(database: Database, rows: Iterator[tuple[bytes, bytes, int]]) -> None:
    """Put rows into the intake, without side records, as if lookups had committed them."""
    with database.write() as connection:
        if database.dialect == "sqlite":
            connection.exec_driver_sql(
                "INSERT INTO intake (entry, leaf, recorded_at) VALUES (?, ?, ?)", list(rows)
            )
            return
        driver = connection.connection.driver_connection
        copy = "COPY intake (entry, leaf, recorded_at) FROM STDIN (FORMAT BINARY)"
        with driver.cursor() as cursor, cursor.copy(copy) as copying:  # type: ignore[union-attr]  # psycopg's own connection
            copying.set_types(["bytea", "bytea", "int8"])
            for row in rows:
                copying.write_row(row)
