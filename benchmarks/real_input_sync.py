"""Syncs one connector and prints what that took: `python -m benchmarks.real_input_sync HOME`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from agency_connector.installation import Installation
from agency_connector.publishing.sync import sync
from benchmarks.memory import use


def main() -> None:
    """The command."""
    connector = Installation.open(Path(sys.argv[1]))
    report = sync(connector)
    connector.close()
    if report.troubles or not report.marked:
        raise SystemExit(f"{connector.agency}: {report.troubles}")
    used = use(os.getpid())
    print(json.dumps({"cpu": used.cpu, "peak": used.peak}))


if __name__ == "__main__":
    main()
