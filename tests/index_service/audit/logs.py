"""A log on a real database: entries taken in, sequenced, looked at, and backed up by hand."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select

from foundation.database import Database
from index_service.audit import head_file, sequencing, storage
from index_service.audit.intake import intake
from index_service.audit.storage import DatabaseTiles, log_cosignatures, log_head, log_tiles
from index_service.installation import Installation
from index_service.worker.doing import Done
from protocol.entries import entry_bytes, new_entry_salt
from protocol.log.checkpoints import open_checkpoint
from protocol.log.proofs import Head, tree_head
from protocol.log.tile_tree import TileHashes
from protocol.merkle import leaf_hash, tree_root
from protocol.verifier_keys import KeyType, VerifierKey
from schemas.entries import Administration
from tests.conftest import FakeClock
from tests.index_service.partnership import PARTNERSHIP, new_index

TABLES = (log_cosignatures, log_tiles, log_head, intake)
Backup = dict[str, list[dict[str, Any]]]


@dataclass
class Kept:
    """An index whose log is looked at."""

    index: Installation
    signed: list[Head] = field(default_factory=list)

    @classmethod
    def on(cls, database: Database, clock: FakeClock, folder: Path) -> "Kept":
        """Return an index with an empty log, its head file in `folder`."""
        return cls(replace(new_index(database, clock), head_file=folder / "log.head"))

    @property
    def file(self) -> Path:
        """Its head file."""
        assert self.index.head_file is not None
        return self.index.head_file

    def take_in(self, count: int) -> None:
        """Take in `count` entries, as the index would, but nobody gets their receipts."""
        at = self.index.clock()
        entries = [
            entry_bytes(
                Administration(
                    v=1, partnership=PARTNERSHIP, at=at, salt=new_entry_salt(),
                    act="purpose-added", agency=None, document=None, note="A purpose",
                )
            )
            for _ in range(count)
        ]  # fmt: skip
        rows = [{"entry": each, "leaf": leaf_hash(each), "recorded_at": at} for each in entries]
        if rows:
            with self.index.database.write() as connection:
                connection.execute(insert(intake), rows)

    def piece(self) -> Done:
        """Do one piece of sequencing, as a worker would, but under no lease."""
        with self.index.database.write() as connection:
            return sequencing.sequence(connection, self.index, self.index.clock())

    def sequence(self) -> None:
        """Sequence, in as many turns as it takes, until nothing is left to do."""
        while self.piece().more or self.waits:
            pass

    @property
    def waits(self) -> bool:
        """Whether an entry waits for its number in a log that goes on."""
        with self.index.database.read() as connection:
            waiting = bool(storage.unnumbered(connection, 1))
            return waiting and storage.state(connection).closed is None

    @property
    def state(self) -> storage.LogState:
        """How the log stands."""
        with self.index.database.read() as connection:
            return storage.state(connection)

    @property
    def filed(self) -> Head | None:
        """What the head file says."""
        return head_file.read(self.file, self.index.log.name)

    def published(self) -> Head:
        """Return the head of the served checkpoint, its signature verified."""
        note = self.state.note
        assert note is not None
        key = VerifierKey(self.index.log.name, KeyType.ED25519, self.index.log.key.public)
        return open_checkpoint(note, [key]).checkpoint.head

    def check(self, entries: int) -> None:
        """Check that all `entries` stand in the log once, are signed, and that no past differs."""
        with self.index.database.read() as connection:
            rows = connection.execute(
                select(intake.c.position, intake.c.entry).order_by(intake.c.position)
            ).all()
            assert [row.position for row in rows] == list(range(entries))
            head = Head(entries, tree_root([leaf_hash(bytes(row.entry)) for row in rows]))
            assert head == self.published() == self.state.head == self.filed
            hashes = TileHashes(DatabaseTiles(connection), entries)
            for signed in self.signed:
                assert tree_head(hashes, signed.size) == signed

    def back_up(self) -> Backup:
        """Return what the log's tables hold."""
        with self.index.database.read() as connection:
            return {
                table.name: [dict(row._mapping) for row in connection.execute(select(table))]
                for table in TABLES
            }

    def restore(self, backup: Backup) -> None:
        """Make the log's tables what they were."""
        with self.index.database.write() as connection:
            for table in TABLES:
                connection.execute(delete(table))
            for table in reversed(TABLES):
                if backup[table.name]:
                    connection.execute(insert(table), backup[table.name])
