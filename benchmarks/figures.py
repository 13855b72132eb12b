"""Figures: each a number with its unit and the conditions under which it was measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `load` is the load average of the last minute when it was taken."""

    name: str
    value: float
    unit: str
    conditions: str
    load: float


@dataclass(slots=True)
class Figures:
    """The figures of one run, said as they come and all together at the end."""

    taken: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, conditions: str = "") -> None:
        """Keep a figure and print it."""
        self.taken.append(Figure(name, value, unit, conditions, os.getloadavg()[0]))
        print(_line(self.taken[-1]), flush=True)

    def table(self) -> str:
        """All figures as a Markdown table."""
        rows = [
            f"| {one.name} | {_short(one.value)} {one.unit} | {one.conditions} | {one.load:.1f} |"
            for one in self.taken
        ]
        return "\n".join(["| figure | value | conditions | load |", "|---|---|---|---|", *rows])

    def as_json(self) -> str:
        """All figures, with what they were measured on, as JSON."""
        return json.dumps(
            {"machine": machine(), "figures": [asdict(one) for one in self.taken]}, indent=2
        )


def machine() -> dict[str, Any]:
    """What the figures were measured on, and when."""
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _commit(),
    }


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty=, with uncommitted changes"]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def _line(one: Figure) -> str:
    return f"{one.name:<58} {_short(one.value):>10} {one.unit:<22} {one.conditions}"


def _short(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
