"""The auditor's pages against the real services: what they show, keep, record and refuse."""

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from agency_connector.app import create_app
from agency_connector.auditing import reading
from agency_connector.pages.kept_readings import KEPT_MS, MOST_OF_ONE, KeptReadings
from agency_connector.pages.second_person import NotTheSecond, SecondPerson
from agency_connector.pages.waiting_scans import WAITING_MS
from agency_connector.sign_in import trail
from agency_connector.sign_in.roles import Role
from agency_connector.sign_in.slowdown import FREE, SlowDown
from index_service.audit import reading as at_the_index
from schemas.audit import PersonReading
from tests.agency_connector.pages.browser import forms
from tests.agency_connector.sign_in.people import PASSWORD, Somebody, somebody
from tests.end_to_end.eastmere import BARTHOLOMEW, OFFICER, ZEPHYRINE, Town, eastmere

TYPED = {
    "full_name": "Zephyrine Quillfeather", "day": "19", "month": "7", "year": "1983",
    "ground": "Complaint 17/2026",
}  # fmt: skip
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Police and health have each checked a name that council has published."""
    with eastmere(tmp_path_factory.mktemp("audited")) as made:
        made.join("oversight", by="police", role="auditor")
        made.cases("council", ZEPHYRINE)
        made.sync("council")
        made.check("police", ZEPHYRINE)
        made.check("police", BARTHOLOMEW)
        made.check("health", ("Zephyrine", "Quillfeather", "1983-07-20"))
        made.work()
        settings = made.home("oversight") / "connector.toml"
        settings.write_text(settings.read_text() + "\n[sign_in]\naccounts = true\n")
        made.reopen("oversight")
        yield made


@pytest.fixture(scope="module")
def app(town: Town) -> Flask:
    return create_app(town["oversight"])


@pytest.fixture(scope="module")
def people(town: Town, app: Flask) -> dict[str, Somebody]:
    """Two auditors and an officer."""
    told = {"ann": Role.AUDITOR, "bob": Role.AUDITOR, "cal": Role.OFFICER}
    return {name: somebody(app, town["oversight"], name, role) for name, role in told.items()}


@pytest.fixture
def ann(town: Town, people: dict[str, Somebody]) -> Somebody:
    """The auditor, signed in; whatever was read before has its number."""
    town.clock.advance(MINUTE_MS)
    town.work()
    assert people["ann"].sign_in().location == "/audits"
    return people["ann"]


def ask(who: Somebody, kind: str, **typed: str) -> TestResponse:
    path = "/audits" if kind == "person" else f"/audits/{kind}"
    page = who.client.get(path)
    assert page.status_code == 200
    return who.client.post(f"/audits/{kind}", data={**forms(page)[f"/audits/{kind}"], **typed})


def words(page: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def titles(page: TestResponse) -> str:
    return "".join(re.findall(r"<title>(.*?)</title>", page.text))


def test_a_reading_by_person_leads_to_a_page_that_names_nobody_in_its_address(
    ann: Somebody,
) -> None:
    sent = ask(ann, "person", **TYPED)
    assert sent.status_code == 303
    assert re.fullmatch(r"/audits/[\w-]{22}", sent.location)
    page = ann.client.get(sent.location)
    said = words(page)
    assert "2 entries" in said
    assert said.count("Proved") >= 2
    assert "Police" in said
    assert "Almost certainly" in said
    assert "Complaint 17/2026" in said
    for word in ("Zephyrine", "Quillfeather", "Complaint"):
        assert word not in titles(page)


def test_the_page_says_how_far_the_record_is_whole_and_who_countersigned_it(
    ann: Somebody, town: Town
) -> None:
    page = ann.client.get(ask(ann, "person", **TYPED).location)
    said = words(page)
    assert re.search(r"This reading covers [\d,]+ entries, which the log's own key signs", said)
    assert "The record is whole" not in said
    from agency_connector.witness import witnessing

    for agency in ("police", "oversight", "police", "oversight"):
        witnessing.witness(town[agency])
    page = ann.client.get(ask(ann, "person", **TYPED).location)
    assert re.search(r"The record is whole to [\d,]+ Countersigned by \d of \d", words(page))


def test_what_a_page_does_not_show_it_says(ann: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading by person ends after so many lookups, and has no button to go on."""
    monkeypatch.setattr(at_the_index, "PERSON_PAGE", 1)
    monkeypatch.setattr(reading, "person", partial(reading.person, most=1))
    page = ann.client.get(ask(ann, "person", **TYPED).location)
    assert "There is more than is shown here" in words(page)
    monkeypatch.undo()
    page = ann.client.get(ask(ann, "person", **TYPED).location)
    assert "There is more" not in words(page)


def test_a_ground_is_required_and_what_was_typed_stays(ann: Somebody) -> None:
    answer = ask(ann, "person", **{**TYPED, "ground": ""})
    assert answer.status_code == 422
    assert 'href="#ground"' in answer.text
    assert 'value="Zephyrine Quillfeather"' in answer.text


@pytest.mark.parametrize(
    ("kind", "typed", "field"),
    [
        ("person", {"full_name": ""}, "full_name"),
        ("person", {"year": "12345"}, "day"),
        ("person", {"since": "tomorrow"}, "since"),
        ("person", {"since": "9999-12-31"}, "since"),
        ("person", {"since": "2026-02-02", "until": "2026-02-01"}, "until"),
        ("person", {"identifier": "12", "identifier_kind": ""}, "identifier"),
        ("person", {"full_name": "x" * 301}, "full_name"),
        ("lookups", {}, "agency"),
        ("lookups", {"pseudonym": "Constable Dibble"}, "pseudonym"),
        ("everything", {"ground": ""}, "ground"),
        ("everything", {"first": "-1", "ground": "Review"}, "first"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(
    ann: Somebody, kind: str, typed: dict[str, str], field: str
) -> None:
    answer = ask(ann, kind, **({**TYPED, **typed} if kind == "person" else typed))
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text


def test_lookups_are_listed_by_agency_purpose_and_pseudonym(ann: Somebody) -> None:
    page = ann.client.get(ask(ann, "lookups", agency="police").location)
    assert "2 entries" in words(page)
    found = re.findall(r'<span class="app-copied">([\w-]{22})</span>', page.text)
    # As a spreadsheet's table has it: an apostrophe before what might be a formula.
    same = ann.client.get(ask(ann, "lookups", pseudonym=f"'{found[0]}").location)
    assert "2 entries" in words(same)
    assert "3 entries" in words(
        ann.client.get(ask(ann, "lookups", purpose="safeguarding").location)
    )
    none = ask(ann, "lookups", agency="police", since="2099-01-01")
    assert "0 entries" in words(ann.client.get(none.location))


def test_days_are_whole_and_the_last_one_is_included(ann: Somebody, town: Town) -> None:
    from datetime import UTC, datetime

    today = datetime.fromtimestamp(town.clock() / 1000, UTC).date().isoformat()
    page = ask(ann, "lookups", agency="police", until=today)
    assert "2 entries" in words(ann.client.get(page.location))


def test_each_row_has_a_page_with_entry_proof_and_what_was_compared(ann: Somebody) -> None:
    read = ask(ann, "person", **TYPED).location
    number = re.findall(rf'href="{read}/entries/(\d+)"', ann.client.get(read).text)[0]
    page = ann.client.get(f"{read}/entries/{number}")
    said = words(page)
    assert "What was compared, and is equal" in said
    assert "signed with a key of" in said
    assert "Inclusion proof" in said
    assert "Checkpoint" in said
    assert "Zephyrine" not in page.text
    assert ann.client.get(f"{read}/entries/99999").status_code == 404
    assert ann.client.get(f"{read}/entries/x").status_code == 404


def test_table_and_proofs_are_downloads_without_the_person(ann: Somebody) -> None:
    read = ask(ann, "person", **TYPED).location
    table = ann.client.get(f"{read}/table.csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert {row["proof"] for row in rows} == {"proved"}
    assert len(rows) == 2
    proofs = ann.client.get(f"{read}/proofs.json")
    told = json.loads(proofs.data)
    assert all(row["inclusion_proof"] and row["entry_bytes"] for row in told["rows"])
    assert told["checkpoint"]
    for answer in (table, proofs):
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Zephyrine" not in answer.text


def test_a_reading_is_its_own_auditors_alone_and_gone_after_an_hour(
    ann: Somebody, people: dict[str, Somebody], town: Town
) -> None:
    read = ask(ann, "person", **TYPED).location
    bob = people["bob"]
    bob.sign_in()
    for path in (read, f"{read}/table.csv", f"{read}/proofs.json", f"{read}/entries/0"):
        assert bob.client.get(path).status_code == 404
    assert ann.client.get(read).status_code == 200
    town.clock.advance(KEPT_MS)
    ann.sign_in()
    assert ann.client.get(read).status_code == 404


def test_readings_are_sealed_and_only_so_many_are_kept(ann: Somebody, app: Flask) -> None:
    pages: Any = app.view_functions["audit_result"]
    kept: KeptReadings = pages.__wrapped__.__self__._kept
    first = ask(ann, "person", **TYPED).location
    assert all(b"Quillfeather" not in one.sealed for one in kept._held.values())
    for _ in range(MOST_OF_ONE):
        ask(ann, "lookups", agency="police")
    assert ann.client.get(first).status_code == 404


def flipped_proof(honest: PersonReading) -> PersonReading:
    first, *rest = honest.lookups
    wrong = ("B" if first.proof[0] == "A" else "A") + first.proof[1:]
    return msgspec.structs.replace(
        honest, lookups=(msgspec.structs.replace(first, proof=wrong), *rest)
    )


def test_a_lie_is_an_alarm_at_the_head_at_its_row_and_on_its_page(
    ann: Somebody, town: Town
) -> None:
    town.index.lies["audit-person"] = flipped_proof
    try:
        read = ask(ann, "person", **TYPED).location
    finally:
        del town.index.lies["audit-person"]
    page = ann.client.get(read)
    assert "Alarm: do not rely on this reading" in words(page)
    assert "it is not proved" in words(page)
    assert "The record is whole" not in words(page)
    assert "govuk-tag--red" in page.text
    number = re.findall(rf'href="{read}/entries/(\d+)"', page.text)[0]
    entry = words(ann.client.get(f"{read}/entries/{number}"))
    assert "Alarm: this entry is not proved" in entry
    assert "What was compared, and is equal" not in entry


SECOND: dict[str, tuple[Callable[[Somebody], dict[str, str]], str]] = {
    "nobody": (lambda bob: {}, "is not right"),
    "a wrong password": (
        lambda bob: {"user_name": "bob", "password": "wrong", "code": bob.code()}, "is not right",
    ),
    "a wrong code": (
        lambda bob: {"user_name": "bob", "password": PASSWORD, "code": "000000"}, "is not right",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SECOND)
def test_without_a_second_person_nothing_is_scanned(
    ann: Somebody, people: dict[str, Somebody], town: Town, case: str
) -> None:
    typed, why = SECOND[case]
    town.index.passed.clear()
    answer = ask(ann, "everything", ground="Yearly review", **typed(people["bob"]))
    assert answer.status_code == 403
    assert why in words(answer)
    assert PASSWORD not in answer.text
    assert town.index.bodies_of("audit-entries") == []
    refused = trail.events(town["oversight"])[-1]
    assert (refused.kind, refused.because) == ("refused", "wrong-credentials-of-second")


def test_oneself_and_an_officer_are_no_second_person(
    ann: Somebody, people: dict[str, Somebody], town: Town
) -> None:
    town.index.passed.clear()
    for name, why in (("ann", "your own account"), ("cal", "needs the role auditor")):
        typed = {"user_name": name, "password": PASSWORD, "code": people[name].code()}
        answer = ask(ann, "everything", ground="Yearly review", **typed)
        assert answer.status_code == 403
        assert why in words(answer)
    assert town.index.bodies_of("audit-entries") == []


def test_a_complete_scan_takes_the_second_persons_own_sign_in(
    ann: Somebody, people: dict[str, Somebody]
) -> None:
    typed = {"user_name": "Bob", "password": PASSWORD, "code": people["bob"].code()}
    sent = ask(ann, "everything", ground="Yearly review", **typed)
    assert sent.status_code == 303, words(sent)
    page = ann.client.get(sent.location)
    said = words(page)
    assert "nothing in the range is left out" in said
    assert "flags published" in said
    assert PASSWORD not in page.text
    # A code is good once: the same sheet does not confirm a second scan.
    again = ask(ann, "everything", ground="Yearly review", **typed)
    assert again.status_code == 403


def test_guesses_at_the_second_persons_code_slow_their_own_sign_in_too(
    ann: Somebody, people: dict[str, Somebody], town: Town
) -> None:
    typed = {"user_name": "bob", "password": PASSWORD, "code": "000000"}
    for _ in range(FREE):
        assert ask(ann, "everything", ground="Yearly review", **typed).status_code == 403
    assert people["bob"].sign_in().status_code == 429
    town.clock.advance(MINUTE_MS)
    assert people["bob"].sign_in().status_code == 303


def test_the_password_of_a_form_that_came_too_late_is_not_shown(ann: Somebody, town: Town) -> None:
    page = ann.client.get("/audits/everything")
    town.clock.advance(16 * MINUTE_MS)
    typed = {"ground": "Yearly review", "user_name": "bob", "password": PASSWORD, "code": "123456"}
    late = ann.client.post(
        "/audits/everything", data={**forms(page)["/audits/everything"], **typed}
    )
    then = re.findall(r"then=([^&]+)", late.location)[0].replace("%2F", "/")
    ann.sign_in()
    shown = ann.client.get(then)
    assert 'value="Yearly review"' in shown.text
    assert PASSWORD not in shown.text
    assert "123456" not in shown.text


def test_without_local_accounts_nobody_confirms_with_a_password(town: Town, app: Flask) -> None:
    second = SecondPerson(town["police"], SlowDown(town["police"].clock))
    assert not second.can_sign_in
    with (
        app.test_request_context("/audits/everything", method="POST"),
        pytest.raises(NotTheSecond, match="in a browser of their own"),
    ):
        second.confirm("ann", "bob")


def test_what_nobody_sees_in_what_was_pasted_changes_nothing(ann: Somebody) -> None:
    pasted = {"full_name": "\u200b\u00a0Zephyrine  Quillfeather\ufeff ", "ground": " C 17\u2060 "}
    told = words(ann.client.get(ask(ann, "person", **{**TYPED, **pasted}).location))
    assert "Zephyrine Quillfeather" in told
    assert "Almost certainly" in told
    blank = ask(ann, "person", **{**TYPED, "full_name": "\u200b\u2060"})
    assert (blank.status_code, "Enter the full name" in words(blank)) == (422, True)


def test_a_second_auditor_confirms_in_a_browser_of_their_own_however_they_sign_in(
    ann: Somebody, people: dict[str, Somebody], town: Town
) -> None:
    """Nothing is read before; nobody confirms their own; a confirmation is good for one reading."""
    bob = people["bob"]
    assert bob.sign_in().status_code == 303
    nameless = ask(ann, "everything", second="elsewhere")
    assert (nameless.status_code, "Enter the reference" in words(nameless)) == (422, True)
    town.index.passed.clear()
    waits = ask(ann, "everything", ground="Yearly review", second="elsewhere").location
    assert re.fullmatch(r"/audits/scans/[\w-]{22}", waits)
    page = ann.client.get(waits)
    assert "This waits for a second person" in words(page)
    csrf = {"csrf": ann.csrf()}
    assert ann.client.post(waits, data=csrf).status_code == 404, "before it is confirmed"
    assert ann.client.post(f"{waits}/confirm", data=csrf).status_code == 404, "one's own"
    assert f"{waits}/confirm" not in forms(ann.client.get("/audits/everything"))
    assert bob.client.get(waits).status_code == 404, "it is the asker's"
    offered = bob.client.get("/audits/everything")
    assert "ann Archer asks you to confirm a reading" in words(offered)
    assert "Yearly review" in words(offered)
    assert town.index.bodies_of("audit-entries") == []
    sent = bob.client.post(f"{waits}/confirm", data=forms(offered)[f"{waits}/confirm"])
    assert sent.status_code == 303
    page = ann.client.get(waits)
    assert "bob Archer has confirmed this reading" in words(page)
    read = ann.client.post(waits, data=forms(page)[waits])
    assert "nothing in the range is left out" in words(ann.client.get(read.location))
    assert ann.client.post(waits, data=forms(page)[waits]).status_code == 404, "good once"


def test_who_confirms_has_just_signed_in_and_in_time(
    ann: Somebody, people: dict[str, Somebody], town: Town
) -> None:
    bob = people["bob"]
    waits = ask(ann, "everything", ground="Yearly review", second="elsewhere").location
    assert bob.sign_in().status_code == 303
    csrf = {"csrf": bob.csrf()}
    for _ in range(2):
        town.clock.advance(10 * MINUTE_MS)
        bob.client.get("/session")
    stale = bob.client.post(f"{waits}/confirm", data=csrf)
    assert "because=again" in stale.location
    town.clock.advance(WAITING_MS)
    assert bob.sign_in().status_code == 303
    late = bob.client.post(f"{waits}/confirm", data={"csrf": bob.csrf()})
    assert late.status_code == 404


def test_nothing_of_the_person_reaches_the_index(ann: Somebody, town: Town) -> None:
    town.index.passed.clear()
    assert ask(ann, "person", **TYPED).status_code == 303
    passed = b"".join(one.head + one.body + one.answer for one in town.index.passed)
    assert town.index.bodies_of("audit-person")
    for word in ("Zephyrine", "Quillfeather", "Complaint 17/2026", OFFICER):
        assert word.encode() not in passed
