"""How often a lookup waits for PostgreSQL, and that its commit is the last it waits for."""

from collections.abc import Sequence

import pytest

from foundation import _pipeline
from foundation.statements import Asked
from tests.index_service.lookups.conftest import Scene
from tests.index_service.publishing import look_up


def test_a_lookup_waits_twice_hit_or_miss_and_last_for_its_commit(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scene.partnership.index.database.dialect == "sqlite":
        pytest.skip("SQLite is in the process: nothing is waited for")
    assert look_up(scene.police).status == 200
    exchanged: list[list[bytes]] = []
    exchange = _pipeline.Line.exchange

    def watched(line: _pipeline.Line, asked: Sequence[Asked]) -> None:
        exchange(line, asked)
        exchanged.append([one.words.split()[0] for one in asked])

    monkeypatch.setattr(_pipeline.Line, "exchange", watched)
    for tokens in ((), (scene.token,)):
        exchanged.clear()
        assert look_up(scene.police, *tokens).status == 200
        assert len(exchanged) == 2
        assert exchanged[0][0] == b"BEGIN"
        assert exchanged[1][-3:] == [b"INSERT", b"INSERT", b"COMMIT"]
