"""Sources of every kind, made as an agency would have them: real files and programs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agency_connector.sources.opening import open_source
from agency_connector.sources.rows import RowRefused, SourceRow
from agency_connector.sources.settings import SourceSettings

COLUMNS = {
    "local_id": "Ref",
    "given": "First",
    "family": "Last",
    "born": "DOB",
    "role": "Role",
    "status": "Status",
    "opened": "Opened",
    "nhs_number": "NHS",
}
HEADER = ["Ref", "First", "Last", "DOB", "Role", "Status", "Opened", "NHS"]
JOHN = ["A1", "John", "Smith", "14/03/1985", "Client", "Open", "01/10/2026", "9434765919"]
MARY = ["A2", "Mary", "Jones", "02/07/1990", "Client", "Open", "05/10/2026", ""]
POLICY = {
    "open_status": ["open"],
    "longest_life_days": 365,
    "lawful_basis": "uk-gdpr-6-1-e",
    "desk": "front-desk",
    "roles": {"Client": "subject"},
}

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
