"""Sequencers as processes of their own, which die by SIGKILL before or after a chosen step.

    python -m tests.index_service.audit.dying_sequencer

Each line of its input is a JSON list of sequencers that run at once: `[HOME]`, or
`[HOME, MODULE, STEP, "before" or "after"]`. A sequencer does the real work of the home folder,
under no lease, until the step comes up; then nothing is flushed, closed or rolled back: the
kernel takes the process away. Without a step it works until nothing is left to do. For each line
their exit codes are written, the negative number of the signal if it was one.

Each is forked from this program, which has opened nothing: importing everything anew took longer
than all that a sequencer does.
"""

import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import psycopg  # noqa: F401 - imported here, so that no sequencer has to
import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401 - as above

from index_service.audit import sequencing, storage
from index_service.audit.storage import Overtaken
from index_service.installation import Installation


def die_at(module: str, step: str, when: str) -> None:
    """Replace the step by one that kills this process."""
    owner: Any = importlib.import_module(module)
    name = step
    if "." in step:
        kind, name = step.split(".")
        owner = getattr(owner, kind)
    real = getattr(owner, name)

    def dying(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")

    setattr(owner, name, dying)


def work(home: str, *step: str) -> None:
    """Work, or die."""
    index = Installation.open(Path(home))
    if step:
        die_at(*step)
    more = True
    while more:
        try:
            with index.database.write() as connection:
                more = sequencing.sequence(connection, index, index.clock()).more
                waits = storage.unnumbered(connection, 1)
                more = more or (bool(waits) and storage.state(connection).closed is None)
        except Overtaken:
            more = True


def forked(words: list[str]) -> int:
    """Start a sequencer; return its process id."""
    process = os.fork()
    if process:
        return process
    try:
        work(*words)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Run what is asked for, line by line."""
    for line in sys.stdin:
        processes = [forked(words) for words in json.loads(line)]
        ended = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
        print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    main()
