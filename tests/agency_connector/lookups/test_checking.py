"""Checking a name from the form to the answer, on a real index and evaluator."""

import secrets
import threading
from typing import Any

import msgspec
import pytest
import requests

from agency_connector.installation import JOURNAL
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Kept, Prepared
from agency_connector.lookups import asking, token_sets
from agency_connector.lookups.errors import CheckRefused, problem_of
from agency_connector.matching.expansion import Expansion
from agency_connector.transport import ClockOff, NotGenuine, Refused, Unreachable
from foundation.operator import OperatorError
from index_service.settings import LimitSettings
from protocol.commitments import PARTICULARS, commit_to, commit_to_tokens
from protocol.encoding import b64u_decode, b64u_encode
from protocol.tokens import LOOKUP_SIZES, pad_lookup
from schemas.lookups import LookupRequest, LookupStatement
from tests.agency_connector.lookups.county import OFFICER, REASON, County, new_id
from tests.conftest import FakeClock

HOUR_MS = 3_600_000


def sent_statement(town: County) -> LookupStatement:
    """The statement of the last lookup that reached the index."""
    from protocol import documents

    request = msgspec.json.decode(town.lookups_sent()[-1], type=LookupRequest)
    return documents.read(request.statement, LookupStatement, town.police.signing_key.public)


def journalled(town: County, check: str) -> Any:
    return Journal.of(town.police).find(b64u_decode(check))


def unplug(*_: Any) -> None:
    raise requests.ConnectionError


def test_an_involved_partner_is_shown_with_its_team_how_sure_it_is_and_a_reference(
    town: County,
) -> None:
    answer = town.check()
    [hit] = answer.involved
    assert hit.partner == "Borchester Council"
    assert (hit.team.name, hit.team.phone) == ("Front desk", "01632 960200")
    assert hit.team.out_of_hours == "There is no out-of-hours number"
    assert hit.sure == "Almost certainly the same person"
    assert hit.because == "Same first name, surname and date of birth"
    assert answer.headline == "1 partner is involved"
    assert answer.sentences[-1] == (
        "Being listed means a team is involved, which may be support or care. It is not evidence "
        "of wrongdoing. Do not decide on it alone: phone."
    )
    [none] = answer.none_recorded
    assert (none.partner, none.fresh) == ("Felpersham Health", "Read today at 12:00")
    assert not answer.not_searched
    assert not answer.alarms


def test_no_hit_is_said_so_and_never_called_clear(town: County, clock: FakeClock) -> None:
    clock.advance(2 * HOUR_MS + 5 * 60_000)
    answer = town.check("Nelson Gabriel", "1 2 1933")
    assert answer.sentences == (
        (
            "No partner recorded involvement with this name and date of birth at 14:05. "
            "This does not mean the person is unknown or safe."
        ),
    )
    assert b"clear" not in msgspec.json.encode(answer).lower()


def test_no_hit_names_only_what_was_typed(town: County) -> None:
    answer = town.check("Nelson Gabriel", "", postcode="SW1A 2AA")
    assert answer.sentences[0].startswith("No partner recorded involvement with these details at ")


def test_times_are_those_of_our_own_desk(town: County, clock: FakeClock) -> None:
    """In July a British desk reads one hour more than UTC."""
    clock.set(1_784_116_800_000)  # 15 July 2026, 12:00 UTC
    town.mark("council")
    assert "at 13:00." in town.check("Nelson Gabriel", "1 2 1933").sentences[0]


def test_the_statement_says_what_was_done_and_no_more(town: County) -> None:
    """Commitments open with what the journal keeps; the officer stands under a pseudonym."""
    check = new_id()
    town.check(check=check)
    statement = sent_statement(town)
    kept = journalled(town, check)
    asked = kept.asked
    assert statement.lookup == check
    assert (statement.agency, statement.purpose, statement.breadth) == (
        "police", "safeguarding", "narrow",
    )  # fmt: skip
    assert (statement.agreements, statement.call_back) == (("all",), "front")
    opened = commit_to(PARTICULARS, b64u_decode(asked.particulars_salt), asked.typed)
    assert statement.particulars == b64u_encode(opened)
    assert asked.typed.reason == REASON
    request = msgspec.json.decode(town.lookups_sent()[-1], type=LookupRequest)
    joined = b64u_decode(request.sets[0].tokens)
    tokens = [joined[at : at + 16] for at in range(0, len(joined), 16)]
    assert len(tokens) in LOOKUP_SIZES
    assert tokens == sorted(set(tokens))
    own = [tokens[place] for place in kept.prepared.places[0]]
    assert pad_lookup(own, b64u_decode(asked.sets[0].dummy_salt)) == tuple(tokens)
    stated = statement.tokens[0]
    salt = b64u_decode(asked.sets[0].salt)
    assert stated.commitment == b64u_encode(commit_to_tokens(salt, 1, tokens))
    assert b64u_decode(statement.officer, 16)
    assert OFFICER.encode() not in town.lookups_sent()[-1]


def test_a_pseudonym_is_the_officers_alone_and_new_each_year(
    town: County, clock: FakeClock
) -> None:
    def officer(user: str) -> str:
        town.check(user=user)
        return sent_statement(town).officer

    first = officer("pc-archer")
    assert officer("pc-archer") == first
    assert officer("pc-perks") != first
    clock.advance(365 * 24 * HOUR_MS - 60_000)
    town.mark("council")
    assert officer("pc-archer") != first
    assert {"pseudonym-2026", "pseudonym-2027"} <= set(town.police.keyring.names())


def test_what_was_typed_is_in_the_journal_before_anything_is_sent(town: County) -> None:
    """Neither evaluator nor index is asked before the attempt is on the disk."""
    check = new_id()
    stages = []

    def look(stage: str) -> Any:
        def before(_: Any) -> None:
            found = journalled(town, check)
            stages.append((stage, found is not None, bool(found and found.prepared)))

        return before

    town.evaluation.before, town.index.before = look("evaluator"), look("index")
    town.check(check=check)
    assert stages == [("evaluator", True, False), ("index", True, True)]


def test_a_double_submit_is_one_check_and_one_record(town: County) -> None:
    check = new_id()
    first = town.check(check=check)
    again = town.check(check=check)
    assert again == first
    assert len(town.lookups_sent()) == 1
    assert len(town.consultations()) == 1


def test_two_submits_at_the_same_time_are_one_check_and_one_record(town: County) -> None:
    """Both sign the statement; the one that the journal took first is sent, by both."""
    check = new_id()
    meeting = threading.Barrier(2, timeout=20)
    answers, met = [], set()

    def meet(_: Any) -> None:
        if threading.get_ident() not in met:
            met.add(threading.get_ident())
            meeting.wait()

    town.evaluation.before = meet
    threads = [
        threading.Thread(target=lambda: answers.append(town.check(check=check))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert len(town.consultations()) == 1


def test_an_id_that_was_used_for_another_check_is_refused(town: County) -> None:
    check = new_id()
    town.check(check=check)
    for other in ({"full_name": "Nelson Gabriel"}, {"reason": "Another"}, {"user": "pc-perks"}):
        with pytest.raises(CheckRefused) as refused:
            town.check(check=check, **other)
        assert (refused.value.status, refused.value.code) == (409, "check-differs")


def test_an_answer_that_was_lost_is_fetched_again_and_recorded_once(town: County) -> None:
    """The index recorded it and the connection broke: the same statement gets the first answer."""
    check = new_id()
    town.index.after = unplug
    with pytest.raises(Unreachable):
        town.check(check=check)
    town.index.after = lambda _: None
    assert town.check(check=check).involved
    assert len(town.consultations()) == 1


def test_an_attempt_that_is_too_old_is_not_sent_again(town: County, clock: FakeClock) -> None:
    check = new_id()
    town.index.before = unplug
    with pytest.raises(Unreachable):
        town.check(check=check)
    town.index.before = lambda _: None
    clock.advance(5 * 60_000)
    with pytest.raises(CheckRefused, match="check the name again") as refused:
        town.check(check=check)
    assert refused.value.status == 409


@pytest.mark.parametrize("service", ["index", "evaluation"])
def test_a_service_that_is_down_is_one_clear_line_and_the_attempt_is_kept(
    town: County, service: str
) -> None:
    town.check("Nelson Gabriel", "1 2 1933")  # the directory has been seen
    getattr(town, service).before = unplug
    check = new_id()
    with pytest.raises(Unreachable) as down:
        town.check(check=check)
    problem = problem_of(down.value)
    assert (problem.status, problem.code) == (503, "unreachable")
    assert "cannot be reached" in problem.detail
    assert "\n" not in problem.detail
    kept = journalled(town, check)
    assert kept.asked.typed.particulars.full_name == "Shula Hebden"
    assert kept.kept is None


def test_a_clock_that_is_off_is_said_to_be(town: County, clock: FakeClock) -> None:
    town.check("Nelson Gabriel", "1 2 1933")
    real = town.police
    ahead = FakeClock(clock() + 10 * 60_000)
    town.connectors["police"] = type(real)(
        home=real.home, settings=real.settings, database=real.database, keyring=real.keyring,
        signing_key=real.signing_key, sealing_key=real.sealing_key, clock=ahead,
    )  # fmt: skip
    with pytest.raises((ClockOff, Refused)) as off:
        town.check()
    assert "clock" in str(off.value)
    assert problem_of(off.value).status == 502


def test_where_no_epoch_is_open_the_clock_is_the_first_to_look_at(town: County) -> None:
    """A clock that is years off closes every epoch, and a hand-over would not mend it."""
    with pytest.raises(OperatorError, match=r"clock is right.*hand over the new epoch"):
        token_sets.searchable_epochs(town.police.anchors(), 1)


def test_over_a_limit_is_refused_with_when_to_come_back(town: County) -> None:
    index = town.partnership.index
    limited = msgspec.structs.replace(index.settings, limits=LimitSettings(officer_per_hour=1))
    object.__setattr__(index, "settings", limited)
    town.check()
    check = new_id()
    with pytest.raises(Refused) as refused:
        town.check(check=check)
    problem = problem_of(refused.value)
    assert (problem.status, problem.code) == (429, "officer-over-hour")
    assert int(problem.headers["Retry-After"]) > 0
    assert journalled(town, check).kept is None


def test_more_than_ten_of_one_partner_is_too_wide_and_shows_nothing(town: County) -> None:
    town.publish("council", "C-100", "Shula Hebden", "08/08/1958", copies=10)
    with pytest.raises(Refused) as refused:
        town.check()
    assert (problem_of(refused.value).status, refused.value.code) == (422, "too-wide")
    assert "add a date of birth, a postcode or an identifier" in str(refused.value)


def test_a_purpose_that_is_not_agreed_is_not_sent(town: County) -> None:
    with pytest.raises(CheckRefused) as refused:
        town.check(purpose="curiosity")
    assert refused.value.code == "unknown-purpose"
    assert town.lookups_sent() == []


def test_without_a_desk_to_ring_back_nothing_is_sent(town: County) -> None:
    town.sign_again("police", 'visibility = "hidden"')
    with pytest.raises(OperatorError, match="no visible desk"):
        town.check()
    assert town.lookups_sent() == []


def test_an_agreement_that_came_into_force_a_moment_ago_counts(town: County) -> None:
    town.check()
    town.agree(purpose="missing-person", name="missing")
    assert town.check(purpose="missing-person").involved


@pytest.mark.parametrize(
    ("particulars", "code"),
    [
        ({"full_name": "", "born": ""}, "too-little"),
        ({"full_name": "Shula Hebden", "born": ""}, "too-little"),
        ({"born": "1 1 2999"}, "date-future"),
        ({"born": "31 2 1958"}, "date-impossible"),
        ({"born": "1 1 1900"}, "date-placeholder"),
        ({"postcode": "nowhere"}, None),
        ({"full_name": "\u200b\u200d\ufeff", "born": "8 8 1958"}, None),
        ({"full_name": "\x00\x01", "born": "8 8 1958"}, None),
        ({"full_name": "?" * 300, "born": "8 8 1958"}, None),
    ],
)
def test_what_cannot_be_used_is_refused_in_words_and_nothing_is_sent(
    town: County, particulars: dict[str, str], code: str | None
) -> None:
    check = new_id()
    with pytest.raises(CheckRefused) as refused:
        town.check(check=check, **particulars)
    assert refused.value.status == 422
    assert code in (None, refused.value.code)
    assert "Hebden" not in str(refused.value)
    assert town.lookups_sent() == []
    assert town.evaluation.bodies == []
    assert journalled(town, check) is None


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Ünal-Şahin", "Иван Петров", "محمد خان", "李 小龍", "אברהם כהן", "Νίκος Παππάς",
        "ประยุทธ์ จันทร์โอชา", "आरव शर्मा", "O'Brien-O\u2019Neill Seán", "Shula\u200bHebden Archer",
        "x" * 150 + " " + "y" * 149,
    ],
)  # fmt: skip
def test_a_name_in_any_script_is_searched_or_refused_in_words(town: County, name: str) -> None:
    try:
        told = town.check(name).sentences[-1]
    except CheckRefused as error:
        told = str(error)
    assert told.endswith(".")
    assert name not in told


def test_details_that_are_too_few_to_be_sure_are_recorded_and_can_be_widened(
    town: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a strong or likely key the narrow step is recorded with dummies alone."""
    real = token_sets.expand
    monkeypatch.setattr(token_sets, "expand", lambda person: Expansion((), real(person).narrow))
    answer = town.check()
    assert answer.can_look_wider
    assert answer.headline == "Nothing was compared yet"
    assert answer.none_recorded == ()
    [sentence] = answer.sentences
    assert sentence == (
        "These details are too few to be sure of anyone, so nothing was compared yet. This does "
        "not mean the person is unknown or safe."
    )
    assert len(town.consultations()) == 1
    assert town.wider(answer.check).involved


def test_looking_wider_is_a_second_recorded_step_that_recalls_the_first(town: County) -> None:
    town.publish("health", "H-1", "Shula Hebden", "02/03/1958")
    first = town.check()
    assert first.can_look_wider
    check = new_id()
    wide = town.wider(first.check, check)
    statement = sent_statement(town)
    assert (statement.breadth, statement.follows) == ("wide", first.check)
    assert (wide.breadth, wide.follows, wide.can_look_wider) == ("wide", first.check, False)
    assert "Your first check found Borchester Council: phone them." in wide.sentences
    assert "Borchester Council" not in {none.partner for none in wide.none_recorded}
    assert len(town.consultations()) == 2
    assert town.wider(first.check, check) == wide
    assert len(town.consultations()) == 2


def test_nobody_widens_another_officers_check(town: County) -> None:
    first = town.check()
    with pytest.raises(CheckRefused) as refused:
        town.wider(first.check, user="pc-perks")
    assert refused.value.status == 404
    with pytest.raises(CheckRefused) as unknown:
        town.wider(new_id())
    assert str(unknown.value) == str(refused.value)


def test_looking_wider_too_late_is_refused_by_the_index_in_words(
    town: County, clock: FakeClock
) -> None:
    first = town.check()
    clock.advance(31 * 60_000)
    with pytest.raises(Refused, match="30 minutes"):
        town.wider(first.check)


def test_an_answer_is_shown_again_to_its_officer_alone(town: County) -> None:
    answer = town.check()
    told = asking.told_before(town.police, OFFICER, answer.check)
    assert told is not None
    assert told.answer == answer
    assert asking.told_before(town.police, "pc-perks", answer.check) is None
    assert asking.told_before(town.police, OFFICER, new_id()) is None


def test_what_is_kept_is_the_evidence_as_it_came(town: County) -> None:
    answer = town.check()
    kept = journalled(town, answer.check)
    assert isinstance(kept.kept, Kept)
    assert isinstance(kept.prepared, Prepared)
    assert kept.kept.answer.receipt
    assert kept.kept.answer.entry


def test_a_new_evaluation_key_that_was_not_handed_over_is_noticed(town: County) -> None:
    """The evaluator proves its key on every lookup; another key gives no answer at all."""
    from protocol import voprf

    keys = town.evaluator.keys.epochs
    keys[1] = voprf.derive_key_pair(secrets.token_bytes(32), b"test")
    check = new_id()
    with pytest.raises(OperatorError, match="not made with the key") as caught:
        town.check(check=check)
    assert problem_of(caught.value).status == 502
    assert journalled(town, check).prepared is None
    assert not isinstance(caught.value, NotGenuine)
    assert JOURNAL in town.police.keyring.names()
