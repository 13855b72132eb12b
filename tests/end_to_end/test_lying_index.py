"""An index that lies, end to end: it holds its own keys, signs what it likes, and gains nothing.

It stands between the connectors and the honest index and changes answers, one lie a test. Where
it needs the log's key too, it has that as well (`record`).
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from agency_connector.evaluation.tokeniser import EvaluatorDishonest
from agency_connector.lookups import resolving
from agency_connector.lookups.errors import AnswerDisbelieved
from agency_connector.trust import directory, standing
from protocol import documents, receipts, voprf
from protocol.commitments import SHOWN, commit_to
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import entry_bytes, read_entry
from protocol.keys import SigningKey
from protocol.references import new_reference
from protocol.verifier_keys import verifier_key
from schemas.agencies import Desk, Introduction
from schemas.entries import Consultation
from schemas.epochs import EpochDescriptor
from schemas.flags import BatchTaken
from schemas.lookups import LookupAnswer, LookupStatement, Matched, Resolution, ShownResult
from tests.end_to_end.eastmere import (
    BARTHOLOMEW,
    PHONES,
    ZEPHYRINE,
    Town,
    one_line,
    phones,
)
from tests.end_to_end.lies import FAKE, FAKE_KEYS, FALSE_NUMBER, lie_in_directory, swapped_keys


@pytest.fixture(autouse=True)
def _honest_before(town: Town) -> None:
    """The control: what is lied about below is found when nobody lies."""
    town.later()
    assert phones(town.check("police", ZEPHYRINE)) == {"Council": PHONES["council"]}
    town.later()


def disbelieved(town: Town, says: str) -> None:
    """Check a name: nothing may be shown, and the line says why and what to do."""
    with pytest.raises(AnswerDisbelieved) as told:
        town.check("police", ZEPHYRINE)
    line = one_line(told.value)
    assert says in line
    assert "Nothing of it is shown" in line


# --- The directory: keys, desks, the evaluator's key -------------------------------------------


def forged_desks(desks: Any, agency: str = "council") -> Any:
    """The desks, with another number in that of `agency`, signed by the liar."""

    def forged(envelope: Any) -> Any:
        desk = documents.claimed(envelope, Desk)
        if desk.agency != agency:
            return envelope
        return documents.sign(replace(desk, phone=FALSE_NUMBER, version=desk.version + 1), FAKE)

    return tuple(forged(envelope) for envelope in desks)


def test_another_members_keys_are_not_swapped(town: Town) -> None:
    """The police keep to the keys they were handed, and say that something is wrong."""
    lie_in_directory(town, agencies=swapped_keys("council"))
    answer = town.check("police", ZEPHYRINE)
    assert phones(answer) == {"Council": PHONES["council"]}
    view = directory.last_seen(town["police"])
    assert any("other keys for council" in doubt.sentence for doubt in view.doubts)
    assert town["police"].anchors().signing_key_of("council") == town["council"].signing_key.public


def test_a_forged_introduction_gives_no_member_other_keys(town: Town) -> None:
    def introduced_again(honest: Any) -> Any:
        told = [documents.claimed(one, Introduction) for one in honest]
        return tuple(
            documents.sign(replace(claim, keys=FAKE_KEYS), FAKE)
            if claim.agency == "council"
            else one
            for one, claim in zip(honest, told, strict=True)
        )

    lie_in_directory(
        town,
        agencies=swapped_keys("council"),
        introductions=introduced_again,
        desks=forged_desks,
    )
    town.index.lies["look-up"] = lambda answer: replace(answer, desks=forged_desks(answer.desks))
    answer = town.check("police", ZEPHYRINE)
    assert FALSE_NUMBER not in str(answer)
    assert town["police"].anchors().signing_key_of("council") == town["council"].signing_key.public


def test_a_false_number_in_the_directory_is_not_shown(town: Town) -> None:
    """The true one stands, signed by its agency: it came with the answer."""
    lie_in_directory(town, desks=forged_desks)
    assert phones(town.check("police", ZEPHYRINE)) == {"Council": PHONES["council"]}


def test_a_false_number_that_comes_with_an_answer_is_not_shown(town: Town) -> None:
    """The officer is told that the partner is involved, and not to phone that number."""
    lie_in_directory(town, desks=forged_desks)
    town.index.lies["look-up"] = lambda answer: replace(answer, desks=forged_desks(answer.desks))
    answer = town.check("police", ZEPHYRINE)
    assert answer.involved == ()
    assert FALSE_NUMBER not in str(answer)
    assert "Council" not in [told.partner for told in answer.none_recorded]
    (alarm,) = answer.alarms
    assert "not signed by Council" in alarm
    assert "a number you already know" in alarm


def test_another_members_desk_is_not_shown_in_place_of_the_right_one(town: Town) -> None:
    health = directory.refresh(town["police"]).desks["health", "front-desk"]
    town.later()

    def others(answer: LookupAnswer) -> LookupAnswer:
        desk = documents.sign(replace(health, agency="council"), town["health"].signing_key)
        return replace(answer, desks=(desk,))

    lie_in_directory(town, desks=lambda _: ())
    town.index.lies["look-up"] = others
    answer = town.check("police", ZEPHYRINE)
    assert answer.involved == ()
    assert PHONES["health"] not in str(answer.alarms)


@pytest.mark.parametrize("signer", ["the liar", "a member that conspires"])
def test_the_evaluators_key_is_not_swapped(town: Town, signer: str) -> None:
    """Tokens go on being made with the key that was handed over, not with one the index names."""
    police = town["police"]
    true = police.anchors().epochs
    key = FAKE if signer == "the liar" else town["health"].signing_key

    def others(honest: Any) -> Any:
        told = documents.claimed(honest[0], EpochDescriptor)
        pair = voprf.derive_key_pair(b"\x01" * 32, b"liar")
        forged = replace(
            told,
            evaluator_public_key=b64u_encode(pair.public_key),
            evaluator_signing_key=FAKE_KEYS.signing,
        )
        return (documents.sign(forged, key),)

    lie_in_directory(town, epochs=others)
    assert phones(town.check("police", BARTHOLOMEW)) == {"Health": PHONES["health"]}
    assert police.anchors().epochs == true
    assert any("epoch" in doubt.sentence for doubt in directory.last_seen(police).doubts)


def test_an_evaluator_with_another_key_makes_no_token(town: Town) -> None:
    """Whoever signs as the evaluator and evaluates with another key: nothing reaches the index."""
    pair = voprf.derive_key_pair(b"\x02" * 32, b"liar")

    def evaluated(honest: Any) -> Any:
        sent = b64u_decode(msgspec.json.decode(town.evaluator.asked)["elements"])
        answer = voprf.evaluate(pair.private_key, sent)
        proof = voprf.prove(pair.private_key, sent, answer)
        return replace(honest, elements=b64u_encode(answer), proof=b64u_encode(proof))

    town.evaluator.lies["evaluate"] = evaluated
    before = len(town.index.bodies_of("look-up"))
    with pytest.raises(EvaluatorDishonest) as told:
        town.check("police", ZEPHYRINE)
    assert "phone the evaluator's operator" in one_line(told.value)
    assert len(town.index.bodies_of("look-up")) == before


# --- What is shown, and the record of it -------------------------------------------------------


def record(town: Town, answer: LookupAnswer, shown: ShownResult) -> LookupAnswer:
    """Record another result than the honest index did: with the log's own key, for once."""
    honest = read_entry(b64u_decode(answer.entry))
    assert isinstance(honest, Consultation)
    opened = b64u_encode(commit_to(SHOWN, b64u_decode(answer.shown_salt), shown))
    entry = entry_bytes(replace(honest, shown=opened))
    log = town.index_app.log
    receipt = receipts.issue(entry, log.name, town.clock(), town.clock() + 1, log.key)
    return replace(answer, shown=shown, entry=b64u_encode(entry), receipt=receipt)


CHANGES: dict[str, Callable[[ShownResult], ShownResult]] = {
    "the hit dropped": lambda shown: replace(shown, hits=()),
    "the desk of the hit changed": lambda shown: replace(
        shown, hits=(replace(shown.hits[0], desk="other-desk"),)
    ),
    "the hit given to another partner": lambda shown: replace(
        shown, hits=(replace(shown.hits[0], agency="health"),)
    ),
    "another reference": lambda shown: replace(
        shown, hits=(replace(shown.hits[0], reference="2222222222"),)
    ),
    "a partner said to be searched that was not": lambda shown: replace(
        shown, partners=tuple(replace(told, read_at=told.read_at + 1) for told in shown.partners)
    ),
    "a partner dropped": lambda shown: replace(shown, partners=shown.partners[:1]),
    "another time": lambda shown: replace(shown, answered_at=shown.answered_at + 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_shown_is_what_was_recorded_or_nothing(town: Town, change: str) -> None:
    """The record commits to the result: another one needs a record of its own, which convicts."""
    town.index.lies["look-up"] = lambda answer: replace(answer, shown=CHANGES[change](answer.shown))
    disbelieved(town, "what it shows is not what it recorded")


def first_match(shown: ShownResult, position: int) -> ShownResult:
    hit = shown.hits[0]
    return replace(
        shown, hits=(replace(hit, matched=Matched(epoch=hit.matched.epoch, positions=(position,))),)
    )


RECORDED: dict[str, tuple[Callable[[ShownResult], ShownResult], str]] = {
    "a token that was not sent": (lambda shown: first_match(shown, 191), "was not sent"),
    "one reference for two": (
        lambda shown: replace(shown, hits=(shown.hits[0], shown.hits[0])), "one reference twice"
    ),
    "an epoch that was not searched": (
        lambda shown: replace(
            shown,
            hits=(replace(shown.hits[0], matched=replace(shown.hits[0].matched, epoch=2)),),
        ),
        "was not searched",
    ),
    "our own flag": (
        lambda shown: replace(shown, hits=(replace(shown.hits[0], agency="police"),)), "our own"
    ),
    "another lookup": (lambda shown: replace(shown, lookup="A" * 22), "another lookup"),
    "an hour ago": (
        lambda shown: replace(shown, answered_at=shown.answered_at - 3_600_000), "another time"
    ),
    "a mistyped reference": (
        lambda shown: replace(shown, hits=(replace(shown.hits[0], reference="2345678923"),)),
        "check character",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", RECORDED)
def test_a_false_result_is_not_shown_even_if_it_is_recorded(town: Town, change: str) -> None:
    """With the log's key too, an index can record a falsehood; this much is seen at once."""
    lie, says = RECORDED[change]
    town.index.lies["look-up"] = lambda answer: record(town, answer, lie(answer.shown))
    disbelieved(town, says)


def test_a_dummy_that_is_said_to_match_gives_the_lie_away(town: Town) -> None:
    """Nobody can hold a flag with a dummy; so hits cannot be invented blindly."""

    def everything_matched(shown: ShownResult) -> ShownResult:
        (tokens,) = msgspec.json.decode(town.index.asked)["sets"]
        size = len(b64u_decode(tokens["tokens"])) // 16
        return replace(
            shown,
            hits=tuple(
                replace(
                    shown.hits[0],
                    reference=new_reference(),
                    matched=Matched(epoch=1, positions=tuple(range(start, start + 16))),
                )
                for start in range(0, size, 16)
            ),
        )

    town.index.lies["look-up"] = lambda answer: record(
        town, answer, everything_matched(answer.shown)
    )
    disbelieved(town, "a dummy matched")


def test_a_partner_that_is_left_out_is_not_none_recorded(town: Town) -> None:
    """Even if that is recorded too: the directory names the partner, and the answer does not."""
    town.index.lies["look-up"] = lambda answer: record(
        town, answer, replace(answer.shown, hits=(), partners=())
    )
    answer = town.check("police", ZEPHYRINE)
    assert answer.none_recorded == ()
    assert [told.partner for told in answer.not_searched] == ["Council", "Health"]
    assert all("does not mention it" in told.why for told in answer.not_searched)


def test_a_dropped_hit_that_is_recorded_stands_in_the_record(town: Town) -> None:
    """That much an index can do. The asker keeps what convicts it: its signed word for "no hit"."""
    town.index.lies["look-up"] = lambda answer: record(town, answer, replace(answer.shown, hits=()))
    answer = town.check("police", ZEPHYRINE)
    assert answer.involved == ()
    told = town.kept("police", answer.check)
    log = town.index_app.log
    receipts.check(told.receipt, b64u_decode(told.entry), log.name, log.key.public)
    entry = read_entry(b64u_decode(told.entry))
    assert isinstance(entry, Consultation)
    assert entry.shown == b64u_encode(commit_to(SHOWN, b64u_decode(told.shown_salt), told.shown))
    assert told.shown.hits == ()


def other_receipt(town: Town, key: SigningKey) -> Callable[[LookupAnswer], LookupAnswer]:
    def lie(answer: LookupAnswer) -> LookupAnswer:
        content, name = b64u_decode(answer.entry), town.index_app.log.name
        return replace(answer, receipt=receipts.issue(content, name, 1, 2, key))

    return lie


def test_a_receipt_of_another_log_is_no_receipt(town: Town) -> None:
    """The log's key was handed over; neither the index's own key nor a new one will do."""
    for key in (FAKE, town.index_app.signing_key):
        town.index.lies["look-up"] = other_receipt(town, key)
        disbelieved(town, "there is no receipt of the log")


def test_a_receipt_for_another_entry_is_no_receipt(town: Town) -> None:
    earlier: list[LookupAnswer] = []

    def lie(answer: LookupAnswer) -> LookupAnswer:
        earlier.append(answer)
        return replace(answer, receipt=earlier[0].receipt)

    town.index.lies["look-up"] = lie
    town.check("police", BARTHOLOMEW)
    disbelieved(town, "there is no receipt of the log")


def test_the_answer_to_an_earlier_check_is_not_shown_again(town: Town) -> None:
    """A whole honest answer, from before: its entry holds another statement."""
    earlier: list[LookupAnswer] = []

    def lie(answer: LookupAnswer) -> LookupAnswer:
        earlier.append(answer)
        return earlier[0]

    town.index.lies["look-up"] = lie
    town.check("police", BARTHOLOMEW)
    disbelieved(town, "another statement than the one we signed")


def test_the_index_names_another_log_key_in_vain(town: Town) -> None:
    """`status` says so; answers are still checked with the key that was handed over."""
    other = verifier_key(town.index_app.log.name, FAKE.public)
    town.index.lies["index-identity"] = lambda told: replace(told, log_key=other)
    lines = {line.about: line for line in standing.lines(town["police"])}
    assert not lines["log"].good
    assert "phone the steward" in lines["log"].sentence
    assert phones(town.check("police", ZEPHYRINE)) == {"Council": PHONES["council"]}


# --- Publishing and resolving ------------------------------------------------------------------


def test_a_batch_without_a_true_receipt_stays_in_the_outbox(town: Town) -> None:
    """Nothing is lost: the honest index gets the same batch with the next sync."""

    def lie(taken: BatchTaken) -> BatchTaken:
        content, name = b64u_decode(taken.entry), town.index_app.log.name
        return replace(taken, receipt=receipts.issue(content, name, 1, 2, FAKE))

    newcomer = ("Ignatius", "Larkspurne", "1988-12-09")
    town.index.lies["publish"] = lie
    town.cases("council", ZEPHYRINE, ("Ottoline", "Harbourne", "1990-02-11"), newcomer)
    report = town.sync("council")
    assert report.waiting == 1, report
    assert not report.marked
    assert any("tell the steward" in one_line(line) for line in report.troubles)
    town.index.lies.clear()
    report = town.sync("council")
    assert (report.waiting, report.troubles, report.marked) == (0, [], True)
    assert phones(town.check("police", newcomer)) == {"Council": PHONES["council"]}


def test_an_index_that_holds_fewer_flags_than_were_published_is_told_on(town: Town) -> None:
    town.index.lies["mark"] = lambda taken: replace(taken, flags=taken.flags - 1)
    report = town.sync("council")
    assert any("published" in one_line(line) for line in report.troubles)


def resolved(town: Town, lie: Callable[[Resolution], Resolution]) -> Any:
    (hit,) = town.check("police", ZEPHYRINE).involved
    town.index.lies["resolve"] = lie
    return resolving.resolve(town["council"], "duty.worker", hit.reference)


def test_the_team_is_not_sent_to_ring_a_false_number(town: Town) -> None:
    lie_in_directory(town, desks=lambda desks: forged_desks(desks, "police"))

    def lie(honest: Resolution) -> Resolution:
        return replace(honest, call_back=forged_desks((honest.call_back,), "police")[0])

    told = resolved(town, lie)
    assert told.call_back is None
    assert FALSE_NUMBER not in str(told)
    assert "on a number you already know" in told.alarms[0]


def test_the_team_is_not_told_that_somebody_else_asked(town: Town) -> None:
    def lie(honest: Resolution) -> Resolution:
        asked = documents.claimed(honest.asked, LookupStatement)
        return replace(honest, asked=documents.sign(replace(asked, agency="health"), FAKE))

    with pytest.raises(AnswerDisbelieved, match="not signed with the key we know"):
        resolved(town, lie)
