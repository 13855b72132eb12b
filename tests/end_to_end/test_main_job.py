"""The main job: a name is checked, the right team can be phoned, and nobody else sees the name."""

import base64
import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from agency_connector.journal.records import Typed
from agency_connector.lookups import resolving
from agency_connector.lookups.token_sets import expansion_of
from tests.end_to_end.eastmere import (
    BARTHOLOMEW,
    PHONES,
    ZEPHYRINE,
    Town,
    asked_for,
    phones,
)
from tests.end_to_end.wire import Passed

STRANGER = ("Leocadia", "Wintersmoon", "1979-08-23")
NOW = 1_795_000_000_000


def test_the_right_team_is_found_and_the_others_are_accounted_for(town: Town) -> None:
    answer = town.check("police", ZEPHYRINE)
    assert phones(answer) == {"Council": PHONES["council"]}
    assert [told.surety for told in answer.involved] == ["strong"]
    assert [told.partner for told in answer.none_recorded] == ["Health"]
    assert answer.not_searched == ()
    assert phones(town.check("police", BARTHOLOMEW)) == {"Health": PHONES["health"]}


def test_a_person_of_whom_nobody_knows_is_never_called_clear(town: Town) -> None:
    answer = town.check("police", STRANGER)
    assert answer.involved == ()
    assert [told.partner for told in answer.none_recorded] == ["Council", "Health"]
    assert "This does not mean the person is unknown or safe." in " ".join(answer.sentences)


def test_one_agency_that_publishes_finds_anothers_person(town: Town) -> None:
    """Its own flags are not shown to itself."""
    assert phones(town.check("council", BARTHOLOMEW)) == {"Health": PHONES["health"]}
    assert phones(town.check("council", ZEPHYRINE)) == {}


def test_a_slip_of_the_pen_still_finds_the_person(town: Town) -> None:
    """Day and month swapped: the lookup is expanded, since tokens compare only for equality."""
    given, family, _ = BARTHOLOMEW
    assert phones(town.check("police", (given, family, "1971-03-11"))) == {
        "Health": PHONES["health"]
    }


def test_looking_wider_is_a_second_recorded_step(town: Town) -> None:
    before = len(town.index.bodies_of("look-up"))
    narrow = town.check("police", ZEPHYRINE)
    wide = town.look_wider("police", narrow)
    assert (narrow.breadth, wide.breadth) == ("narrow", "wide")
    assert len(town.index.bodies_of("look-up")) == before + 2


def test_the_team_that_is_phoned_sees_its_own_record_and_who_asked(town: Town) -> None:
    (hit,) = town.check("police", ZEPHYRINE).involved
    told = resolving.resolve(town["council"], "duty.worker", hit.reference)
    assert (told.source, told.local_id) == ("cases", "council-0")
    assert told.asked_by == "Police"
    assert told.call_back is not None
    assert told.call_back.phone == PHONES["police"]


def test_the_same_check_again_gets_the_same_answer_and_asks_nobody(town: Town) -> None:
    answer = town.check("police", ZEPHYRINE)
    town.down_all()
    assert town.check("police", ZEPHYRINE, check=answer.check) == answer


# What a name could be disguised as, beyond its plain form.
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "hex": lambda text: text.hex().encode(),
    "HEX": lambda text: text.hex().upper().encode(),
    "percent": lambda text: b"".join(b"%%%02X" % byte for byte in text),
    "base32": lambda text: base64.b32encode(text)[: len(text) * 8 // 5],
    "backwards": lambda text: text[::-1],
    "json": lambda text: b"".join(b"\\u%04x" % byte for byte in text),
}
DIGESTS = ("md5", "sha1", "sha256", "sha512")


def in_base64(text: bytes) -> Iterator[bytes]:
    """The base64 of `text` wherever in a group of three bytes it begins, in both alphabets."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + text)
        inner = encoded[4 if shift else 0 : (shift + len(text)) // 3 * 4]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def spelled(text: str) -> Iterator[bytes]:
    """A word in every case and in every encoding that a careless program might use."""
    for word in {text, text.lower(), text.upper(), text.capitalize()}:
        for plain in (word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be")):
            yield plain
            yield from in_base64(plain)
            yield from (encode(plain) for encode in ENCODINGS.values())


def digests(text: str) -> Iterator[bytes]:
    """The unkeyed hashes of a text, as bytes, hexadecimal and base64."""
    for name in DIGESTS:
        for word in (text, text.lower()):
            # The first 12 bytes, so that a hash cut to the length of a token is found too.
            digest = hashlib.new(name, word.encode()).digest()[:12]
            yield from (digest, digest.hex().encode(), *in_base64(digest))


def secrets_of(person: tuple[str, str, str]) -> set[bytes]:
    """Everything that would tell of `person`: names, date of birth, and hashes of match keys."""
    given, family, born = person
    year, month, day = born.split("-")
    found = {form for word in (given, family) for form in spelled(word)}
    for date in (born, f"{day}/{month}/{year}", year + month + day, f"{day}.{month}.{year}"):
        found |= set(spelled(date))
    typed = asked_for(person)
    expansion = expansion_of(Typed(particulars=typed.particulars, reason=typed.reason), NOW)
    keys = [key.value for key in expansion.narrow[:10]]
    assert keys
    for text in (*keys, f"{given} {family}", f"{given} {family} {born}", f"{given}{family}{born}"):
        found |= set(digests(text))
    for key in keys:
        found.add(key.encode())
    return {form for form in found if len(form) >= 6}


def rest_of(path: Path) -> bytes:
    """What stands in a SQLite file, its write-ahead log included."""
    return b"".join(
        file.read_bytes() for file in (path, path.with_name(path.name + "-wal")) if file.exists()
    )


def test_nothing_of_a_name_leaves_the_connector(
    town: Town, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not to the index, not to the evaluator, not into a database or a log; in no encoding."""
    for person in (ZEPHYRINE, STRANGER):
        town.look_wider("police", town.check("police", person))
    town.sync("council")
    logs = "".join(capfd.readouterr()).encode()
    seen = {
        "the wire to the index": wire(town.index.passed),
        "the wire to the evaluator": wire(town.evaluator.passed),
        "the index's database": rest_of(town.folder / "index.db"),
        "the evaluator's database": rest_of(town.folder / "evaluator.db"),
        "the asker's database": rest_of(town.home("police") / "state" / "connector.db"),
        "the publisher's database": rest_of(town.home("council") / "state" / "connector.db"),
        "the logs": logs,
    }
    everything = b"\n".join(seen.values())
    for secret in secrets_of(ZEPHYRINE) | secrets_of(STRANGER):
        if secret in everything:
            found = [where for where, content in seen.items() if secret in content]
            pytest.fail(f"{secret!r} is in {', '.join(found)}")


def test_the_search_finds_what_is_there(town: Town) -> None:
    """The control: it sees through the envelopes, in which documents stand as base64."""
    content = wire(town.index.passed)
    assert PHONES["council"].encode() not in content
    assert any(form in content for form in spelled(PHONES["council"]))
    database = rest_of(town.folder / "index.db")
    assert any(form in database for form in spelled("Council front desk"))
    with closing(sqlite3.connect(town.folder / "index.db")) as index:
        (handle,) = index.execute("SELECT handle FROM flags LIMIT 1").fetchone()
    assert any(form in content for form in in_base64(handle))


def wire(passed: Sequence[Passed]) -> bytes:
    """Everything that passed, both ways."""
    return b"\n".join(
        part for one in passed for part in (one.head, one.body, one.answer_head, one.answer)
    )
