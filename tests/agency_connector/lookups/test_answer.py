"""The words of answers about partners: each state in plain words, and never more than is known."""

from typing import Any

import pytest

from agency_connector.journal.records import Before, Findings, Found, Partner
from agency_connector.lookups.answer import in_words
from schemas.lookups import PartnerState
from tests.agency_connector.lookups.county import DESK, County, new_id
from tests.agency_connector.lookups.test_hours import at, desk

NOW = at("2026-01-15T14:05")


def findings(*partners: Partner, **changed: Any) -> Findings:
    told: dict[str, Any] = {
        "found": (), "partners": partners, "never_show": (), "log": "l", "answered_at": NOW,
        "time_zone": "Europe/London", "found_before": (), "by_name_and_date": True,
        "nothing_sure": False, "can_look_wider": False,
    }  # fmt: skip
    return Findings(**{**told, **changed})


def partner(
    searched: str,
    because: str | None = None,
    read_at: int | None = None,
    agency: str = "health",
    shows: bool = True,
) -> Partner:
    state = PartnerState(agency=agency, searched=searched, because=because, read_at=read_at)  # type: ignore[arg-type]  # a test's words
    return Partner(agency=agency, name="Health", shows=shows, state=state, desk=desk())


def hit(agency: str) -> Found:
    return Found(
        agency=agency, partner="Health", desk=desk(), surety="strong", because="the same number",
        reference="0" * 26, expires_at=NOW,
    )  # fmt: skip


PARTLY = (
    "Searched only in part: its latest records were made with keys that this connector does not "
    "have."
)
PAUSED = (
    "Its records cannot be read at present: what was searched was read 12 January 2026 at 06:00."
)


@pytest.mark.parametrize(
    ("searched", "because", "words"),
    [
        ("not_searched", "no_agreement",
         "Not searched: no agreement between you covers this purpose."),
        ("not_searched", "nothing_published",
         "Not searched: it has not published anything yet."),
        ("not_searched", "other_epoch",
         "Not searched: its records were made with keys that this connector does not have."),
        ("partly", "other_epoch", PARTLY),
        ("not_searched", "suspended", "Not searched: it is suspended from the partnership."),
        ("partly", "some_desks_do_not_answer",
         "Searched only in part: some of its teams do not answer to your agency for this purpose."),
        ("not_searched", "no_desk_answers",
         "Not searched: none of its teams answers to your agency for this purpose."),
        ("stale", "out_of_date",
         "Out of date: what was searched was read 12 January 2026 at 06:00."),
        ("paused", "source_paused", PAUSED),
        ("not_searched", None, "Not searched: the index does not say why."),
    ],
)  # fmt: skip
def test_a_partner_that_was_not_wholly_searched_is_listed_with_why_and_whom_to_phone(
    searched: str, because: str | None, words: str
) -> None:
    told = partner(searched, because, at("2026-01-12T06:00"))
    answer = in_words(new_id(), "narrow", None, findings(told), NOW)
    [missed] = answer.not_searched
    assert (missed.why, missed.team, missed.phone) == (words, "Front desk", "01632 960000")
    assert answer.none_recorded == ()


def test_partners_that_never_show_are_named_in_the_same_words_hit_or_miss(town: County) -> None:
    """A hit at a hidden desk changes nothing that the asker reads."""
    quiet = DESK.format(id="quiet", name="Second desk", phone="01632 960333",
                        more='visibility = "hidden"')  # fmt: skip
    town.sign_again("health", "", quiet)
    town.clock.advance(61_000)
    miss = town.check("Nelson Gabriel", "1 2 1933")
    town.publish("health", "H-9", "Nelson Gabriel", "01/02/1933", desk="quiet")
    hit = town.check("Nelson Gabriel", "1 2 1933")
    sentence = (
        "Some partners never show whether they are involved; if they are, they decide whether to "
        "contact you: Felpersham Health."
    )
    assert sentence in miss.sentences
    assert (hit.sentences, hit.never_show, hit.headline) == (
        miss.sentences, miss.never_show, miss.headline,
    )  # fmt: skip
    assert hit.involved == ()
    assert "Felpersham Health" not in {none.partner for none in hit.none_recorded}


def test_a_partner_with_hidden_desks_alone_is_not_called_unsearched() -> None:
    hidden = partner("not_searched", "no_desk_answers", shows=False)
    told = findings(hidden, never_show=("Health",))
    answer = in_words(new_id(), "narrow", None, told, NOW)
    assert answer.not_searched == ()
    assert answer.none_recorded == ()


def test_two_partners_of_one_name_are_told_apart() -> None:
    """What is said of the one, involved or never showing, is not taken for said of the other."""
    two = (
        partner("searched", read_at=NOW, agency="health-east"),
        partner("searched", read_at=NOW, agency="health-west"),
    )
    narrow = in_words(new_id(), "narrow", None, findings(*two, found=(hit("health-east"),)), NOW)
    assert (len(narrow.involved), len(narrow.none_recorded)) == (1, 1)
    before = (Before(agency="health-east", partner="Health"),)
    wide = in_words(new_id(), "wide", None, findings(*two, found_before=before), NOW)
    assert len(wide.none_recorded) == 1

    unanswered = partner("not_searched", "no_desk_answers", agency="health-west")
    quiet = partner("searched", read_at=NOW, agency="health-east", shows=False)
    told = in_words(
        new_id(), "narrow", None, findings(quiet, unanswered, never_show=("Health",)), NOW
    )
    assert (len(told.none_recorded), len(told.not_searched)) == (0, 1)


def test_a_team_opens_and_closes_while_an_answer_is_kept(town: County) -> None:
    """Whether a team is open is as of reading, not as of checking."""
    from agency_connector.lookups import asking
    from tests.agency_connector.lookups.county import OFFICER

    town.sign_again("council", 'hours = ["thu 09:00-13:00"]')
    answer = town.check()
    assert answer.involved[0].team.open_now is True
    town.clock.advance(2 * 3_600_000)
    told = asking.told_before(town.police, OFFICER, answer.check)
    assert told is not None
    assert told.answer.involved[0].team.open_now is False
