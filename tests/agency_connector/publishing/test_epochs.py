"""Moving to another epoch and back: partners are never left without the agency's flags."""

from typing import Any

import pytest
import requests

from agency_connector.trust import epochs
from tests.agency_connector.publishing.borsetshire import Borsetshire, person
from tests.index_service.partnership import DAY_MS


def tokens(town: Borsetshire, epoch: int) -> set[bytes]:
    return {flag[2] for flag in town.flags(epoch).values()}


def test_an_agency_moves_to_a_new_epoch_and_back(town: Borsetshire) -> None:
    town.write(*(person(n) for n in range(8)))
    town.sync()
    first = town.flags(1)
    town.open_epoch(2)
    report = town.sync()
    assert (report.epoch, report.difference.new, report.left) == (2, 8, [1])
    assert (report.troubles, report.held) == ([], 0)
    assert (len(town.flags(1)), len(town.flags(2))) == (0, 8)
    assert (town.mark(1), town.mark(2)) == (None, "complete")
    assert not first.keys() & town.flags(2).keys()  # no handle joins the epochs
    epochs.use(town.connector, 1)
    report = town.sync()
    assert (report.epoch, report.left) == (1, [2])
    assert town.flags(1) == first
    assert (town.mark(1), town.mark(2)) == ("complete", None)
    assert town.sync().left == []


def test_the_old_epoch_is_left_only_when_the_new_one_is_complete(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.configure("cases", "others")
    town.write(person(1))
    town.write(person(2), source="others")
    town.sync()
    town.open_epoch(2)
    (town.folder / "others.csv").rename(town.folder / "away.csv")
    report = town.sync()
    assert (len(town.flags(1)), len(town.flags(2)), report.left) == (2, 1, [])
    (town.folder / "away.csv").rename(town.folder / "others.csv")

    def lose_marks(request: requests.PreparedRequest) -> None:
        if request.path_url == "/v1/flags/marks":
            raise requests.ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(town.index, "before", lose_marks)
        assert town.sync().left == []
    assert (len(town.flags(1)), len(town.flags(2))) == (2, 2)
    assert town.sync().left == [1]
    assert (len(town.flags(1)), len(town.flags(2))) == (0, 2)


def test_while_it_moves_what_ends_at_source_is_withdrawn_in_both(town: Borsetshire) -> None:
    town.configure("cases", "others")
    town.write(person(1), person(2))
    town.write(person(3), source="others")
    town.sync()
    town.open_epoch(2)
    (town.folder / "others.csv").rename(town.folder / "away.csv")
    town.sync()
    town.write(person(1))
    town.sync()
    assert (len(town.flags(1)), len(town.flags(2))) == (2, 1)


def test_an_old_epoch_that_the_index_has_closed_is_left_all_the_same(town: Borsetshire) -> None:
    """The index takes withdrawals in every epoch that it knows, so nothing stays behind there."""
    town.write(person(1))
    town.sync()
    town.clock.advance(364 * DAY_MS)
    town.open_epoch(2)
    town.clock.advance(2 * DAY_MS)
    town.write(person(1, Opened="1/12/2026"))
    report = town.sync()
    assert (report.left, report.troubles) == ([1], [])
    assert (len(town.flags(1)), len(town.flags(2))) == (0, 1)
    assert town.sync().left == []


def test_the_tokens_of_two_epochs_share_nothing(town: Borsetshire) -> None:
    town.write(person(1))
    town.sync()
    one: Any = next(iter(tokens(town, 1)))
    town.open_epoch(2)
    town.sync()
    two: Any = next(iter(tokens(town, 2)))
    split = [{both[at : at + 16] for at in range(0, 256, 16)} for both in (one, two)]
    assert not split[0] & split[1]


def test_a_closed_epoch_to_publish_in_is_one_clear_line(town: Borsetshire) -> None:
    town.write(person(1))
    town.clock.advance(200 * DAY_MS)
    town.write(person(1, Opened="1/7/2026"))
    assert town.sync().troubles == []
    town.clock.advance(170 * DAY_MS)
    town.write(person(2, Opened="1/12/2026"))
    report = town.sync()
    assert not report.marked
    assert any("Epoch 1 has closed: publish in a newer one" in line for line in report.troubles)
