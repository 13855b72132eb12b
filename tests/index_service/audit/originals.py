"""Logs that are made once for each kind of database; a test gets a copy that is its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from foundation.database import Database
from index_service.app import create_app
from index_service.audit import sequencing
from index_service.standing import StandingReader
from protocol.log.checkpoints import sign_checkpoint
from protocol.log.proofs import Head
from tests.conftest import Databases, FakeClock
from tests.index_service.audit.logs import Kept
from tests.index_service.partnership import Agency, Partnership

Made = TypeVar("Made")
Make = Callable[[Kept], Made]


@dataclass(frozen=True, slots=True)
class _Original:
    url: str
    kept: Kept
    made: Any
    now: int
    filed: bytes | None


@dataclass(frozen=True, slots=True)
class Copier:
    """What one test copies from: the kind of its databases, its clock and its folder."""

    originals: Originals
    fresh_url: Databases
    clock: FakeClock
    folder: Path

    @contextmanager
    def copied(self, make: Make[Made]) -> Iterator[tuple[Kept, Made]]:
        """Yield a copy of the log that `make` makes of an empty one, and of what it returns.

        Agencies and partnerships in that, also in tuples, call the copy. Every head that it signs
        is written down in `signed`.
        """
        original = self.originals.get(make, self.fresh_url.kind)
        index = replace(
            original.kept.index,
            database=Database(self.fresh_url(copy_of=original.url)),
            clock=self.clock,
            standing=StandingReader(),
            head_file=self.folder / "log.head",
        )
        self.clock.set(original.now)
        kept = Kept(index, list(original.kept.signed))
        if original.filed is not None:
            kept.file.write_bytes(original.filed)
        made = original.made
        if made is not None:
            made = _moved(made, Partnership(index, create_app(index).test_client()))
        with heads_noted(kept):
            yield kept, made
        index.database.close()


def _moved(made: Any, to: Partnership) -> Any:
    if isinstance(made, tuple):
        return tuple(_moved(each, to) for each in made)
    if isinstance(made, Agency):
        return replace(made, index=to.index, client=to.client)
    return to if isinstance(made, Partnership) else made


def empty(kept: Kept) -> None:
    """Leave the log as it is."""


class Originals:
    """Every log that was made so far, by what made it and the kind of its database."""

    def __init__(self, lasting_url: Callable[[str], str], folder: Callable[[str], Path]) -> None:
        self._lasting_url = lasting_url
        self._folder = folder
        self._made: dict[tuple[Make[Any], str], _Original] = {}

    def get(self, make: Make[Any], kind: str) -> _Original:
        """Return the log that `make` makes, made at the first call."""
        if (make, kind) not in self._made:
            url, clock = self._lasting_url(kind), FakeClock()
            kept = Kept.on(Database(url), clock, self._folder(make.__name__))
            with heads_noted(kept):
                made = make(kept)
            kept.index.database.close()
            filed = kept.file.read_bytes() if kept.file.exists() else None
            self._made[make, kind] = _Original(url, kept, made, clock(), filed)
        return self._made[make, kind]


@contextmanager
def heads_noted(kept: Kept) -> Iterator[None]:
    """Write every head that is signed down in `kept.signed`."""

    def noted(origin: str, head: Head, key: Any) -> Any:
        kept.signed.append(head)
        return sign_checkpoint(origin, head, key)

    with mock.patch.object(sequencing, "sign_checkpoint", noted):
        yield
