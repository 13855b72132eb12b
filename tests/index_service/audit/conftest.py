"""Fixtures of the log's tests: an index with an empty log on each database."""

from pathlib import Path
from typing import Any

import pytest

from foundation.database import Database
from index_service.audit import sequencing
from protocol.log.checkpoints import sign_checkpoint
from tests.conftest import FakeClock
from tests.index_service.audit.logs import Kept


@pytest.fixture
def kept(
    database: Database, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Kept:
    """An index with an empty log; every head that is signed is written down in `signed`."""
    made = Kept.on(database, clock, tmp_path)

    def noted(origin: str, head: Any, key: Any) -> Any:
        made.signed.append(head)
        return sign_checkpoint(origin, head, key)

    monkeypatch.setattr(sequencing, "sign_checkpoint", noted)
    return made
