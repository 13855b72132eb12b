"""Flags of 16 tokens published at the index alone: durable and indexed, as every flag is."""

from __future__ import annotations

from benchmarks.figures import Figures
from benchmarks.index_alone import IndexAlone
from benchmarks.memory import cpu_between, uses
from benchmarks.server import Server


def measure(figures: Figures, alone: IndexAlone, server: Server, flags: int, where: str) -> None:
    """Publish `flags` flags from eight agencies at once, beside what stands already."""
    held = _rows(server, "flags")
    lanes = alone.batches(flags)
    before, of_database = alone.used(), uses(server.process.pid)
    took = alone.send(lanes)
    alone.say_complete()
    count = _rows(server, "flags") - held
    if count != flags or _rows(server, "flag_tokens") != (held + flags) * 16:
        raise SystemExit(f"{flags} flags were published and the index holds {count} more")
    conditions = (
        f"16 tokens, batches of 1,000 from 8 agencies, onto {held:,} flags, 2 workers, {where}"
    )
    name = f"flags published, onto {held:,}"
    figures.add(name, flags / took.wall, "per second", conditions)
    for part, seconds in (
        ("index", cpu_between(before, alone.used())),
        ("PostgreSQL", cpu_between(of_database, uses(server.process.pid))),
        ("load generator", took.cpu),
    ):
        figures.add(f"{name}: CPU in {part}", seconds / flags * 1e6, "µs per flag", conditions)


def stored(figures: Figures, server: Server) -> None:
    """Tell how many bytes a flag takes in tables and indexes."""
    with server.connect("index") as connection:
        connection.execute(b"CHECKPOINT")
        row = connection.execute(
            b"SELECT pg_total_relation_size('flags') + pg_total_relation_size('flag_tokens')"
        ).fetchone()
    flags = _rows(server, "flags")
    grown = (int(row[0]) if row else 0) / flags
    figures.add(
        "bytes stored per flag", grown, "bytes", f"16 tokens, {flags:,} flags, with indexes"
    )


def _rows(server: Server, table: str) -> int:
    with server.connect("index") as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - our own names
    return int(row[0]) if row else 0
