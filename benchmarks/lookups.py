"""Recorded lookups at the index alone: how many a second, how long each takes, what each costs."""

from __future__ import annotations

import time

from benchmarks.figures import Figures, percentile
from benchmarks.index_alone import IndexAlone
from benchmarks.memory import cpu_between, uses
from benchmarks.server import Server

WARM_UP = 200
CLIENTS = ((1, 300), (16, 2000))
"""How many clients ask at once, and how many lookups in all."""
_PACE = "µs CPU for 10,000 additions in Python"


def measure(figures: Figures, alone: IndexAlone, server: Server, told: str, where: str) -> None:
    """Look up with one client and with sixteen; `told` says how much the index holds."""
    alone.send(alone.lookups(WARM_UP, 16))
    for clients, count in CLIENTS:
        lanes = alone.lookups(count, clients)
        before, of_database = alone.used(), uses(server.process.pid)
        recorded = _recorded(server)
        took = alone.send(lanes)
        if _recorded(server) - recorded != len(took.seconds):
            raise SystemExit("the index does not hold as many lookups as it answered")
        conditions = f"128 tokens, half find a flag, {clients} clients, 2 workers, {told}, {where}"
        name = f"lookups, {clients} clients, {told}"
        figures.add(name, len(took.seconds) / took.wall, "per second", conditions)
        for share, label in ((0.5, "p50"), (0.99, "p99")):
            value = percentile(took.seconds, share) * 1000
            figures.add(f"{name}: {label}", value, "ms", conditions)
        figures.add(f"{name}: pace of the processor", _pace_us(), _PACE, "right after it")
        per = 1000 / len(took.seconds)
        after = uses(server.process.pid)
        for part, seconds in (
            ("index", cpu_between(before, alone.used())),
            ("PostgreSQL", cpu_between(of_database, after)),
            ("load generator", took.cpu),
        ):
            figures.add(f"{name}: CPU in {part}", seconds * per, "ms per lookup", conditions)


def stored(figures: Figures, alone: IndexAlone, server: Server, count: int = 2000) -> None:
    """Make `count` lookups and tell by how much the database has grown for each."""
    before = _bytes_of_lookups(server)
    alone.send(alone.lookups(count, 16))
    grown = (_bytes_of_lookups(server) - before) / count
    figures.add(
        "bytes stored per lookup", grown, "bytes",
        "128 tokens, half find a flag, tables and indexes, entry, statement, side record, nonce",
    )  # fmt: skip


def _pace_us() -> float:
    """CPU time of a fixed piece of work: on a shared host it doubles from minute to minute."""
    rounds, began, total = 50, time.process_time(), 0
    for _ in range(rounds):
        for number in range(10_000):
            total += number
    return (time.process_time() - began) / rounds * 1e6


def _recorded(server: Server) -> int:
    """Lookups that stand with their statement, entry and side record."""
    with server.connect("index") as connection:
        row = connection.execute(
            b"SELECT count(*) FROM lookups l JOIN side_records s USING (agency, lookup)"
            b" JOIN intake i ON i.id = s.intake"
        ).fetchone()
    return int(row[0]) if row else 0


def _bytes_of_lookups(server: Server) -> int:
    tables = ("lookups", "side_records", "intake", "reference_quotes", "nonces", "lookup_counts")
    with server.connect("index") as connection:
        connection.execute(b"CHECKPOINT")
        sizes = [
            connection.execute("SELECT pg_total_relation_size(%s::regclass)", (table,)).fetchone()
            for table in tables
        ]
    return sum(int(size[0]) for size in sizes if size)
