"""What happens at the same time: nothing is doubled, and no limit is passed; on both databases."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from index_service.audit.intake import intake
from index_service.flags.storage import flag_tokens, flags
from index_service.lookups.storage import lookups
from index_service.settings import LimitSettings
from protocol.encoding import b64u_encode
from protocol.entries import read_entry
from schemas.entries import Collection, Consultation, Refusal
from schemas.operations import LOOK_UP, PUBLISH
from tests.index_service.partnership import Agency, Partnership
from tests.index_service.publishing import batch, flag, lookup
from tests.protocol.signed_calls import Reply

AT_ONCE = 6
OFFICERS_LIMIT = 4
Pair = tuple[Agency, Agency]


@pytest.fixture
def pair(database: Any, clock: Any) -> Pair:
    """Two members in agreement on an index with small limits: SQLite once, PostgreSQL once."""
    limits = LimitSettings(officer_per_hour=OFFICERS_LIMIT)
    partnership = Partnership.on(database, clock, limits=limits)
    police = partnership.member("police")
    assert police.open_epoch().status == 200
    council = partnership.member("council", police)
    partnership.agree(police, council)
    return police, council


def at_once(agency: Agency, calls: list[Callable[[Agency], Reply]]) -> list[Reply]:
    """Make every call at the same moment, each over a connection of its own."""
    ready = threading.Barrier(len(calls))
    app = agency.client.application

    def make(call: Callable[[Agency], Reply]) -> Reply:
        mine = replace(agency, client=FlaskClient(app, app.response_class))
        ready.wait(10)
        return call(mine)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


def count(agency: Agency, table: Any) -> int:
    with agency.index.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def kinds(agency: Agency) -> Counter[type]:
    """How many entries of each kind the record has."""
    with agency.index.database.read() as connection:
        return Counter(type(read_entry(row.entry)) for row in connection.execute(select(intake)))


def test_one_batch_sent_several_times_at_once_is_taken_once(pair: Pair) -> None:
    """Each gets the same bytes: who sent it cannot tell, and need not, which came first."""
    _, council = pair
    sent = batch(council, *(flag(council) for _ in range(50)))
    replies = at_once(council, [lambda agency: agency.call(PUBLISH, sent)] * AT_ONCE)
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert (count(council, flags), count(council, flag_tokens)) == (50, 50 * 16)
    assert kinds(council)[Collection] == 1


def test_two_batches_at_once_are_both_taken_or_the_older_is_told_so(pair: Pair) -> None:
    """Two programs publish for one agency: no flag stands that neither of them sent."""
    _, council = pair
    first = batch(council, flag(council), sequence=1)
    second = batch(council, flag(council), sequence=2)
    replies = at_once(
        council,
        [lambda agency: agency.call(PUBLISH, first), lambda agency: agency.call(PUBLISH, second)],
    )
    taken = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status != 200]
    assert replies[1].status == 200
    assert all(reply.code == "old-sequence" for reply in refused)
    assert count(council, flags) == len(taken)
    assert kinds(council)[Collection] == len(taken)


def test_one_lookup_sent_several_times_at_once_is_recorded_once(pair: Pair) -> None:
    police, _ = pair
    asked = lookup(police)
    replies = at_once(police, [lambda agency: agency.call(LOOK_UP, asked)] * AT_ONCE)
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert kinds(police)[Consultation] == 1
    assert count(police, lookups) == 1


def test_an_officers_limit_is_exact_however_many_ask_at_once(pair: Pair) -> None:
    """Each lookup that is granted is recorded, each that is refused too, and none is lost."""
    police, _ = pair
    asked = [lookup(police) for _ in range(3 * OFFICERS_LIMIT)]
    replies = at_once(police, [lambda agency, one=one: agency.call(LOOK_UP, one) for one in asked])
    told = Counter(reply.status for reply in replies)
    assert told == {200: OFFICERS_LIMIT, 429: 2 * OFFICERS_LIMIT}
    recorded = kinds(police)
    assert recorded[Consultation] == OFFICERS_LIMIT
    assert recorded[Refusal] == 2 * OFFICERS_LIMIT
    for reply in replies:
        if reply.status == 429:
            assert reply.code == "officer-over-hour"
            assert reply.content["retry_after"] > 0


def test_a_lookup_sent_again_does_not_count_against_the_limit(pair: Pair) -> None:
    """A retry is not another check: the officer keeps what is left of the hour."""
    police, _ = pair
    asked = lookup(police)
    for _ in range(3 * OFFICERS_LIMIT):
        assert police.call(LOOK_UP, asked).status == 200
    rest = [police.call(LOOK_UP, lookup(police)).status for _ in range(OFFICERS_LIMIT)]
    assert rest == [200] * (OFFICERS_LIMIT - 1) + [429]


def test_officers_at_the_same_time_do_not_use_up_each_others_limit(pair: Pair) -> None:
    police, _ = pair
    officers = [b64u_encode(bytes([number]) * 16) for number in range(1, AT_ONCE + 1)]
    asked = [lookup(police, officer=officer) for officer in officers]
    replies = at_once(police, [lambda agency, one=one: agency.call(LOOK_UP, one) for one in asked])
    assert [reply.status for reply in replies] == [200] * AT_ONCE


def test_a_request_is_taken_once_although_it_comes_twice_at_once(pair: Pair) -> None:
    """The same signed bytes, as an eavesdropper would send them: one is granted, one refused."""
    police, _ = pair
    asked = lookup(police)
    nonce = b"\x05" * 16
    replies = at_once(police, [lambda agency: agency.call(LOOK_UP, asked, nonce=nonce)] * AT_ONCE)
    told = Counter(reply.status for reply in replies)
    assert told == {200: 1, 401: AT_ONCE - 1}
    assert {reply.code for reply in replies if reply.status == 401} == {"replayed"}
