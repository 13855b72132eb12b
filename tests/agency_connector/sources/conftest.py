"""Sources of every kind, made as an agency would have them: real files and programs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agency_connector.sources.opening import open_source
from agency_connector.sources.rows import RowRefused, SourceRow
from agency_connector.sources.settings import SourceSettings
from tests.agency_connector.sources.describing import COLUMNS, POLICY

Read = Callable[..., list[SourceRow | RowRefused]]


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Any]:
    """A function that opens a source from its settings, in the test's own folder."""

    def opened(**settings: Any) -> Any:
        described = {"name": "cases", "columns": COLUMNS, "policy": POLICY, **settings}
        return open_source(msgspec.convert(described, SourceSettings), tmp_path)

    return opened


@pytest.fixture
def read(source: Callable[..., Any]) -> Read:
    """A function that reads a source to its end."""

    def rows(**settings: Any) -> list[SourceRow | RowRefused]:
        return list(source(**settings).rows())

    return rows
