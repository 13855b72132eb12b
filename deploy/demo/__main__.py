"""`make demo`: brings up a partnership, checks names in it, shows the pages, stops cleanly.

`ONCE=1` ends it by itself; then the exit code is 0 if every answer was what it should be.
"""

import argparse
import os
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from deploy.demo.checking import Checking
from deploy.demo.pages import start_pages
from deploy.demo.partnership import bring_up
from deploy.demo.programs import Services, start_no_more
from deploy.demo.record import countersign
from deploy.demo.state import fresh
from deploy.demo.telling import Telling
from foundation.operator import EXIT_FAILED, EXIT_INTERRUPTED, OperatorError, PlainError, one_line


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("demo-state"),
        help="the demo's own folder; it is wiped at each start (default: %(default)s)",
    )
    folder = parser.parse_args().state.absolute()
    once = os.environ.get("ONCE", "") not in ("", "0")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    telling = Telling()
    try:
        with fresh(folder):
            return _run(folder, telling, once=once)
    except PlainError as error:
        sys.stderr.write(f"error: {one_line(str(error))}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        telling.line("Stopped before it was done.")
        return EXIT_INTERRUPTED


def _run(folder: Path, telling: Telling, *, once: bool) -> int:
    began = time.monotonic()
    telling.title(
        "The Interest Flag Index: who else is involved, and whom do I phone?",
        "A demo on this machine only. All people in it are fictional. Its keys are NOT sealed:",
        f"that is for trying out only. It all lies in {folder}.",
    )
    services = Services(folder / "logs")
    try:
        today = datetime.now(ZoneInfo("Europe/London")).date()
        partnership = bring_up(folder, services, telling, today)
        checking = Checking(partnership, telling)
        checking.all(today)
        differences = [*checking.differences, *countersign(partnership, services, telling)]
        telling.step("What came of it")
        for difference in differences:
            telling.bad(difference)
        if differences:
            return EXIT_FAILED
        telling.good(f"Every answer is what it should be ({time.monotonic() - began:.0f} s).")
        if not once:
            start_pages(partnership, services, telling)
            _stay(services, telling)
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        start_no_more()
        services.stop()


def _stay(services: Services, telling: Telling) -> None:
    """Wait for Ctrl-C; raise OperatorError if a program ends by itself."""
    telling.line("Ctrl-C stops everything.")
    try:
        while (ended := services.ended()) is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        telling.line("Stopping.")
        return
    raise OperatorError(f"{ended.name} has ended by itself: its log is in the folder logs")


def _interrupt(_: int, __: FrameType | None) -> None:
    start_no_more()
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
