"""Changing one bit of whatever a log is kept as: its tables, and the files of its exports.

A sample in the tests; every byte in `python -m benchmarks flips`.
"""

import io
import secrets
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select, update

from index_service.app import create_app
from index_service.audit import rounds
from index_service.audit.intake import intake
from index_service.audit.rounds import log_round_cosignatures, log_rounds
from index_service.audit.storage import log_cosignatures, log_head, log_tiles
from index_service.lookups.storage import side_records
from protocol.encoding import b64u_encode
from protocol.keys import SigningKey
from protocol.log.errors import LogError
from protocol.log.notes import cosign, read_note, read_signatures, with_signatures
from protocol.log.witness import witness_name
from protocol.verifier_keys import KeyType, VerifierKey
from schemas import operations
from schemas.agencies import KeyChange
from schemas.witnesses import CosignedCheckpoint, WitnessDeclaration
from tests.index_service.audit.logs import Kept
from tests.index_service.partnership import PARTNERSHIP, Agency, Partnership
from tests.index_service.publishing import flag, look_up, publish

COLUMNS = (
    (intake, ("entry", "leaf")),
    (log_tiles, ("hashes",)),
    (log_head, ("root", "note")),
    (log_cosignatures, ("root", "line")),
    (log_rounds, ("root", "note")),
    (log_round_cosignatures, ("line",)),
    (side_records, ("sets", "answer", "withheld", "withheld_salt")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A column of a row: its bytes, of which the first `end` mean something."""

    table: Table
    row: Any
    column: str
    content: bytes
    end: int

    def put(self, kept: Kept, content: bytes) -> None:
        """Write `content` in its place."""
        these = [column == self.row[column.name] for column in self.table.primary_key]
        with kept.index.database.write() as connection:
            connection.execute(update(self.table).where(*these).values({self.column: content}))

    def means_the_same(self, content: bytes) -> bool:
        """Whether `content` is the same signatures: other bits that base64 leaves over."""
        try:
            if self.column == "note":
                return read_note(content) == read_note(self.content)
            if self.column == "line":
                return read_signatures(content.decode()) == read_signatures(self.content.decode())
        except (LogError, UnicodeDecodeError):
            return False
        return False


def make_busy(kept: Kept) -> None:
    """Fill the log with every kind of act that agencies sign, a hit, a key change, cosignatures."""
    partnership = Partnership(kept.index, create_app(kept.index).test_client())
    police = partnership.member("police")
    council = partnership.member("council", introducer=police)
    assert police.open_epoch(1).status == 200
    partnership.agree(police, council)
    token = secrets.token_bytes(16)
    publish(council, flag(council, token))
    for _ in range(3):
        assert look_up(police, token).status == 200
    old, new = police.key, SigningKey.generate()
    told = KeyChange(
        partnership=PARTNERSHIP,
        agency="police",
        old_key=old.key_id,
        keys=type(police.keys)(signing=b64u_encode(new.public), sealing=police.keys.sealing),
        signed_at=kept.index.clock(),
    )
    assert police.lay(operations.CHANGE_KEYS, told).status == 200
    police.key = new
    assert look_up(police, token).status == 200
    _cosign(kept, council)
    kept.sequence()


def _cosign(kept: Kept, agency: Agency) -> None:
    name, key = witness_name(agency.name, PARTNERSHIP), SigningKey.generate()
    declared = WitnessDeclaration(
        partnership=PARTNERSHIP,
        agency=agency.name,
        witness_key=VerifierKey(name, KeyType.COSIGNATURE, key.public).text,
        signed_at=kept.index.clock(),
    )
    assert agency.lay(operations.DECLARE_WITNESS, declared).status == 200
    kept.sequence()
    with kept.index.database.write() as connection:
        rounds.open_round(connection, kept.index, kept.index.clock())
    note = kept.state.note
    assert note is not None
    read = read_note(note)
    line = cosign(read.text, name, key, kept.index.clock() // 1000)
    told = CosignedCheckpoint(note=with_signatures(read, [line]).to_bytes().decode())
    assert agency.call(operations.COSIGN, told).status == 200


def places(kept: Kept) -> list[Place]:
    """Return every column of the log's tables that holds bytes, row by row."""
    found = []
    with kept.index.database.read() as connection:
        for table, columns in COLUMNS:
            for row in connection.execute(select(table)).mappings():
                for name in columns:
                    content = bytes(row[name])
                    # A withheld result is padded with random bytes, which mean nothing.
                    end = 4 + int.from_bytes(content[:4], "big") if name == "withheld" else None
                    found.append(Place(table, row, name, content, end or len(content)))
    return found


def members(export: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield the name, start and length of every file in an export that has content."""
    with tarfile.open(fileobj=io.BytesIO(export)) as archive:
        for member in archive:
            if member.size:
                yield member.name, member.offset_data, member.size


def flipped(content: bytes, at: int, bit: int) -> bytes:
    """Return `content` with bit number `bit` of byte `at` changed."""
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
