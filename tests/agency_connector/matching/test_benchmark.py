"""What `python -m benchmarks.matching` counts, on files small enough to count by hand."""

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agency_connector.matching.particulars import Particulars
from benchmarks.matching import __main__ as program
from benchmarks.matching import through_service
from benchmarks.matching.figures import by_grade, recall_at_precision, true_pairs
from benchmarks.matching.linking import Hit
from benchmarks.matching.other_birthdays import redated, strangers
from benchmarks.matching.records import COLUMNS, Record, read

HEADER = ",".join((*COLUMNS, "group"))
STORED = (
    "s1,ann,police,Geraldine,,Hathersage,1961-07-23,,SW1A 2AA,,one",
    "s2,ann,nhs,Gerry,,Hathersage,1961-07-23,,,,one",
    "s3,bob,nhs,Robert,,Osgathorpe,1970-05-04,,,,two",
    "s4,eve,nhs,unknown,,,,,,,two",
)
LOOKUPS = (
    "l1,ann,query,Geraldine,,Hathersage,1961-07-23,,,,one",
    "l2,cat,query,Robert,,Osgathorpe,1970-05-04,,,,two",
    "l3,dan,query,Ida,,Wetherby,1955-02-28,,,,two",
)


def hit(weight: float, right: bool, grade: int = 0, lookup: int = 0) -> Hit:
    return Hit(lookup, 0, grade, weight, "", right)


def test_the_program_prints_one_object_with_every_figure(tmp_path: Path) -> None:
    for name, rows in (("stored", STORED), ("lookups", LOOKUPS)):
        (tmp_path / f"{name}.csv").write_text("\n".join((HEADER, *rows)) + "\n")
    words: list[str | Path] = [
        "--stored",
        tmp_path / "stored.csv",
        "--lookups",
        tmp_path / "lookups.csv",
    ]
    words.append("--peers")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.matching", *words],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[3],
    )
    found = json.loads(ran.stdout)
    assert found["counts"] == {
        "stored_records": 4,
        "stored_people": 3,
        "stored_unusable": 1,
        "lookups": 3,
        "lookups_unusable": 0,
        "true_pairs": 2,
        "hits": 3,
    }
    strong = found["grades"]["strong"]
    assert strong["recall"] == 1.0
    assert strong["false_hits"] == 1
    assert strong["false_hits_per_lookup_per_million"] == pytest.approx(1 / 3 / 3 * 1e6, rel=1e-3)
    assert found["groups"]["two"]["grades"]["strong"]["recall"] is None
    assert found["stored_tokens"]["max"] <= 12
    assert found["peers"]["exact_hash"]["recall"] == 0.5
    assert {"stored_keys", "expansion", "grading"} <= set(found["seconds"])


def test_grades_are_cumulative_and_hold_their_intervals() -> None:
    hits = [hit(0, True, 0), hit(0, True, 1, 1), hit(0, False, 2, 1)]
    found = by_grade(hits, [1, 1], range(2), 1_000_000)
    assert [v["recall"] for v in found.values()] == [0.5, 1.0, 1.0]
    assert [v["false_hits"] for v in found.values()] == [0, 0, 1]
    for figures in found.values():
        low, high = figures["recall_95"]
        assert low <= figures["recall"] <= high
    low, high = found["strong"]["false_hits_per_lookup_per_million_95"]
    assert low == 0.0
    assert 1.5 < high < 2.0  # no event in two: the upper limit is 3.7


def test_recall_at_precision_takes_the_best_cut_off_and_no_part_of_a_tie() -> None:
    good = [hit(1.0, True) for _ in range(99)]
    assert recall_at_precision([*good, hit(2.0, False)], 110) == 0.9
    assert recall_at_precision([*good, hit(1.0, False), hit(1.0, False)], 110) == 0.0
    assert recall_at_precision([], 0) is None


def test_columns_may_stand_in_any_order_and_most_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "few.csv.gz"
    path.write_bytes(gzip.compress("\ufeffsurname,ent_id,rec_id,forename\nWren,e,r\n".encode()))
    [record] = read(path)
    assert (record.name, record.entity, record.particulars.family) == ("r", "e", "Wren")
    assert (record.particulars.given, record.particulars.born, record.group) == ("", "", "")


def test_only_the_record_itself_is_left_out_not_one_that_is_numbered_alike() -> None:
    one, other = (Record("1", entity, "", "", "", Particulars()) for entity in ("a", "b"))
    assert true_pairs([one, other], [one, other]) == [0, 0]
    assert true_pairs([one, one, other], [one]) == [0]  # a row that stands twice is one record
    assert not one.is_same(other)


def test_a_record_numbered_as_the_lookup_but_written_otherwise_counts() -> None:
    """Two files that each number their records from 1 lose no true pair."""
    lookup, stored = (Record("1", "a", "", "", "", Particulars(given=n)) for n in ("Jo", "Joe"))
    assert not stored.is_same(lookup)
    assert true_pairs([stored, lookup], [lookup]) == [1]


def test_a_packed_file_is_told_by_its_content_and_names_of_columns_may_be_written_otherwise(
    tmp_path: Path,
) -> None:
    text = "Rec_ID, ENT_ID, Forename, Surname\n\n1,,Ann\n2,,Ann,\n"
    for content in (text.encode(), gzip.compress(text.encode()), text.encode("utf-16")):
        path = tmp_path / "few.csv.gz"
        path.write_bytes(content)
        one, other = read(path)
        assert (one.name, one.particulars.given, one.particulars.family) == ("1", "Ann", "")
        assert one.entity != other.entity  # who has no ent_id is nobody else


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no column rec_id"),
        (b"rec_id;ent_id;forename;surname\n", "it names 1: rec_id;ent_id"),
        (b"rec_id,ent_id,forename,surname\n", "has no records"),
        (b"rec_id,ent_id,forename,surname\n1,a,Ann,Wren,Mary\n", "line 2 has 5 fields"),
        (b'rec_id,ent_id,forename,surname\n1,a,"Ann,Wren\n', "quotation mark"),
        (b"rec_id,ent_id,forename,surname\n1,a,Zo\xeb,Wren\n", "is not UTF-8"),
        (
            # Without the time of day, which would make it another test in each worker.
            gzip.compress(b"rec_id,ent_id,forename,surname\n1,a,A,B\n", mtime=0)[:-9],
            "is packed with gzip",
        ),
        (None, "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_says_what_is_wrong(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        read(path)
    assert str(ended.value).startswith(f"{path}: ")
    assert says in str(ended.value)
    assert "\n" not in str(ended.value)


def test_with_another_birthday_only_strangers_are_counted() -> None:
    """The person is no stranger to themselves; an undated lookup is left out."""
    told = Particulars("Geraldine", "", "Hathersage", "", "1961-07-23", "SW1A 2AA")
    own, undated = (Record("1", "ann", "", "one", "", t) for t in (told, Particulars("Ida")))
    namesake = Record("2", "bob", "", "one", "", told)
    [made] = redated([own, undated, replace(own, group="other")], 1)
    assert made.particulars.born != told.born
    assert abs(int(made.particulars.born[:4]) - 1961) <= 4
    assert next(redated([made], 1)) == next(redated([made], 1))
    found = strangers([own, namesake], [own], 3)["one"]
    assert found["lookups"] == 3
    assert found["possible"]["strangers"] == 0.5e6  # the namesake, once a lookup, of two people


def test_if_the_service_finds_other_hits_the_program_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "few.csv"
    path.write_text("\n".join((HEADER, *STORED)) + "\n")
    words = ["--stored", str(path), "--lookups", str(path), "--through-service", "--limit", "2"]
    monkeypatch.setattr(sys, "argv", ["benchmarks.matching", *words])
    monkeypatch.setattr(through_service, "compared", lambda *_: {"differences": 0})
    program.main()
    assert json.loads(capsys.readouterr().out)["counts"]["stored_records"] == 2
    monkeypatch.setattr(through_service, "compared", lambda *_: {"differences": 1})
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 1


def test_a_refusal_as_too_wide_is_right_only_above_ten_of_one_partner() -> None:
    stored = [Record(str(n), "", "nhs", "", "", Particulars()) for n in range(11)]
    said = dict.fromkeys(range(11), (0, ""))
    assert through_service.refusal_is_right("too-wide", said, stored)
    said.pop(0)
    assert not through_service.refusal_is_right("too-wide", said, stored)
    assert not through_service.refusal_is_right("too-little", said, stored)


def test_a_file_without_a_column_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("rec_id,ent_id\n1,2\n")
    words = ["--stored", tmp_path / "bad.csv", "--lookups", tmp_path / "bad.csv"]
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.matching", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert ran.returncode == 1
    assert "has no column" in ran.stderr
