"""Keys are believed only through a chain that starts at a key that was handed over."""

from itertools import permutations

import msgspec
import pytest

from protocol import documents
from protocol.envelopes import BadEnvelope
from protocol.membership import Membership, extend, read_signed
from schemas.agencies import Introduction, KeyChange
from schemas.envelopes import Envelope
from tests.protocol.members import AT, PARTNERSHIP, Someone


def believe(
    start: Someone, introductions: tuple[Envelope, ...], changes: tuple[Envelope, ...] = ()
) -> Membership:
    return extend({start.name: start.known}, PARTNERSHIP, introductions, changes)


def test_a_chain_of_introductions_is_followed_in_any_order() -> None:
    police, council, health = Someone("police"), Someone("council"), Someone("health")
    chain = (police.introduces(council), council.introduces(health))
    for order in permutations(chain):
        found = believe(police, order)
        assert set(found.members) == {"police", "council", "health"}
        assert found.members["health"].keys == health.keys
        assert found.doubts == ()


def test_an_agency_nobody_introduced_is_doubted() -> None:
    police, stranger, friend = Someone("police"), Someone("stranger"), Someone("friend")
    found = believe(police, (stranger.introduces(friend),))
    assert set(found.members) == {"police"}
    assert [doubt.agency for doubt in found.doubts] == ["friend"]


def test_an_introduction_signed_with_another_key_in_a_members_name_is_doubted() -> None:
    police, council = Someone("police"), Someone("council")
    forger = Someone("police")
    found = believe(police, (forger.introduces(council),))
    assert "council" not in found.members
    assert [doubt.agency for doubt in found.doubts] == ["council"]


def test_an_introduction_never_replaces_keys_that_are_known() -> None:
    police, council, forged = Someone("police"), Someone("council"), Someone("council")
    both = (police.introduces(council), police.introduces(council, keys=forged.keys))
    found = extend({m.name: m.known for m in (police, council)}, PARTNERSHIP, both, ())
    assert found.members["council"].keys == council.keys
    assert [doubt.agency for doubt in found.doubts] == ["council"]


def test_a_change_of_keys_signed_with_the_old_key_is_followed() -> None:
    police, council = Someone("police"), Someone("council")
    introduction = police.introduces(council)
    first, second = council.changes_keys(), council.changes_keys()
    found = believe(police, (introduction,), (second, first))
    assert found.members["council"].keys == council.keys
    assert found.doubts == ()


def test_an_introduction_from_before_a_change_is_no_contradiction_later() -> None:
    police, council = Someone("police"), Someone("council")
    introduction = police.introduces(council)
    change = council.changes_keys()
    known = {m.name: m.known for m in (police, council)}
    assert extend(known, PARTNERSHIP, (introduction,), (change,)).doubts == ()


def test_a_change_of_keys_signed_with_any_other_key_is_not_followed() -> None:
    police, council, forger = Someone("police"), Someone("council"), Someone("council")
    introduction = police.introduces(council)
    change = forger.changes_keys()
    found = believe(police, (introduction,), (change,))
    assert found.members["council"].keys == council.keys


def test_another_partnerships_introduction_counts_for_nothing() -> None:
    police, council = Someone("police"), Someone("council")
    found = believe(police, (police.introduces(council, partnership="felpersham"),))
    assert set(found.members) == {"police"}
    assert len(found.doubts) == 1


def test_changes_that_lead_back_are_followed_once_and_end() -> None:
    police, council = Someone("police"), Someone("council")
    introduction = police.introduces(council)
    first_key, first_sealing = council.key, council.sealing
    there = council.changes_keys()
    second = council.keys
    back = documents.sign(
        KeyChange(
            partnership=PARTNERSHIP,
            agency="council",
            old_key=council.key.key_id,
            keys=Someone("council", first_key, first_sealing).keys,
            signed_at=AT + 1,
        ),
        council.key,
    )
    found = believe(police, (introduction,), (back, there))
    assert found.members["council"].keys == second


def test_what_a_replaced_key_signed_before_holds_and_after_does_not() -> None:
    police, council, health = Someone("police"), Someone("council"), Someone("health")
    introduction = police.introduces(council)
    old = Someone("council", council.key, council.sealing)
    change = council.changes_keys()
    believed = believe(police, (introduction, old.introduces(health)), (change,))
    assert "health" in believed.members
    member = believed.members["council"]
    later = documents.sign(
        msgspec.structs.replace(
            documents.claimed(old.introduces(health), Introduction), signed_at=AT + 1
        ),
        old.key,
    )
    with pytest.raises(BadEnvelope, match="had been replaced by then"):
        read_signed(member, later, Introduction, lambda told: told.signed_at)
    read_signed(member, council.introduces(health), Introduction, lambda told: told.signed_at)
