"""Each check of a lookup stands alone: the request is right but for the one thing that is refused.

What `test_asking.py` refuses in its table is not repeated here.
"""

import secrets
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from index_service.lookups import storage
from index_service.lookups.storage import side_records
from protocol import canonical, documents
from protocol.commitments import commit_to_tokens
from protocol.encoding import b64u_decode, b64u_encode
from schemas import operations
from schemas.lookups import LookupRequest, LookupStatement, WithheldResult
from tests.conftest import FakeClock
from tests.index_service.lookups.conftest import Scene
from tests.index_service.lookups.test_asking import answered
from tests.index_service.partnership import Agency
from tests.index_service.publishing import flag, look_up, lookup, publish, random_tokens

replace = msgspec.structs.replace


def restated(asker: Agency, request: LookupRequest, **changed: Any) -> LookupRequest:
    """Return the request with another statement, signed by the asker all the same."""
    statement = documents.claimed(request.statement, LookupStatement)
    return replace(request, statement=documents.sign(replace(statement, **changed), asker.key))


def with_tokens(asker: Agency, tokens: bytes) -> LookupRequest:
    """Return a lookup for exactly these bytes, which its statement commits to."""
    request = lookup(asker)
    (token_set,) = request.sets
    split = [tokens[at : at + 16] for at in range(0, len(tokens), 16)]
    salt = b64u_decode(token_set.salt)
    statement = documents.claimed(request.statement, LookupStatement)
    (stated,) = statement.tokens
    stated = replace(stated, commitment=b64u_encode(commit_to_tokens(salt, 1, split)))
    changed = replace(token_set, tokens=b64u_encode(tokens))
    return restated(asker, replace(request, sets=(changed,)), tokens=(stated,))


def narrow_check(scene: Scene, **changed: Any) -> str:
    """Make a lookup that is answered; return its id."""
    number = b64u_encode(secrets.token_bytes(16))
    answered(look_up(scene.police, lookup=number, **changed))
    return number


# --- What a wide lookup may follow ------------------------------------------------------------


def test_a_wide_lookup_does_not_follow_a_wide_one(scene: Scene) -> None:
    """Half an hour is counted from the check of the name, not from step to step."""
    wide = narrow_check(scene, breadth="wide", follows=narrow_check(scene))
    reply = look_up(scene.police, breadth="wide", follows=wide)
    assert (reply.status, reply.code) == (422, "nothing-to-widen")


def test_a_wide_lookup_is_for_the_purpose_of_the_one_it_follows(scene: Scene) -> None:
    scene.partnership.agree(scene.police, scene.council, name="more", purposes=("welfare",))
    told: dict[str, Any] = {"breadth": "wide", "follows": narrow_check(scene)}
    reply = look_up(scene.police, **told, purpose="welfare", agreements=("more",))
    assert (reply.status, reply.code) == (422, "nothing-to-widen")
    answered(look_up(scene.police, **told))


def test_a_wide_lookup_does_not_follow_one_that_never_was(scene: Scene) -> None:
    reply = look_up(scene.police, breadth="wide", follows=b64u_encode(secrets.token_bytes(16)))
    assert (reply.status, reply.code) == (422, "nothing-to-widen")


def test_a_wide_lookup_does_not_follow_another_agencys(scene: Scene) -> None:
    number = b64u_encode(secrets.token_bytes(16))
    answered(look_up(scene.council, lookup=number))
    reply = look_up(scene.police, breadth="wide", follows=number)
    assert (reply.status, reply.code) == (422, "nothing-to-widen")


# --- What the statement says and the request holds ---------------------------------------------


def test_the_scheme_stated_is_that_of_the_epoch(scene: Scene) -> None:
    """Keys of another scheme match nobody: that must not be taken for `none recorded`."""
    request = lookup(scene.police, scene.token)
    statement = documents.claimed(request.statement, LookupStatement)
    other = tuple(replace(stated, scheme="2") for stated in statement.tokens)
    reply = scene.police.call(operations.LOOK_UP, restated(scene.police, request, tokens=other))
    assert (reply.status, reply.code) == (422, "not-as-stated")
    assert "scheme" in reply.content["detail"]


def test_the_sets_are_those_of_the_epochs_stated(scene: Scene) -> None:
    request = lookup(scene.police, scene.token)
    statement = documents.claimed(request.statement, LookupStatement)
    twice = restated(scene.police, request, tokens=statement.tokens * 2)
    reply = scene.police.call(operations.LOOK_UP, twice)
    assert (reply.status, reply.code) == (422, "not-as-stated")
    assert "epochs" in reply.content["detail"]


def test_a_statement_of_the_future_is_refused(scene: Scene, clock: FakeClock) -> None:
    reply = look_up(scene.police, scene.token, signed_at=clock() + 301_000)
    assert (reply.status, reply.code) == (422, "stale-statement")


def test_a_token_twice_is_refused_in_whatever_order(scene: Scene) -> None:
    tokens = random_tokens(32)
    doubled = sorted([*tokens[:-1], tokens[0]])
    reply = scene.police.call(operations.LOOK_UP, with_tokens(scene.police, b"".join(doubled)))
    assert (reply.status, reply.code) == (422, "tokens-not-ascending")


@pytest.mark.parametrize("size", [31 * 16, 64 * 16 - 1, 32 * 16 + 8, 193 * 16])
def test_only_the_agreed_sizes_are_taken(scene: Scene, size: int) -> None:
    """Any other size would tell how many keys a person's particulars make."""
    tokens = b"".join(random_tokens(-(-size // 16)))[:size]
    reply = scene.police.call(operations.LOOK_UP, with_tokens(scene.police, tokens))
    assert (reply.status, reply.code) in {(422, "token-count"), (422, "schema")}


def test_tokens_in_another_alphabet_are_refused(scene: Scene) -> None:
    request = lookup(scene.police)
    (token_set,) = request.sets
    # Bits that the last character may not have: the same bytes in a second form.
    wrong = replace(token_set, tokens=token_set.tokens[:-1] + "_")
    reply = scene.police.call(operations.LOOK_UP, replace(request, sets=(wrong,)))
    assert (reply.status, reply.code) == (422, "schema")


def test_a_statement_is_signed_by_the_agency_that_sends_it(scene: Scene) -> None:
    """Of everything else in it the council's own key would be proof."""
    request = lookup(scene.police, scene.token)
    statement = documents.claimed(request.statement, LookupStatement)
    other = replace(request, statement=documents.sign(statement, scene.council.key))
    reply = scene.police.call(operations.LOOK_UP, other)
    assert (reply.status, reply.code) == (422, "bad-document")


# --- What must be in force ---------------------------------------------------------------------


def test_an_agreement_of_others_carries_no_lookup(scene: Scene) -> None:
    health = scene.partnership.member("health", introducer=scene.police)
    scene.partnership.agree(scene.council, health, name="others")
    reply = look_up(scene.police, scene.token, agreements=("all", "others"))
    assert (reply.status, reply.code) == (403, "no-agreement")
    assert "others" in reply.content["detail"]


def test_an_agreement_for_another_purpose_carries_no_lookup(scene: Scene) -> None:
    scene.partnership.agree(scene.police, scene.council, name="more", purposes=("welfare",))
    reply = look_up(scene.police, scene.token, purpose="welfare", agreements=("all",))
    assert (reply.status, reply.code) == (403, "no-agreement")


def test_an_agreement_that_has_ended_carries_no_lookup(scene: Scene, clock: FakeClock) -> None:
    scene.police.open_epoch(2, closes_at=clock() + 999 * 86_400_000)
    clock.advance(366 * 86_400_000)
    reply = look_up(scene.police, scene.token, epochs=(2,))
    assert (reply.status, reply.code) == (403, "no-agreement")


@pytest.mark.parametrize(
    "changed", [{"visibility": "hidden"}, {"withdrawn": True}], ids=["hidden", "withdrawn"]
)
def test_the_desk_to_ring_back_can_be_shown(scene: Scene, changed: dict[str, Any]) -> None:
    """A hidden desk of the asker would be told to every holder it asks."""
    assert scene.police.sign_desk(version=2, **changed).status == 200
    reply = look_up(scene.police, scene.token)
    assert (reply.status, reply.code) == (422, "no-such-desk")


def test_the_desk_to_ring_back_is_the_askers_own(scene: Scene) -> None:
    scene.council.sign_desk("elsewhere")
    reply = look_up(scene.police, scene.token, call_back="elsewhere")
    assert (reply.status, reply.code) == (422, "no-such-desk")


# --- What is hidden ----------------------------------------------------------------------------


def test_the_eleventh_hit_at_a_hidden_desk_is_left_out_and_nobody_is_told(scene: Scene) -> None:
    """A refusal as too wide would tell the asker of what is hidden."""
    scene.council.sign_desk("quiet", visibility="hidden", name="Quiet line")
    hidden = secrets.token_bytes(16)
    many = [flag(scene.council, hidden, desk="quiet") for _ in range(11)]
    publish(scene.council, *many, sequence=2)
    answer = answered(look_up(scene.police, hidden))
    assert answer.shown.hits == ()
    with scene.partnership.index.database.read() as connection:
        query = select(side_records.c.withheld).order_by(side_records.c.intake.desc())
        kept = connection.execute(query).scalars().first() or b""
    told = canonical.decode(storage.unpad_withheld(kept), WithheldResult)
    assert len(told.hits) == 10


# --- A lookup that retention has erased --------------------------------------------------------


def test_a_lookup_whose_answer_retention_erased_is_not_made_again(scene: Scene) -> None:
    request = lookup(scene.police, scene.token)
    answered(scene.police.call(operations.LOOK_UP, request))
    with scene.partnership.index.database.write() as connection:
        connection.execute(side_records.delete())
    reply = scene.police.call(operations.LOOK_UP, request)
    assert (reply.status, reply.code) == (404, "answer-erased")
