"""A sequencer as a process of its own, which dies by SIGKILL before or after a chosen step.

    python -m tests.index_service.audit.dying_sequencer HOME MODULE STEP before|after TIMES

It does the real work of the home folder, under no lease, until the step comes up for the
TIMES-th time; then nothing is flushed, closed or rolled back: the kernel takes the process away.
Without a step it works until nothing is left to do, and ends with 0.
"""

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from index_service.audit import sequencing
from index_service.audit.storage import Overtaken
from index_service.installation import Installation


def die_at(module: str, step: str, when: str, times: int) -> None:
    """Replace the step by one that kills this process."""
    owner: Any = importlib.import_module(module)
    name = step
    if "." in step:
        kind, name = step.split(".")
        owner = getattr(owner, kind)
    real = getattr(owner, name)
    left = [times]

    def dying(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] > 0:
            return real(*arguments, **named)
        if when == "after":
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")

    setattr(owner, name, dying)


def main() -> None:
    """Work, or die."""
    home = Path(sys.argv[1])
    index = Installation.open(home)
    if len(sys.argv) > 2:
        die_at(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
    more = True
    while more:
        try:
            with index.database.write() as connection:
                more = sequencing.sequence(connection, index, index.clock()).more
        except Overtaken:
            more = True


if __name__ == "__main__":
    main()
