"""A county whose log is sequenced by hand, and served by an index that can be made to lie."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from agency_connector.alarms import open_alarms
from agency_connector.installation import Installation
from agency_connector.receipts import following
from agency_connector.trust import storage
from agency_connector.witness.key import witness_signing_key
from protocol.log.notes import cosign, read_note, with_signatures
from protocol.log.policies import majority_policy
from protocol.log.witness import witness_key, witness_name
from protocol.verifier_keys import read
from tests.agency_connector.lookups.conftest import template, town
from tests.agency_connector.lookups.county import County
from tests.index_service.audit.logs import Kept
from tests.index_service.partnership import PARTNERSHIP

__all__ = ["template", "town"]


@dataclass
class Log:
    """The county's log: sequenced when a test says so, and cosigned by those in `witnessed`.

    `instead` maps a path to what makes another answer of the honest one.
    """

    town: County
    kept: Kept
    instead: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    witnessed: tuple[str, ...] = ("police", "council", "health")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        lie = self.instead.get(request.path)
        is_note = request.path.startswith("/log/checkpoint")
        if lie is None and not is_note:
            return self.town.lying(environ, start_response)
        path = "/log/checkpoint" if is_note else request.path
        honest = Client(self.town.lying).open(path, headers=list(request.headers))
        content = honest.data
        if is_note and (self.witnessed or not request.path.endswith("/cosigned")):
            content = self.cosigned(content)
        elif is_note:
            return Response(status=404)(environ, start_response)
        return Response(lie(content) if lie else content, honest.status_code)(
            environ, start_response
        )

    def cosigned(self, content: bytes) -> bytes:
        """Return a checkpoint's note with the cosignatures of those that are `witnessed`."""
        note = read_note(content)
        now_s = self.town.clock() // 1000
        for agency in self.witnessed:
            key = witness_signing_key(self.town.connectors[agency].keyring)
            name = witness_name(agency, PARTNERSHIP)
            note = with_signatures(note, [cosign(note.text, name, key, now_s)])
        return note.to_bytes()

    def grow(self, more: int = 0) -> None:
        """Take in `more` entries of no matter, and sign a checkpoint over everything."""
        self.kept.take_in(more)
        self.kept.sequence()

    def alarms(self) -> list[tuple[str, str]]:
        """Kind and sentence of the police's open alarms."""
        with self.police.database.read() as connection:
            return [(alarm.kind, alarm.sentence) for alarm in open_alarms(connection)]

    @property
    def police(self) -> Installation:
        """The connector that asks."""
        return self.town.police


def _pin_all_witnesses(town: County, connector: Installation) -> None:
    witnesses = {
        agency: witness_key(agency, PARTNERSHIP, witness_signing_key(other.keyring).public)
        for agency, other in town.connectors.items()
    }
    with connector.database.write() as connection:
        pinned = storage.pins(connection)
        assert pinned is not None
        text = majority_policy(read(pinned.log_key), witnesses).decode()
        storage.keep_pins(connection, replace(pinned, witness_policy=text))


@pytest.fixture
def log(town: County, tmp_path: Path) -> Log:
    """The county's log, signed once; the receipts of what set it up are verified."""
    index = replace(town.partnership.index, head_file=tmp_path / "log.head")
    made = Log(town, Kept(index))
    for connector in town.connectors.values():
        _pin_all_witnesses(town, connector)
    town.index.client = Client(made)
    made.grow()
    for connector in town.connectors.values():
        following.follow(connector)
    return made
