"""Recorded lookups a second with the log at work beside them, and without."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import requests

from benchmarks.figures import Figures
from benchmarks.index_alone import IndexAlone, _quiet
from benchmarks.memory import cpu_between, uses
from benchmarks.server import Server
from deploy.demo.programs import Service, Services
from foundation.clock import now_ms
from index_service.app import create_app
from protocol.keys import SigningKey
from protocol.log.checkpoints import read_checkpoint
from protocol.log.notes import cosign, read_note, with_signatures
from protocol.log.tiles import tile_in
from protocol.log.witness import witness_name
from protocol.verifier_keys import KeyType, VerifierKey
from schemas import operations
from schemas.witnesses import CosignedCheckpoint, WitnessDeclaration
from tests.index_service.partnership import PARTNERSHIP, Agency

CLIENTS = ((1, 300), (8, 1200), (32, 2000))
ROUNDS = 3
"""With and without take turns, so that a machine that grows slower is not taken for the log."""
_EVERY_S = 5
_SETTLED_S = 3
"""After so long each job has run once, and knows its statements."""


@dataclass(slots=True)
class _Witness:
    """An agency that cosigns what the index publishes, as often as connectors do."""

    agency: Agency
    address: str
    key: SigningKey = field(default_factory=SigningKey.generate)

    @property
    def name(self) -> str:
        return witness_name(self.agency.name, PARTNERSHIP)

    def declare(self) -> None:
        told = WitnessDeclaration(
            partnership=PARTNERSHIP,
            agency=self.agency.name,
            witness_key=VerifierKey(self.name, KeyType.COSIGNATURE, self.key.public).text,
            signed_at=now_ms(),
        )
        reply = self.agency.lay(operations.DECLARE_WITNESS, told)
        if reply.status != 200:
            raise SystemExit(f"the index did not take a witness key: {reply}")

    def cosign(self) -> None:
        """Fetch the checkpoint and the tiles at its edge, and push a cosignature."""
        note = read_note(requests.get(f"{self.address}/log/checkpoint", timeout=10).content)
        head = read_checkpoint(note.text).head
        for level in range(3):
            if head.size >> (8 * level):
                tile = tile_in(head.size, level, (head.size - 1) >> (8 * level + 8))
                requests.get(f"{self.address}/log/{tile.path}", timeout=10)
        line = cosign(note.text, self.name, self.key, now_ms() // 1000)
        only = type(note)(note.text, note.signatures[:1])
        told = CosignedCheckpoint(note=with_signatures(only, [line]).to_bytes().decode())
        self.agency.call(operations.COSIGN, told)


def measure(figures: Figures, alone: IndexAlone, server: Server, where: str) -> None:
    """Look up with 1, 8 and 32 clients, the worker and eight witnesses running, and not."""
    witnesses = [_Witness(agency, alone.service.address) for agency in alone.agencies]
    with _quiet():
        # Agencies call in this process; what is measured is the index that is served.
        client = create_app(alone.index).test_client()
        for witness in witnesses:
            witness.agency.client = client
            witness.declare()
    alone.send(alone.lookups(200, 16))
    for clients, count in CLIENTS:
        rates: dict[bool, list[float]] = {True: [], False: []}
        cpu = 0.0
        for _ in range(ROUNDS):
            for beside in (True, False):
                lanes = alone.lookups(count, clients)
                with _log_at_work(alone, witnesses) if beside else nullcontext() as worker:
                    before = uses(worker.process.pid) if worker else {}
                    took = alone.send(lanes)
                    cpu += cpu_between(before, uses(worker.process.pid)) if worker else 0.0
                rates[beside].append(len(took.seconds) / took.wall)
        told = f"median of {ROUNDS} turns of {count}, {clients} clients, {where}"
        working, stopped = (sorted(rates[beside])[ROUNDS // 2] for beside in (True, False))
        name = f"recorded lookups, {clients} clients"
        figures.add(f"{name}, worker and 8 witnesses at work", working, "per second", told)
        figures.add(f"{name}, both stopped", stopped, "per second", told)
        figures.add(f"{name}: slower by", (1 - working / stopped) * 100, "%", told)
        each = cpu / (count * ROUNDS) * 1e6
        figures.add(f"{name}: CPU in the worker", each, "µs per lookup", told)
    figures.add("from an entry to its checkpoint", _delay(alone, witnesses), "s", where)


@contextmanager
def _log_at_work(alone: IndexAlone, witnesses: list[_Witness]) -> Iterator[Service]:
    """Run worker and witnesses; from when the worker has done what waited for it."""
    services, stop = Services(alone.folder / "worker-logs"), threading.Event()
    worker = services.start(
        "worker", "index-service", "worker", "--home", alone.folder / "index", "--watch",
        "127.0.0.1:0",
    )  # fmt: skip
    thread = threading.Thread(target=_in_turn, args=(witnesses, stop))
    thread.start()
    try:
        _until(lambda: _waiting(alone) == 0)
        time.sleep(_SETTLED_S)
        yield worker
    finally:
        stop.set()
        thread.join()
        services.stop()


def _in_turn(witnesses: list[_Witness], stop: threading.Event) -> None:
    while True:
        for witness in witnesses:
            if stop.wait(_EVERY_S / len(witnesses)):
                return
            with _quiet():
                witness.cosign()


def _delay(alone: IndexAlone, witnesses: list[_Witness]) -> float:
    """Return the longest of ten times between an answer and a checkpoint that covers its entry."""
    longest = 0.0
    with _log_at_work(alone, witnesses):
        for _ in range(10):
            alone.send(alone.lookups(1, 1))
            started = time.monotonic()
            _until(lambda: _waiting(alone) == 0)
            longest = max(longest, time.monotonic() - started)
    return longest


def _waiting(alone: IndexAlone) -> int:
    """How many entries no checkpoint covers yet."""
    from index_service.audit import sequencing, storage

    with alone.index.database.read() as connection:
        state = storage.state(connection)
        published = sequencing.published_head(state)
        unnumbered = len(storage.unnumbered(connection, 1_000_000))
    return unnumbered + state.head.size - (published.size if published else 0)


def _until(true: Callable[[], bool]) -> None:
    while not true():
        time.sleep(0.01)
