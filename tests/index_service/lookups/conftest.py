"""Two members with an agreement and an epoch, one of whom has published."""

import secrets
from dataclasses import dataclass, replace

import msgspec
import pytest

from index_service.app import create_app
from index_service.settings import LimitSettings
from tests.index_service.partnership import Agency, Partnership
from tests.index_service.publishing import flag, publish


@dataclass
class Scene:
    """The police ask; the council has a flag with `token`."""

    partnership: Partnership
    police: Agency
    council: Agency
    token: bytes
    handle: bytes

    def limit(self, limits: LimitSettings) -> None:
        """Serve the same index with other limits."""
        index = self.partnership.index
        changed = replace(index, settings=msgspec.structs.replace(index.settings, limits=limits))
        client = create_app(changed).test_client()
        for agency in (self.police, self.council):
            agency.index, agency.client = changed, client


@pytest.fixture
def scene(partnership: Partnership) -> Scene:
    """Police and council, in agreement; the council involved with one person."""
    police = partnership.member("police")
    council = partnership.member("council", introducer=police)
    assert police.open_epoch(1).status == 200
    partnership.agree(police, council)
    token, handle = secrets.token_bytes(16), secrets.token_bytes(16)
    publish(council, flag(council, token, handle=handle))
    return Scene(partnership, police, council, token, handle)
