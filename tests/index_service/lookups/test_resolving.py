"""Only the holder of a flag learns what a reference stands for, and that is recorded."""

import secrets

import msgspec
from sqlalchemy import select

from index_service.audit.intake import intake
from index_service.settings import LimitSettings
from protocol import documents
from protocol.encoding import b64u_encode
from protocol.entries import read_entry
from protocol.references import new_reference
from schemas import operations
from schemas.agencies import Desk
from schemas.entries import Disclosure
from schemas.lookups import LookupStatement, Resolution, ResolutionRequest, ResolutionStatement
from tests.conftest import FakeClock
from tests.index_service.lookups.conftest import Scene
from tests.index_service.partnership import DAY_MS, PARTNERSHIP, Agency
from tests.index_service.publishing import OFFICER, look_up
from tests.protocol.signed_calls import Reply


def quoted(scene: Scene) -> str:
    """Return the reference that a lookup of the police got."""
    reference: str = look_up(scene.police, scene.token).content["shown"]["hits"][0]["reference"]
    return reference


def resolve(agency: Agency, reference: str) -> Reply:
    """Resolve a reference as `agency`."""
    statement = ResolutionStatement(
        partnership=PARTNERSHIP,
        agency=agency.name,
        resolution=b64u_encode(secrets.token_bytes(16)),
        reference=reference,
        officer=OFFICER,
        signed_at=agency.index.clock(),
    )
    request = ResolutionRequest(statement=documents.sign(statement, agency.key))
    return agency.call(operations.RESOLVE, request)


def test_the_holder_learns_its_handle_and_who_asked(scene: Scene) -> None:
    reference = quoted(scene)
    told = msgspec.convert(resolve(scene.council, reference).content, Resolution)
    assert told.handle == b64u_encode(scene.handle)
    asked = documents.read(told.asked, LookupStatement, scene.police.key.public)
    assert (asked.agency, asked.purpose, asked.officer) == ("police", "safeguarding", OFFICER)
    call_back = documents.read(told.call_back, Desk, scene.police.key.public)
    assert call_back.phone == "01632 960001"


def test_a_resolution_is_an_entry(scene: Scene) -> None:
    resolve(scene.council, quoted(scene))
    with scene.partnership.index.database.read() as connection:
        last = (
            connection.execute(select(intake.c.entry).order_by(intake.c.id.desc()))
            .scalars()
            .first()
        )
    assert isinstance(read_entry(last or b""), Disclosure)


def test_others_the_asker_and_unknown_references_are_refused_alike(scene: Scene) -> None:
    health = scene.partnership.member("health", introducer=scene.police)
    reference = quoted(scene)
    replies = [
        resolve(health, reference),
        resolve(scene.police, reference),
        resolve(scene.council, new_reference()),
    ]
    assert {(reply.status, reply.code) for reply in replies} == {(404, "no-such-reference")}
    assert len({reply.body for reply in replies}) == 1


def test_a_reference_ends_after_thirty_days(scene: Scene, clock: FakeClock) -> None:
    reference = quoted(scene)
    clock.advance(30 * DAY_MS)
    assert resolve(scene.council, reference).code == "no-such-reference"


def test_guessing_is_stopped_and_costs_the_guesser_only(scene: Scene) -> None:
    scene.limit(LimitSettings(failed_references_per_hour=3))
    reference = quoted(scene)
    for _ in range(3):
        assert resolve(scene.police, new_reference()).code == "no-such-reference"
    assert resolve(scene.police, reference).code == "too-many-guesses"
    assert resolve(scene.council, reference).status == 200


def test_a_mistyped_reference_is_refused_before_it_is_looked_up(scene: Scene) -> None:
    reference = quoted(scene)
    wrong = reference[:-1] + ("A" if reference[-1] != "A" else "B")
    assert resolve(scene.council, wrong).code == "bad-reference"
