"""What a sync publishes and changes: always what the sources say, and no more."""

from typing import Any

import pytest

from agency_connector.matching.expansion import expand
from agency_connector.matching.grading import grade_hit
from agency_connector.matching.normalise import normalise
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Person
from agency_connector.matching.scheme import MatchKey, record_keys
from agency_connector.publishing import storage
from agency_connector.publishing.judging import desks_at_index
from agency_connector.publishing.preview import preview
from agency_connector.publishing.reading import local_day
from foundation.operator import OperatorError
from protocol import voprf
from protocol.tokens import match_input, token
from schemas.agencies import Desk
from tests.agency_connector.publishing.borsetshire import SOURCE, Borsetshire, person
from tests.conftest import FakeClock

EXPECTED_END = 1_764_547_200_000 + 365 * 86_400_000  # 1 December 2025, and 365 days


def test_what_is_published_is_what_the_source_says(town: Borsetshire) -> None:
    town.write(*(person(n) for n in range(30)))
    report = town.sync()
    assert report.troubles == []
    assert (report.difference.new, report.delivered, report.waiting) == (30, 1, 0)
    assert {(desk, end) for desk, end, _ in town.flags().values()} == {("front-desk", EXPECTED_END)}
    assert (len(town.flags()), town.token_rows()) == (30, 30 * 16)
    assert (town.mark(), report.marked) == ("complete", True)
    assert town.publications() == ["collection"]


def test_a_flags_tokens_are_those_that_a_lookup_for_the_person_makes(town: Borsetshire) -> None:
    """x, VOPRF and the first 16 bytes, computed here from the two keys themselves."""
    town.write(person(1, First="Anna", Last="Smith", DOB="14/03/1985"))
    town.sync()
    [(_, _, published)] = town.flags().values()
    anchor = town.connector.anchors().epochs[0]
    told = Particulars(given="Anna", family="Smith", born="1985-03-14")
    keys = record_keys(normalise(told, today=local_day(town.clock()))).names  # type: ignore[arg-type]  # they can be used
    inputs = [
        match_input(anchor.partnership_key, "borsetshire", 1, key.kind, key.value) for key in keys
    ]
    blinded = voprf.blind(inputs)
    evaluated = voprf.evaluate(town.evaluator.keys.epochs[1].private_key, blinded.elements)
    for output in voprf.finalize(inputs, blinded.blinds, evaluated):
        assert token(output) in [published[at : at + 16] for at in range(0, 256, 16)]


def test_what_did_not_change_is_neither_evaluated_nor_sent_again(town: Borsetshire) -> None:
    town.write(*(person(n) for n in range(30)))
    town.sync()
    elements, batches = town.elements(), len(town.sent())
    report = town.sync()
    assert (report.difference.new, report.difference.unchanged) == (0, 30)
    assert (town.elements(), len(town.sent())) == (elements, batches)


def test_a_new_fact_moves_the_end_and_a_corrected_name_the_tokens(town: Borsetshire) -> None:
    town.write(person(1), person(2), person(3))
    town.sync()
    before = town.flags()
    town.write(person(1), person(2, Opened="1/1/2026"), person(3, Last="Carter"))
    report = town.sync()
    assert (report.difference.changed, report.difference.unchanged) == (2, 1)
    after = town.flags()
    assert before.keys() == after.keys()
    assert sum(before[handle][1] != after[handle][1] for handle in before) == 1
    assert sum(before[handle][2] != after[handle][2] for handle in before) == 1
    assert town.publications() == ["collection", "alteration"]


def test_refused_records_are_counted_and_named_by_local_id_alone(town: Borsetshire) -> None:
    town.write(
        person(1),
        person(2, Status="closed"),
        person(3, Role="Victim"),
        person(4, Role=""),
        person(5, First="", Last="", NHS="12345"),
        person(6, DOB="31/02/1980"),
    )
    report = town.sync()
    [reading] = report.sources
    assert (reading.read, reading.publishable, sum(reading.refused.values())) == (6, 1, 5)
    assert reading.refused["status-not-open"] == reading.refused["role-protected"] == 1
    assert {one.local_id for one in town.told} == {"C4", "C5", "C6"}
    assert not any("1980" in str(one) or "Ambridge" in str(one) for one in town.told)
    assert report.troubles == []
    assert len(town.flags()) == 1


def test_a_key_that_more_than_ten_subjects_share_is_not_published(town: Borsetshire) -> None:
    """Eleven share first name and date; their other keys stay. Ten of another name keep theirs."""
    eleven = [person(n, First="Anna", DOB="14/03/1985") for n in range(11)]
    ten = [person(n, First="Bertha", DOB="15/03/1985") for n in range(20, 30)]
    town.write(*eleven, *ten)
    town.sync()
    tokens = [flag[2] for flag in town.flags().values()]
    counts: dict[bytes, int] = {}
    for one in tokens:
        for at in range(0, 256, 16):
            counts[one[at : at + 16]] = counts.get(one[at : at + 16], 0) + 1
    assert max(counts.values()) == 10


def test_who_has_only_such_keys_is_refused_and_what_was_published_withdrawn(
    town: Borsetshire,
) -> None:
    one = person(1, First="Anna", Last="Smith", DOB="14/03/1985")
    town.write(one)
    town.sync()
    town.write(one, *(["X" + str(n), *one[1:]] for n in range(10)))
    report = town.sync()
    assert report.difference.too_common == 11
    assert {told.code for told in town.told} == {"keys-too-common"}
    assert town.flags() == {}


def test_records_of_one_local_id_are_one_flag_found_by_each_name(town: Borsetshire) -> None:
    alias = person(2, Ref="C1", Opened="1/1/2026")
    town.write(person(1), alias)
    report = town.sync()
    assert report.difference.new == len(town.flags()) == 1
    [(_, end, both)] = town.flags().values()
    assert end == EXPECTED_END + 31 * 86_400_000
    town.write(person(1))
    town.sync()
    [(_, _, one)] = town.flags().values()
    shared = {one[at : at + 16] for at in range(0, 256, 16)} & {
        both[at : at + 16] for at in range(0, 256, 16)
    }
    assert len(shared) > 3


def test_a_desk_that_is_not_signed_stops_its_records_and_no_others(town: Borsetshire) -> None:
    text = (town.folder / "connector.toml").read_text()
    other = SOURCE.format(name="others").replace("front-desk", "new-desk")
    (town.folder / "connector.toml").write_text(text + other)
    town.connector.close()
    town.connector = type(town.connector).open(town.folder, clock=town.clock)
    town.write(person(1))
    town.write(person(2), source="others")
    report = town.sync()
    assert [one.code for one in town.told] == ["desk-not-signed"]
    assert len(town.flags()) == 1
    assert report.troubles == []


def test_a_protected_flag_stands_at_a_hidden_desk_only(town: Borsetshire) -> None:
    protected = """
[sources.policy.protected]
approval = "board, minute 12"
lawful_basis = "dpa-2018-sch1-p18"
hidden_desk = "{desk}"
roles = ["victim"]
agreed = ["Yes"]
"""
    path = town.folder / "connector.toml"
    text = path.read_text().replace('nhs_number = "NHS"', 'agreed = "NHS"')
    town.write(person(1, Role="Victim", NHS="Yes"), person(2, NHS="Yes"))
    for desk, flags in (
        ("front-desk", {"front-desk"}),
        ("quiet-desk", {"front-desk", "quiet-desk"}),
    ):
        path.write_text(text + protected.format(desk=desk))
        town.connector.close()
        town.connector = type(town.connector).open(town.folder, clock=town.clock)
        town.sync()
        assert {flag[0] for flag in town.flags().values()} == flags


def test_a_handle_leads_the_holder_to_its_record(town: Borsetshire) -> None:
    """Also after the flag was withdrawn, as long as a reference to it may still be quoted."""

    def found(handle: bytes) -> tuple[str, str] | None:
        with town.connector.database.read() as connection:
            return storage.record_of(connection, handle)

    town.write(person(7))
    town.sync()
    [handle] = town.flags()
    assert (found(handle), found(bytes(16))) == (("cases", "C7"), None)
    town.write()
    assert town.sync().withdrawn == {"ended": 1}
    assert found(handle) == ("cases", "C7")
    town.clock.advance(storage.REMEMBERED_MS + 1)
    town.sync()
    assert found(handle) is None


def test_nothing_of_a_person_stays_staged(town: Borsetshire) -> None:
    from sqlalchemy import select

    town.write(person(1), person(2, Status="closed"))
    town.sync()
    with town.connector.database.read() as connection:
        for table in (storage.staged_rows, storage.common_inputs, storage.sync_lease):
            assert connection.execute(select(table)).all() == []


def test_without_a_source_there_is_nothing_to_sync(town: Borsetshire) -> None:
    town.configure()
    with pytest.raises(OperatorError, match=r"\[\[sources\]\]"):
        town.sync()


def test_a_scheme_that_this_version_cannot_make_is_refused(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agency_connector.publishing.sync.SCHEMES", frozenset({"7"}))
    with pytest.raises(OperatorError, match="scheme 1, which this version cannot make"):
        town.sync()


def test_a_flag_that_the_index_caps_is_not_published_again_each_time(town: Borsetshire) -> None:
    town.write(person(1))
    town.sync()
    assert town.sync().difference.unchanged == 1


def test_the_evaluator_down_costs_nothing_that_was_published(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Withdrawals need no evaluator and go on; the rest comes with the next sync."""
    town.write(*(person(n) for n in range(8)))
    town.sync()
    town.write(*(person(n) for n in range(1, 9)))

    def down(_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(town.evaluation, "before", down)
    report = town.sync()
    assert len(report.troubles) == 1
    assert "evaluator" in report.troubles[0]
    assert not report.marked
    assert len(town.flags()) == 7
    monkeypatch.undo()
    assert town.sync().troubles == []
    assert len(town.flags()) == 8


def test_a_dishonest_evaluator_stops_publishing(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent of what this sync evaluated."""
    wrong = voprf.derive_key_pair(bytes(32), b"another")
    real = voprf.evaluate
    monkeypatch.setattr(voprf, "evaluate", lambda _, elements: real(wrong.private_key, elements))
    town.write(person(1))
    report = town.sync()
    assert "not made with the key that was handed over" in report.troubles[0]
    assert town.sent() == []
    assert town.flags() == {}
    monkeypatch.undo()
    assert town.sync().troubles == []
    assert len(town.flags()) == 1


def test_the_clock_is_the_connectors_own(town: Borsetshire, clock: FakeClock) -> None:
    """A year later the same record has ended, and its flag goes."""
    town.write(person(1))
    town.sync()
    clock.advance(360 * 86_400_000)
    report = town.sync()
    assert report.sources[0].refused == {"ended": 1}
    assert report.withdrawn == {"ended": 1}


NAMED = """former_family = "Formerly"
aliases = "Also known as"
"""


def test_aliases_and_former_names_of_a_record_are_further_names_of_its_one_flag(
    town: Borsetshire,
) -> None:
    """Each name is found with its date; those that cannot be used cost nothing but themselves."""
    settings = town.folder / "connector.toml"
    settings.write_text(settings.read_text().replace('role = "Role"', f'{NAMED}role = "Role"'))
    town.connector.close()
    town.connector = type(town.connector).open(town.folder, clock=town.clock)
    path = town.folder / "cases.csv"
    header = "Ref,First,Last,DOB,Role,Status,Opened,NHS,Formerly,Also known as"
    row = "C1,Anna,Smith,14/03/1985,Client,open,1/12/2025,,Ravensgill,Zephyrine Quillfeather; ???"
    path.write_text(f"{header}\n{row}\n")
    report = town.sync()
    assert report.troubles == []
    [(_, _, tokens)] = town.flags().values()
    published = {tokens[at : at + 16] for at in range(0, 256, 16)}
    for given, family in (("Anna", "Smith"), ("Anna", "Ravensgill"), ("Zephyrine", "Quillfeather")):
        told = Particulars(given=given, family=family, born="1985-03-14")
        named = record_keys(normalise(told, today=local_day(town.clock()))).names[0]  # type: ignore[arg-type]  # they can be used
        assert named.kind == "names-date"
        assert _token_of(town, named) in published
    [line] = preview(
        town.connector.settings.sources[0], town.folder, _desks(town), local_day(town.clock())
    )
    assert "under 3 names (1 further name cannot be used)" in line.sentence


def test_who_has_a_year_of_birth_alone_is_found_by_it(town: Borsetshire) -> None:
    town.write(person(1, First="Anna", Last="Smith", DOB="about 1960"))
    report = town.sync()
    assert (report.troubles, len(town.flags())) == ([], 1)
    [(_, _, tokens)] = town.flags().values()
    published = {tokens[at : at + 16] for at in range(0, 256, 16)}
    told = Particulars(given="Anna", family="Smith", born="1961-07-23")
    person_looked_up = normalise(told, today=local_day(town.clock()))
    assert isinstance(person_looked_up, Person)
    expansion = expand(person_looked_up)
    found = [
        key for key in expansion.wide
        if _token_of(town, MatchKey(key.kind, key.value)) in published
    ]  # fmt: skip
    assert "names-about" in {key.kind for key in found}
    assert grade_hit(found)[0] == "possible"


def _token_of(town: Borsetshire, key: MatchKey) -> bytes:
    anchor = town.connector.anchors().epochs[0]
    x = match_input(anchor.partnership_key, "borsetshire", 1, key.kind, key.value)
    blinded = voprf.blind([x])
    evaluated = voprf.evaluate(town.evaluator.keys.epochs[1].private_key, blinded.elements)
    [output] = voprf.finalize([x], blinded.blinds, evaluated)
    return token(output)


def _desks(town: Borsetshire) -> dict[str, Desk]:
    with town.connector.database.read() as connection:
        return desks_at_index(connection)
