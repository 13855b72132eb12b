"""Who queried whom: what auditor, asker and holder read, and what a lying index achieves."""

import csv
import io
import json
import re
import stat
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from click.testing import Result

from agency_connector.auditing import reading
from agency_connector.commands import verify_log
from agency_connector.pages import local_users
from agency_connector.receipts import whole
from index_service.audit.reading_segments import forget_segments
from protocol.encoding import b64u_decode, b64u_encode
from schemas.audit import EntriesReading, FoundLookup, PersonReading, ReadEntry
from schemas.entries import AuditReading
from tests.end_to_end.eastmere import BARTHOLOMEW, OFFICER, ZEPHYRINE, Town, eastmere, one_line

TYPED = "Zephyrine Quillfeather\n19 7 1983\n\nComplaint 17/2026\n"
SECRETS = ("Zephyrine", "Quillfeather", "Complaint 17/2026", "neighbour", OFFICER)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Council and health have published; the police have checked a name of each, council one."""
    with eastmere(tmp_path_factory.mktemp("audited")) as made:
        made.join("oversight", by="police", role="auditor")
        made.cases("council", ZEPHYRINE)
        made.cases("health", BARTHOLOMEW)
        for agency in ("council", "health"):
            made.sync(agency)
        made.check("police", ZEPHYRINE)
        made.check("police", BARTHOLOMEW)
        # Spelled otherwise: the expanded lookup would have found her all the same.
        made.check("health", ("Zephyrine", "Quillfeather", "1983-07-20"))
        made.work()
        yield made


def noting(kept: list[Any]) -> Callable[[Any], Any]:
    """Let an answer pass, and keep it."""

    def passed(honest: Any) -> Any:
        kept.append(honest)
        return honest

    return passed


def lines(told: Result) -> list[str]:
    return [line.strip() for line in told.stdout.splitlines()]


def audit(town: Town, agency: str, *words: str, typed: str = "") -> Result:
    town.work()
    return town.command(agency, "audit", *words, typed=typed)


def test_an_auditor_learns_who_could_have_found_a_person_graded_and_proved(town: Town) -> None:
    told = audit(town, "oversight", "person", typed=TYPED)
    assert told.exit_code == 0, told.output
    assert "2 lookups could have found this person." in lines(told)
    said = "\n".join(lines(told))
    assert re.search(r"^Entry \d+  20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC  Police$", said, re.M)
    assert re.search(r"^Officer [\w-]{22}, purpose safeguarding, narrow$", said, re.M)
    assert "Almost certainly the same person as was looked up: same first name, surname" in said
    assert said.count("Shown to the asker: Council") == 2
    assert said.count("Proved: it stands in the log.") == 2
    assert "Everything shown is proved. That the index left nothing out is not" in said
    assert [word for word in SECRETS[:2] if word in told.stdout] == []


def test_what_was_left_of_a_person_is_read_from_there_on(town: Town) -> None:
    first = re.search(r"Entry (\d+)", audit(town, "oversight", "person", typed=TYPED).stdout)
    assert first is not None
    rest = audit(town, "oversight", "person", "--from", str(int(first[1]) + 1), typed=TYPED)
    assert rest.exit_code == 0, rest.output
    assert f"Entry {first[1]} " not in rest.stdout


def test_nothing_of_the_person_or_the_ground_reaches_the_index(town: Town) -> None:
    town.index.passed.clear()
    assert audit(town, "oversight", "person", typed=TYPED).exit_code == 0
    passed = b"".join(one.head + one.body + one.answer for one in town.index.passed)
    assert town.index.bodies_of("audit-person")
    for word in SECRETS:
        assert word.encode() not in passed
    with town.index_app.database.read() as connection:
        from sqlalchemy import select

        from index_service.audit.intake import intake
        from protocol.entries import read_entry

        entries = connection.execute(select(intake.c.entry).order_by(intake.c.id)).scalars().all()
    assert isinstance(read_entry(bytes(entries[-1])), AuditReading)


def test_particulars_and_ground_come_from_standard_input_and_never_from_options(
    town: Town,
) -> None:
    given = {
        "particulars": {"full_name": "Zephyrine Quillfeather", "born": "19 7 1983"},
        "ground": "Complaint 17/2026",
    }
    told = audit(
        town, "oversight", "person", "--json", "-", "--output", "json", typed=json.dumps(given)
    )
    assert told.exit_code == 0, told.output
    read = json.loads(told.stdout)
    assert [row["grade"] for row in read["rows"]] == ["strong", "strong"]
    assert all(row["proof"] == "proved" and row["inclusion_proof"] for row in read["rows"])
    for option in ("--name", "--ground", "--born"):
        assert audit(town, "oversight", "person", option, "x").exit_code == 2


def test_without_a_ground_nothing_is_asked(town: Town) -> None:
    town.index.passed.clear()
    told = audit(town, "oversight", "person", typed="Zephyrine Quillfeather\n19 7 1983\n\n\n")
    assert told.exit_code == 1
    assert "reference of the complaint" in one_line(told.stderr.splitlines()[-1])
    assert town.index.bodies_of("audit-person") == []


def test_the_evaluator_counts_it_under_the_quota_for_audits(town: Town) -> None:
    def counted() -> int:
        from index_service.evaluation import storage

        with town.evaluator_app.database.read() as connection:
            return sum(
                row.elements
                for row in storage.counts_since(connection, 0)
                if (row.agency, row.use) == ("oversight", "audit")
            )

    before = counted()
    assert audit(town, "oversight", "person", typed=TYPED).exit_code == 0
    assert counted() == before + 64


def test_a_list_is_a_table_csv_or_json_and_goes_by_agency_purpose_and_pseudonym(
    town: Town,
) -> None:
    told = audit(town, "oversight", "list", "--agency", "police", "--output", "csv")
    assert told.exit_code == 0, told.output
    rows = list(csv.DictReader(io.StringIO(told.stdout)))
    assert [row["agency"] for row in rows] == ["police", "police"]
    assert {row["proof"] for row in rows} == {"proved"}
    officer = rows[0]["officer"]
    same = audit(town, "oversight", "list", "--pseudonym", officer, "--output", "json")
    assert len(json.loads(same.stdout)["rows"]) == 2
    words = audit(town, "oversight", "list", "--purpose", "safeguarding")
    assert "3 lookups." in lines(words)
    none = audit(town, "oversight", "list", "--agency", "police", "--since", "2099-01-01")
    assert "0 lookups." in lines(none)
    alone = audit(town, "oversight", "list")
    assert alone.exit_code == 1
    assert "takes two people" in one_line(alone.stderr.splitlines()[-1])
    bad = audit(town, "oversight", "list", "--pseudonym", "Constable Dibble")
    assert "a pseudonym is 22 characters" in one_line(bad.stderr.splitlines()[-1])


def test_a_member_cannot_read_what_others_did(town: Town) -> None:
    told = audit(town, "council", "list", "--agency", "police")
    assert told.exit_code == 1
    assert "Only auditors may read this" in one_line(told.stderr.splitlines()[-1])
    assert audit(town, "council", "person", typed=TYPED).exit_code == 1


def test_a_complete_scan_takes_a_second_person(town: Town) -> None:
    mine = local_users.new_token(town["oversight"], local_users.current_user())
    theirs = local_users.new_token(town["oversight"], "second.reader")
    ground = "Yearly review 2026"
    for token, why in ((mine, "takes two people"), ("ifi-local-nobody", "nobody's local token")):
        refused = audit(town, "oversight", "everything", typed=f"{ground}\n{token}\n")
        assert refused.exit_code == 1
        assert why in one_line(refused.stderr.splitlines()[-1])
    told = audit(town, "oversight", "everything", "--output", "json", typed=f"{ground}\n{theirs}\n")
    assert told.exit_code == 0, told.output
    numbers = [row["entry"] for row in json.loads(told.stdout)["rows"]]
    assert numbers == list(range(len(numbers)))
    kinds = {row["kind"] for row in json.loads(told.stdout)["rows"]}
    assert {"lookup", "flags published", "administration", "audit reading"} <= kinds
    body = json.loads(town.index.bodies_of("audit-entries")[-1])
    import base64

    signed = json.loads(base64.b64decode(body["statement"]["payload"]))
    people = {one["officer"] for one in signed["confirmations"]}
    assert len(people) == 2
    assert signed["officer"] in people


def test_verify_log_reads_entries_after_a_scan_and_says_what_it_takes_before(town: Town) -> None:
    town.clock.advance(86_400_000)
    before = whole.verify(town["oversight"])
    assert before.entries == 0
    (said,) = [line for line in verify_log.lines("log", before) if "two people" in line]
    assert "`agency-connector audit everything`" in said
    report = reading.everything(town["oversight"], "first.reader", "second.reader", "Review 2026")
    after = whole.verify(town["oversight"])
    town.clock.advance(-86_400_000)
    assert after.entries == report.size
    # Nobody in this town witnesses.
    assert report.countersigned.startswith("The log alone signed this: too few witnesses")


def test_an_agency_compares_its_own_side_with_its_journal(town: Town) -> None:
    told = audit(town, "police", "own")
    assert told.exit_code == 0, told.output
    assert "2 lookups by our own officers." in lines(told)
    assert lines(told).count(f"Officer in our journal: {OFFICER}") == 2


def test_a_holder_sees_who_looked_its_subject_up(town: Town) -> None:
    told = audit(town, "council", "held", typed="council-0\n")
    assert told.exit_code == 0, told.output
    said = "\n".join(lines(told))
    assert "2 checks." in said
    assert "Police checked this person and was shown your team" in said
    assert "Ring back: Police front desk, 01632 960100" in said
    assert "safeguarding" not in told.output
    unknown = audit(town, "council", "held", typed="council-99\n")
    assert "published no record of this number" in one_line(unknown.stderr.splitlines()[-1])


def test_opened_particulars_are_compared_with_what_was_committed_to(town: Town) -> None:
    check = town.check("police", ZEPHYRINE).check
    path = town.folder / f"opening-{check}.json"
    given = audit(town, "police", "give", check, str(path))
    assert given.exit_code == 0, given.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    opened = audit(town, "oversight", "open", str(path))
    assert opened.exit_code == 0, opened.output
    assert "Particulars and reason: equal" in lines(opened)
    assert "Token set of epoch 1, made again: equal" in lines(opened)
    assert "EQUAL: this lookup was made for these particulars" in opened.stdout
    other = json.loads(path.read_bytes())
    other["particulars"]["given"] = "Zephyrina"
    typed = json.dumps(other)
    changed = audit(town, "oversight", "open", "-", typed=typed)
    assert changed.exit_code == 1
    assert "Token set of epoch 1, made again: NOT EQUAL" in lines(changed)
    assert "NOT EQUAL: these are not the particulars" in changed.stdout
    other = json.loads(path.read_bytes()) | {"reason": "Because"}
    reason = audit(town, "oversight", "open", "-", typed=json.dumps(other))
    assert "Particulars and reason: NOT EQUAL" in lines(reason)
    assert "Token set of epoch 1, made again: equal" in lines(reason)
    unknown = json.loads(path.read_bytes()) | {"lookup": b64u_encode(b"\x07" * 16)}
    missing = audit(town, "oversight", "open", "-", typed=json.dumps(unknown))
    assert missing.exit_code == 1
    assert "NOT COMPARED" in missing.stdout
    again = audit(town, "police", "give", check, str(path))
    assert "is there already" in one_line(again.stderr.splitlines()[-1])
    nobody = audit(town, "oversight", "open", "-", typed="{}")
    assert "this is no opening" in one_line(nobody.stderr.splitlines()[-1])


def flipped(text: str) -> str:
    content = bytearray(b64u_decode(text))
    content[-1] ^= 1
    return b64u_encode(bytes(content))


def first_lookup(**changed: Any) -> Callable[[PersonReading], PersonReading]:
    """A lie about the first lookup of an answer; a callable makes it from the lookup."""

    def lie(honest: PersonReading) -> PersonReading:
        first, *rest = honest.lookups
        made = {name: told(first) if callable(told) else told for name, told in changed.items()}
        return msgspec.structs.replace(
            honest, lookups=(msgspec.structs.replace(first, **made), *rest)
        )

    return lie


def wrong_tokens(found: FoundLookup) -> Any:
    (told,) = found.sets
    joined = bytearray(b64u_decode(told.tokens))
    joined[0] ^= 1
    return (msgspec.structs.replace(told, tokens=b64u_encode(bytes(joined))),)


def another_pseudonym(found: FoundLookup) -> str:
    """The entry with another officer in its statement, under the old signature."""
    import base64

    entry = json.loads(b64u_decode(found.entry))
    payload = json.loads(base64.b64decode(entry["statement"]["payload"]))
    payload["officer"] = b64u_encode(b"another-officer!")
    text = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
    entry["statement"]["payload"] = base64.b64encode(text).decode()
    return b64u_encode(json.dumps(entry, separators=(",", ":"), sort_keys=True).encode())


LIES_ABOUT_A_PERSON: dict[str, tuple[Callable[[PersonReading], PersonReading], str]] = {
    "another proof": (first_lookup(proof=lambda f: flipped(f.proof)), "it is not proved"),
    "another number": (first_lookup(number=lambda f: f.number + 1), "it is not proved"),
    "another pseudonym": (first_lookup(entry=another_pseudonym), "it is not proved"),
    "no entry at all": (first_lookup(entry="AAAA"), "it cannot be read"),
    "other tokens": (first_lookup(sets=wrong_tokens), "not those that its statement commits to"),
    "nobody was shown": (
        first_lookup(shown=lambda f: msgspec.structs.replace(f.shown, hits=())),
        "not what the entry commits to",
    ),
    "rows swapped": (
        lambda honest: msgspec.structs.replace(
            honest, lookups=tuple(reversed(honest.lookups))
        ),
        "out of order",
    ),
    "a row twice": (
        lambda honest: msgspec.structs.replace(
            honest, lookups=(honest.lookups[0], *honest.lookups)
        ),
        "twice or out of order",
    ),
    "one lookup's side record at another's entry": (
        lambda honest: msgspec.structs.replace(
            honest,
            lookups=(
                msgspec.structs.replace(
                    honest.lookups[0],
                    sets=honest.lookups[1].sets,
                ),
                *honest.lookups[1:],
            ),
        ),
        "not those that its statement commits to",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES_ABOUT_A_PERSON)
def test_a_lie_about_a_person_is_an_alarm_and_not_left_out(town: Town, lie: str) -> None:
    told, why = LIES_ABOUT_A_PERSON[lie]
    town.index.lies["audit-person"] = told
    answer = audit(town, "oversight", "person", typed=TYPED)
    assert answer.exit_code == 1
    alarms = [line for line in lines(answer) if line.startswith("ALARM: ")]
    assert any(why in alarm for alarm in alarms), answer.output
    assert "Everything shown is proved." not in answer.stdout
    listed = town.command("oversight", "alarms")
    assert "A reading of the log showed what an honest index never answers" in listed.stdout


def test_a_lookup_that_is_of_somebody_else_is_not_taken_for_the_persons(town: Town) -> None:
    """A proved lookup with its right side record, of another person."""
    honest: list[PersonReading] = []
    town.index.lies["audit-person"] = noting(honest)
    other = "Bartholomew Ravensgill\n3 11 1971\n\nComplaint 18/2026\n"
    assert audit(town, "oversight", "person", typed=other).exit_code == 0
    swapped = honest[0].lookups
    town.index.lies["audit-person"] = lambda told: msgspec.structs.replace(
        told, lookups=swapped, checkpoint=honest[0].checkpoint
    )
    answer = audit(town, "oversight", "person", typed=TYPED)
    assert answer.exit_code == 1
    assert "it has none of the person's tokens" in answer.stdout


def test_an_older_checkpoint_than_was_shown_before_is_noticed(town: Town) -> None:
    honest: list[PersonReading] = []
    town.index.lies["audit-person"] = noting(honest)
    assert audit(town, "oversight", "person", typed=TYPED).exit_code == 0
    town.index.lies.clear()
    assert audit(town, "oversight", "person", typed=TYPED).exit_code == 0
    old = honest[0]
    town.index.lies["audit-person"] = lambda told: msgspec.structs.replace(
        told, lookups=old.lookups, checkpoint=old.checkpoint
    )
    answer = audit(town, "oversight", "person", typed=TYPED)
    assert answer.exit_code == 1
    assert "what came since is missing here" in answer.stdout


@pytest.mark.parametrize("lie", ["unsigned", "another log's", "another reading's record"])
def test_a_reading_that_is_not_the_logs_is_not_shown_at_all(town: Town, lie: str) -> None:
    def told(honest: PersonReading) -> PersonReading:
        if lie == "another reading's record":
            return msgspec.structs.replace(honest, entry=honest.lookups[0].entry)
        note = honest.checkpoint
        changed = note.replace("borsetshire", "elsewhere") if lie != "unsigned" else (
            note.split("\n\n")[0] + "\n\n"
        )  # fmt: skip
        return msgspec.structs.replace(honest, checkpoint=changed)

    town.index.lies["audit-person"] = told
    answer = audit(town, "oversight", "person", typed=TYPED)
    assert answer.exit_code == 1
    assert "the index's answer was not used" in one_line(answer.stderr.splitlines()[-1])
    assert "Entry" not in answer.stdout


def scanned(town: Town) -> Result:
    theirs = local_users.new_token(town["oversight"], "second.reader")
    return audit(town, "oversight", "everything", typed=f"Yearly review\n{theirs}\n")


def without(at: int) -> Callable[[EntriesReading], EntriesReading]:
    def lie(honest: EntriesReading) -> EntriesReading:
        kept: tuple[ReadEntry, ...] = honest.entries[:at] + honest.entries[at + 1 :]
        return msgspec.structs.replace(honest, entries=kept)

    return lie


def test_a_dropped_entry_is_noticed_by_a_complete_scan(town: Town) -> None:
    for at in (0, 5):
        town.index.lies["audit-entries"] = without(at)
        answer = scanned(town)
        assert answer.exit_code == 1
        assert f"ALARM: the index left out entry {at}, though every entry was asked for" in lines(
            answer
        )
    town.index.lies["audit-entries"] = lambda told: msgspec.structs.replace(
        told, entries=told.entries[:-1]
    )
    assert "the index left out entry" in scanned(town).stdout


def test_a_row_dropped_from_a_filtered_list_is_not_noticed_there_but_by_its_asker(
    town: Town,
) -> None:
    """What docs/threat-model.md says is not detectable from a filtered list alone."""
    town.index.lies["audit-entries"] = without(0)
    assert audit(town, "oversight", "list", "--agency", "police").exit_code == 0
    town.index.lies.clear()
    town.clock.advance(1_200_000)
    town.index.lies["audit-own"] = without(0)
    town.work()
    told = reading.own(town["police"], OFFICER)
    town.clock.advance(-1_200_000)
    assert [alarm for alarm in told.every_alarm if "has an answer and a receipt for" in alarm]


def test_a_row_that_was_not_asked_for_is_an_alarm(town: Town) -> None:
    honest: list[EntriesReading] = []
    town.index.lies["audit-entries"] = noting(honest)
    assert audit(town, "oversight", "list", "--agency", "health").exit_code == 0
    swapped = honest[0]
    town.index.lies["audit-entries"] = lambda told: msgspec.structs.replace(
        told, entries=swapped.entries, checkpoint=swapped.checkpoint
    )
    answer = audit(town, "oversight", "list", "--agency", "police")
    assert answer.exit_code == 1
    assert "ALARM: it was not asked for" in lines(answer)


def test_a_check_that_our_journal_does_not_have_is_an_alarm(town: Town) -> None:
    """Somebody who has the agency's key has made a lookup in its name."""
    from sqlalchemy import delete

    from agency_connector.journal.storage import checks

    check = town.check("health", BARTHOLOMEW).check
    with town["health"].database.write() as connection:
        connection.execute(delete(checks).where(checks.c.check_id == b64u_decode(check)))
    answer = audit(town, "health", "own")
    assert answer.exit_code == 1
    assert "our journal has no such check: our key was used elsewhere" in answer.stdout


def test_erased_side_records_are_counted_in_the_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the range, however many pages the answer takes."""
    from sqlalchemy import delete

    from index_service.audit import reading
    from index_service.lookups.storage import side_records

    with town.index_app.database.write() as connection:
        connection.execute(delete(side_records))
        forget_segments(connection, range(1024))
    answer = audit(town, "oversight", "person", typed=TYPED)
    assert answer.exit_code == 0, answer.output
    assert "0 lookups could have found this person." in lines(answer)
    said = r"Of \d+ lookups in range the tokens and the result have been erased"
    assert re.search(said, answer.stdout)
    listed = audit(town, "oversight", "list", "--agency", "police")
    assert "Proved: it stands in the log." in lines(listed)
    monkeypatch.setattr(reading, "LOOKUP_PAGE", 1)
    paged = audit(town, "oversight", "list", "--agency", "police")
    assert re.search(r"reading [\w-]{22}, and (1 more page|\d+ more pages)\.", paged.stdout)
    assert re.findall(said, paged.stdout) == re.findall(said, listed.stdout) != []
