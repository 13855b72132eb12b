"""An officer's program: makes the checks that it reads from standard input, and prints each answer.

    python -m tests.faults.asker HOME OFFICERS  < a CheckRequest a line  > a Told a line

It is killed with SIGKILL; whoever reads what it printed has seen those answers.
"""

import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from agency_connector.installation import Installation
from agency_connector.lookups import asking
from agency_connector.lookups.errors import code_of
from foundation.operator import PlainError
from schemas.checks import CheckAnswer, CheckRequest


class Told(msgspec.Struct, frozen=True):
    """What came of a check: the answer, or the code of the problem and its one line."""

    check: str
    answer: CheckAnswer | None = None
    code: str = ""
    line: str = ""


def told(installation: Installation, request: CheckRequest) -> Told:
    """Make the check once."""
    try:
        return Told(request.check, answer=asking.check(installation, "officer.dibble", request))
    except PlainError as error:
        return Told(request.check, code=code_of(error), line=str(error))


def ask(home: Path, officers: int, requests: Iterable[CheckRequest]) -> None:
    """Make the checks as they come, `officers` at a time."""
    installation = Installation.open(home)
    printing = threading.Lock()

    def answer(request: CheckRequest) -> None:
        line = msgspec.json.encode(told(installation, request)) + b"\n"
        with printing:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    with ThreadPoolExecutor(officers) as pool:
        for one in [pool.submit(answer, request) for request in requests]:
            one.result()


if __name__ == "__main__":
    ask(
        Path(sys.argv[1]),
        int(sys.argv[2]),
        (msgspec.json.decode(line, type=CheckRequest) for line in sys.stdin.buffer),
    )
