"""What processes use: peak memory and CPU time, read from /proc while they run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """What a process has used so far: CPU seconds, and the most memory it ever held, in bytes."""

    cpu: float
    peak: int


def family(pid: int) -> list[int]:
    """The process and all that it has started and that still run, the process first."""
    found = [pid]
    for one in found:
        try:
            for thread in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def use(pid: int) -> Use:
    """What one process has used; nothing if it has ended."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return Use(0.0, 0)
    peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
    return Use((int(after_name[11]) + int(after_name[12])) / _TICKS, peak * 1024)


def uses(pid: int) -> dict[int, Use]:
    """What a process and its descendants have used, by process."""
    return {one: use(one) for one in family(pid)}


def cpu_between(before: dict[int, Use], after: dict[int, Use]) -> float:
    """CPU seconds that a family of processes used from `before` to `after`."""
    nothing = Use(0.0, 0)
    return sum(used.cpu - before.get(pid, nothing).cpu for pid, used in after.items())


def largest(of: dict[int, Use]) -> int:
    """The peak of the largest of these processes, in bytes."""
    return max(used.peak for used in of.values())
