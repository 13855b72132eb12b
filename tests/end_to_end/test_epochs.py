"""One of two agencies moves to a new epoch and back: what is not searched is never none recorded.

The steps build on each other, so they stand in one test.
"""

import pytest
from sqlalchemy import select

from agency_connector.trust import epochs, handover
from index_service.flags.storage import flags
from schemas.checks import CheckAnswer
from tests.end_to_end.eastmere import BARTHOLOMEW, DAY_MS, PHONES, ZEPHYRINE, Town, phones

FOUND = {"Council": PHONES["council"]}


def published(town: Town, epoch: int) -> None:
    """Let the council publish in `epoch` from now on."""
    epochs.use(town["council"], epoch)
    report = town.sync("council")
    assert (report.troubles, report.marked, report.epoch) == ([], True, epoch)
    town.later()


def require_not_searched(answer: CheckAnswer, partner: str) -> None:
    assert partner not in phones(answer)
    assert partner not in [told.partner for told in answer.none_recorded]
    (told,) = [told for told in answer.not_searched if told.partner == partner]
    assert "keys that this connector does not have" in told.why
    assert told.phone == PHONES[partner.lower()]


def test_a_partner_that_moves_to_another_epoch_and_back(town: Town) -> None:
    # Before: both publish in epoch 1, and both are found.
    assert phones(town.check("police", ZEPHYRINE)) == FOUND

    # The council opens epoch 2 and moves; the police hold epoch 1 alone.
    council, police = town["council"], town["police"]
    epochs.open_later(council, 2, lambda _: town.digits(2), town.clock() + 365 * DAY_MS)
    published(town, 2)
    answer = town.check("police", ZEPHYRINE)
    require_not_searched(answer, "Council")
    require_not_searched(town.look_wider("police", answer), "Council")
    # The other agency has not moved, and is found as before.
    assert phones(town.check("police", BARTHOLOMEW)) == {"Health": PHONES["health"]}
    require_not_searched(town.check("health", ZEPHYRINE), "Council")

    # The police are handed epoch 2: now they search both.
    assert handover.send(council, "police", 2, _nobody_asks).compared is False
    assert handover.receive(police, None, _nobody_asks).epochs == (2,)
    assert phones(town.check("police", ZEPHYRINE)) == FOUND
    assert phones(town.check("police", BARTHOLOMEW)) == {"Health": PHONES["health"]}
    require_not_searched(town.check("health", ZEPHYRINE), "Council")

    # And back again: found by whoever holds epoch 1.
    published(town, 1)
    assert phones(town.check("police", ZEPHYRINE)) == FOUND
    assert phones(town.check("health", ZEPHYRINE)) == FOUND


def test_no_flag_is_left_in_the_epoch_that_was_left(town: Town) -> None:
    """Left behind it would be found for ever, and never withdrawn."""
    with town.index_app.database.read() as connection:
        rows = connection.execute(select(flags.c.agency, flags.c.epoch)).all()
    assert sorted(set(rows)) == [("council", 1), ("health", 1)]


def _nobody_asks(question: str) -> str:
    pytest.fail(f"members that know each other compare no digits: {question}")
