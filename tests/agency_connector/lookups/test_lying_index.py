"""An index that lies, with all of its keys in hand: each lie is noticed, and nothing is shown.

What cannot be noticed here: a partner with a hidden desk that both the directory and the answer
leave out, and a flag that is not shown to us at all. The partners' own checks of the log, and the
partner that misses its own lookup notices, are what finds these.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from agency_connector.lookups import resolving
from agency_connector.lookups.errors import AnswerDisbelieved, problem_of
from protocol import documents, receipts
from protocol.commitments import SHOWN, commit_to
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import entry_bytes, read_entry
from protocol.keys import SigningKey
from schemas.agencies import Desk
from schemas.entries import Consultation, Disclosure, Refusal
from schemas.lookups import LookupAnswer, LookupStatement, Matched, Resolution
from schemas.operations import LOOK_UP, RESOLVE
from tests.agency_connector.lookups.county import OFFICER, County, new_id
from tests.agency_connector.lookups.test_checking import journalled
from tests.index_service.partnership import PARTNERSHIP

replace = msgspec.structs.replace


class Liar:
    """What an index can make with its own keys."""

    def __init__(self, town: County) -> None:
        self.town = town
        self.log = town.partnership.index.log

    def receipt(self, entry: bytes, key: SigningKey | None = None, log: str | None = None) -> Any:
        """Sign a receipt."""
        now = self.town.clock()
        return receipts.issue(entry, log or self.log.name, now, now, key or self.log.key)

    def recorded(self, answer: Any, **changed: Any) -> Any:
        """Return the answer with its entry changed and a receipt for that."""
        entry = replace(read_entry(b64u_decode(answer.entry)), **changed)
        content = entry_bytes(entry)
        return replace(answer, entry=b64u_encode(content), receipt=self.receipt(content))

    def showing(self, answer: LookupAnswer, **changed: Any) -> LookupAnswer:
        """Return the answer with what is shown changed, and recorded as such."""
        shown = replace(answer.shown, **changed)
        opened = commit_to(SHOWN, b64u_decode(answer.shown_salt), shown)
        return replace(self.recorded(answer, shown=b64u_encode(opened)), shown=shown)

    def hit(self, answer: LookupAnswer, **changed: Any) -> LookupAnswer:
        """Return the answer with its one hit changed, and recorded as such."""
        return self.showing(answer, hits=(replace(answer.shown.hits[0], **changed),))

    def forged(self, answer: LookupAnswer) -> Any:
        """Return our statement with another purpose, signed with a key of the index's own."""
        statement = documents.claimed(self.entry_of(answer).statement, LookupStatement)
        return documents.sign(replace(statement, purpose="curiosity"), SigningKey.generate())

    @staticmethod
    def entry_of(answer: Any) -> Any:
        """Return the entry of an answer."""
        return read_entry(b64u_decode(answer.entry))

    def dummy(self, answer: LookupAnswer, check: str) -> int:
        """Return the position of a dummy in what was sent."""
        places = journalled(self.town, check).prepared.places[0]
        return next(at for at in range(192) if at not in places)


def other_kind(liar: Liar, answer: Any) -> Any:
    entry = liar.entry_of(answer)
    refusal = Refusal(
        v=1, partnership=PARTNERSHIP, at=entry.at, salt=entry.salt, agency="police",
        operation="look-up", code="no", statement=entry.statement,
    )  # fmt: skip
    content = entry_bytes(refusal)
    return replace(answer, entry=b64u_encode(content), receipt=liar.receipt(content))


HOUR = 3_600_000
Lie = Callable[[Liar, LookupAnswer], LookupAnswer]
LIES: dict[str, tuple[str, Lie]] = {
    "a receipt of another log key": (
        "no receipt of the log",
        lambda liar, a: replace(
            a, receipt=liar.receipt(b64u_decode(a.entry), key=SigningKey.generate())
        ),
    ),
    "a receipt for another log": (
        "no receipt of the log",
        lambda liar, a: replace(
            a, receipt=liar.receipt(b64u_decode(a.entry), log="elsewhere.ifi-log")
        ),
    ),
    "a receipt for another entry": (
        "no receipt of the log",
        lambda liar, a: replace(a, receipt=liar.receipt(b"another entry")),
    ),
    "an entry that is none": (
        "cannot be read",
        lambda liar, a: replace(a, entry="aGVsbG8", receipt=liar.receipt(b"hello")),
    ),
    "an entry in a second form of its text": (
        "cannot be read",
        lambda liar, a: replace(a, entry="aGVsbG9", receipt=liar.receipt(b"hello")),
    ),
    "an entry of another kind": ("another kind", other_kind),
    "an entry of another partnership": (
        "another kind or partnership",
        lambda liar, a: liar.recorded(a, partnership="felpersham"),
    ),
    "an entry of another time": (
        "the record is of another time",
        lambda liar, a: liar.recorded(a, at=liar.town.clock() - HOUR),
    ),
    "a record with an altered statement": (
        "another statement",
        lambda liar, a: liar.recorded(a, statement=liar.forged(a)),
    ),
    "a hit left out after it was recorded": (
        "not what it recorded",
        lambda _, a: replace(a, shown=replace(a.shown, hits=())),
    ),
    "a partner called searched that was not": (
        "not what it recorded",
        lambda _, a: replace(
            a,
            shown=replace(a.shown, partners=tuple(replace(p, read_at=1) for p in a.shown.partners)),
        ),
    ),
    "another salt": (
        "not what it recorded",
        lambda _, a: replace(a, shown_salt=b64u_encode(bytes(32))),
    ),
    "the answer to another lookup": (
        "another lookup",
        lambda liar, a: liar.showing(a, lookup=new_id()),
    ),
    "an answer of another time": (
        "made at another time",
        lambda liar, a: liar.showing(a, answered_at=liar.town.clock() + HOUR),
    ),
    "a position beyond the set": (
        "token that was not sent",
        lambda liar, a: liar.hit(a, matched=Matched(epoch=1, positions=(191,))),
    ),
    "a dummy's position": (
        "a dummy matched",
        lambda liar, a: liar.hit(
            a, matched=Matched(epoch=1, positions=(liar.dummy(a, a.shown.lookup),))
        ),
    ),
    "a position twice": (
        "one token twice",
        lambda liar, a: liar.hit(
            a, matched=Matched(epoch=1, positions=(a.shown.hits[0].matched.positions[0],) * 2)
        ),
    ),
    "an epoch that was not searched": (
        "epoch that was not searched",
        lambda liar, a: liar.hit(a, matched=Matched(epoch=2, positions=(0,))),
    ),
    "a reference that breaks its own rule": (
        "wrong check character",
        lambda liar, a: liar.hit(a, reference="2222222223"),
    ),
    "one reference for two hits": (
        "one reference twice",
        lambda liar, a: liar.showing(a, hits=a.shown.hits * 2),
    ),
    "one partner in two states": (
        "one partner twice",
        lambda liar, a: liar.showing(a, partners=a.shown.partners * 2),
    ),
    "our own flag": (
        "our own flag",
        lambda liar, a: liar.hit(a, agency="police"),
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_noticed_and_nothing_is_shown(town: County, name: str) -> None:
    what, lie = LIES[name]
    liar = Liar(town)
    town.lying.lies[LOOK_UP.path] = lambda answer: lie(liar, answer)
    check = new_id()
    with pytest.raises(AnswerDisbelieved, match=what) as caught:
        town.check(check=check)
    problem = problem_of(caught.value)
    assert (problem.status, problem.code) == (502, "not-genuine")
    assert "960200" not in problem.detail
    kept = journalled(town, check)
    assert kept.kept is None


def test_after_a_lie_the_honest_answer_is_still_to_be_had(town: County) -> None:
    """Nothing of the lie was kept: the same check again gets what the index recorded first."""
    liar = Liar(town)
    town.lying.lies[LOOK_UP.path] = lambda answer: LIES["another salt"][1](liar, answer)
    check = new_id()
    with pytest.raises(AnswerDisbelieved):
        town.check(check=check)
    town.lying.lies.clear()
    assert town.check(check=check).involved
    assert len(town.consultations()) == 1


def swapped_desk(town: County, key: SigningKey, **changed: Any) -> Callable[[Any], Any]:
    """A lie that puts another desk in the place of the council's, signed with `key`."""

    def lie(answer: LookupAnswer) -> LookupAnswer:
        honest = documents.claimed(answer.desks[0], Desk)
        desk = replace(honest, phone="01632 960666", **changed)
        answer = replace(answer, desks=(documents.sign(desk, key),))
        return Liar(town).hit(answer, desk_version=desk.version)

    return lie


@pytest.mark.parametrize("signed_by", ["the index", "another member", "nobody: it is missing"])
def test_a_swapped_desk_is_an_alarm_and_never_a_phone_number(town: County, signed_by: str) -> None:
    keys = {
        "the index": town.partnership.index.signing_key,
        "another member": town.connectors["health"].signing_key,
    }
    if signed_by in keys:
        town.lying.lies[LOOK_UP.path] = swapped_desk(town, keys[signed_by], version=9)
    else:
        town.lying.lies[LOOK_UP.path] = lambda answer: replace(answer, desks=())
    answer = town.check()
    assert answer.involved == ()
    [alarm] = answer.alarms
    assert alarm.startswith("Borchester Council is involved, but the team to phone")
    assert "Phone Borchester Council on a number you already know" in alarm
    assert b"960666" not in msgspec.json.encode(answer)
    assert "No partner recorded" not in " ".join(answer.sentences)


def test_an_older_version_of_a_desk_is_not_shown(town: County) -> None:
    """The council has moved its phone; an index that brings the old desk back is not believed."""
    old = town.check().involved[0].team.phone
    town.configure("council")
    path = town.folder / "council" / "connector.toml"
    path.write_text(path.read_text().replace(old, "01632 960299"))
    connector = town.connectors["council"]
    connector.close()
    from agency_connector.installation import Installation
    from agency_connector.trust import directory, own_desks

    town.connectors["council"] = Installation.open(path.parent, clock=town.clock)
    with town.connectors["council"].database.read() as connection:
        from agency_connector.trust import storage

        before = storage.own_desks(connection)[0].envelope
    own_desks.sign_all(town.connectors["council"])
    directory.refresh(town.police)
    assert town.check().involved[0].team.phone == "01632 960299"

    def lie(answer: LookupAnswer) -> LookupAnswer:
        return Liar(town).hit(replace(answer, desks=(before,)), desk_version=1)

    town.lying.lies[LOOK_UP.path] = lie
    answer = town.check()
    assert answer.involved == ()
    assert answer.alarms


def test_a_partner_that_the_answer_leaves_out_is_not_searched(town: County) -> None:
    liar = Liar(town)
    town.lying.lies[LOOK_UP.path] = lambda a: liar.showing(
        a, partners=tuple(p for p in a.shown.partners if p.agency != "health")
    )
    answer = town.check()
    assert "Felpersham Health" not in {none.partner for none in answer.none_recorded}
    [missed] = answer.not_searched
    assert missed.partner == "Felpersham Health"
    assert "does not mention it" in missed.why
    assert missed.phone == "01632 960300"


def resolve(town: County, user: str = "jo") -> Any:
    """Quote the council the reference of a check."""
    reference = town.check().involved[0].reference
    return resolving.resolve(town.connectors["council"], user, reference)


def forged_asker(liar: Liar, answer: Resolution, key: SigningKey, **changed: Any) -> Resolution:
    """Return the answer with the asker's statement changed and signed with `key`."""
    statement = replace(documents.claimed(answer.asked, LookupStatement), **changed)
    return replace(answer, asked=documents.sign(statement, key))


def _resolution_statement(liar: Liar, answer: Resolution) -> Any:
    from schemas.lookups import ResolutionStatement

    return documents.claimed(liar.entry_of(answer).statement, ResolutionStatement)


def as_consultation(liar: Liar, answer: Resolution) -> Resolution:
    entry: Disclosure = liar.entry_of(answer)
    content = entry_bytes(
        Consultation(
            v=1, partnership=entry.partnership, at=entry.at, salt=entry.salt,
            statement=answer.asked, shown=b64u_encode(bytes(32)), withheld=b64u_encode(bytes(32)),
        )
    )  # fmt: skip
    return replace(answer, entry=b64u_encode(content), receipt=liar.receipt(content))


RESOLUTION_LIES: dict[str, tuple[str, Callable[[Liar, Resolution], Resolution]]] = {
    "no receipt": (
        "no receipt of the log",
        lambda liar, a: replace(a, receipt=liar.receipt(b"another entry")),
    ),
    "another statement of ours": (
        "another statement",
        lambda liar, a: liar.recorded(
            a, statement=documents.sign(_resolution_statement(liar, a), SigningKey.generate())
        ),
    ),
    "another reference": (
        "another reference",
        lambda _, a: replace(a, reference="2222222222"),
    ),
    "another lookup in the record": (
        "names another lookup",
        lambda liar, a: liar.recorded(a, lookup=new_id()),
    ),
    "a purpose the asker did not state": (
        "not signed with the key we know",
        lambda liar, a: forged_asker(liar, a, SigningKey.generate(), purpose="curiosity"),
    ),
    "an asker nobody knows": (
        "nobody we know vouches",
        lambda liar, a: forged_asker(liar, a, SigningKey.generate(), agency="stranger"),
    ),
    "an asker of another partnership": (
        "another partnership",
        lambda liar, a: forged_asker(
            liar, a, liar.town.police.signing_key, partnership="felpersham"
        ),
    ),
    "an epoch that was not searched": (
        "did not search the epoch",
        lambda _, a: replace(a, positions=Matched(epoch=7, positions=(0,))),
    ),
    "a consultation for a disclosure": (
        "another kind",
        as_consultation,
    ),
}


@pytest.mark.parametrize("name", RESOLUTION_LIES)
def test_a_lie_about_a_reference_is_noticed_and_nothing_is_shown(town: County, name: str) -> None:
    what, lie = RESOLUTION_LIES[name]
    liar = Liar(town)
    town.lying.lies[RESOLVE.path] = lambda answer: lie(liar, answer)
    with pytest.raises(AnswerDisbelieved, match=what):
        resolve(town)


def test_a_swapped_number_to_ring_back_is_an_alarm(town: County) -> None:
    def lie(answer: Resolution) -> Resolution:
        honest = documents.claimed(answer.call_back, Desk)
        desk = replace(honest, phone="01632 960666", version=9)
        return replace(answer, call_back=documents.sign(desk, town.partnership.index.signing_key))

    town.lying.lies[RESOLVE.path] = lie
    answer = resolve(town)
    assert answer.call_back is None
    assert "is not signed by Borsetshire Police" in answer.alarms[0]
    assert b"960666" not in msgspec.json.encode(answer)


def test_another_agencys_desk_is_not_the_one_to_ring_back(town: County) -> None:
    """A validly signed desk of a third agency does not stand in for the asker's."""
    from agency_connector.trust import storage

    with town.connectors["health"].database.read() as connection:
        third = storage.own_desks(connection)[0].envelope
    town.lying.lies[RESOLVE.path] = lambda a: replace(a, call_back=third)
    assert resolve(town).call_back is None
    assert OFFICER
