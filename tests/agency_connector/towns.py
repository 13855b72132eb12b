"""Towns that are made once for each kind of database; a test gets a copy that is its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from agency_connector.installation import Installation
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import (
    PARTNERSHIP,
    FakeEvaluator,
    FakeIndex,
    Service,
    listening,
)
from tests.conftest import Databases, FakeClock

Make = Callable[[Town], None]
_OF_A_TEST = {"clock", "lies", "received", "connections", "url"}


@dataclass(frozen=True, slots=True)
class _Original:
    town: Town
    # By agency the URL of its connector's database.
    databases: dict[str, str]


class OriginalTowns:
    """Every town that was made so far, by what made it and the kind of its databases."""

    def __init__(self, lasting_url: Callable[[str], str], folder: Callable[[str], Path]) -> None:
        self._lasting_url = lasting_url
        self._folder = folder
        self._made: dict[tuple[Make, str], _Original] = {}

    @contextmanager
    def copied(
        self, make: Make, fresh_url: Databases, clock: FakeClock, folder: Path
    ) -> Iterator[Town]:
        """Yield, in `folder`, a copy of the town that `make` makes of an empty one."""
        original = self._get(make, fresh_url.kind)
        with _listening_town(folder, lambda _: fresh_url(), clock) as town:
            _copy_service(original.town.index, town.index)
            _copy_service(original.town.evaluator, town.evaluator)
            town.codes.update(original.town.codes)
            for agency, url in original.databases.items():
                home = town.folder / agency
                shutil.copytree(original.town.folder / agency, home)
                settings = home / "connector.toml"
                text = settings.read_text()
                for before, now in (
                    (url, fresh_url(copy_of=url)),
                    (original.town.index.url, town.index.url),
                    (original.town.evaluator.url, town.evaluator.url),
                ):
                    assert text.count(before) == 1, before
                    text = text.replace(before, now)
                settings.write_text(text)
                town.opened[agency] = Installation.open(home, clock=clock)
            yield town

    def _get(self, make: Make, kind: str) -> _Original:
        if (make, kind) not in self._made:
            urls: list[str] = []

            def next_url(_: str) -> str:
                urls.append(self._lasting_url(kind))
                return urls[-1]

            folder = self._folder(make.__name__)
            with _listening_town(folder, next_url, FakeClock()) as town:
                make(town)
            # A connector is made and opened before the next one is.
            databases = dict(zip(town.opened, urls, strict=True))
            self._made[make, kind] = _Original(town, databases)
        return self._made[make, kind]


@contextmanager
def _listening_town(
    folder: Path, migrated_url: Callable[[str], str], clock: FakeClock
) -> Iterator[Town]:
    index = FakeIndex(f"index/{PARTNERSHIP}", clock)
    evaluator = FakeEvaluator(f"evaluator/{PARTNERSHIP}", clock)
    with listening(index) as index.url, listening(evaluator) as evaluator.url:
        town = Town(index, evaluator, folder / "agencies", migrated_url, clock)
        yield town
        town.close()


def _copy_service(original: Service, copy: Service) -> None:
    """Let `copy` have the keys and whatever is kept at `original`."""
    for each in fields(original):
        if each.name not in _OF_A_TEST:
            kept = getattr(original, each.name)
            own = type(kept)(kept) if isinstance(kept, dict | list) else kept
            setattr(copy, each.name, own)
