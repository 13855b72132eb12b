"""The journal is sealed: nothing of a person is in the database, its WAL, or the logs."""

import base64
import sqlite3

import pytest

from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Quoted
from agency_connector.journal.sealing import JournalSeal
from foundation.operator import OperatorError
from protocol.encoding import b64u_decode
from tests.agency_connector.lookups.conftest import template, town
from tests.agency_connector.lookups.county import County, new_id

__all__ = ["template", "town"]

CANARIES = ("Quillfeather", "zanzibarian welfare", "SW1A 2AA", "pc-canary", "31/12/1961")


def forms(canary: str) -> list[bytes]:
    """How text may hide in a file: each encoding, in either case where that could happen."""
    found = []
    for text in {canary, canary.lower(), canary.upper(), canary.replace(" ", "")}:
        for octets in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
            found += [octets, octets.hex().encode(), octets.hex().upper().encode()]
            # base64 of a text within a longer one starts at one of three offsets.
            for shift in range(3):
                whole = base64.b64encode(b"\0" * shift + octets)
                found.append(whole[4 if shift else 0 : len(whole) // 4 * 4 - 4])
    return [form for form in found if len(form) >= 6]


def test_nothing_that_was_typed_is_readable_at_rest_or_in_the_logs(
    town: County, capfd: pytest.CaptureFixture[str]
) -> None:
    """Searched in the database, its WAL and keyring, and what was sent, in every encoding."""
    told = {"postcode": "SW1A 2AA", "user": "pc-canary", "reason": "zanzibarian welfare"}
    answer = town.check("Shula Quillfeather", "31/12/1961", **told)
    town.wider(answer.check, user="pc-canary")
    town.index.before = lambda _: (_ for _ in ()).throw(OSError)
    with pytest.raises(OperatorError):
        town.check("Nigel Quillfeather", "31/12/1961", **told)
    state = town.folder / "police" / "state"
    files = {path.name: path.read_bytes() for path in state.iterdir()}
    assert "connector.db-wal" in files, "the database is open, so its newest pages are in the WAL"
    files["keys.json"] = (town.folder / "police" / "keys.json").read_bytes()
    files["sent"] = b"".join(body for _, body in town.index.bodies + town.evaluation.bodies)
    files["index"] = b"".join(p.read_bytes() for p in town.folder.glob("*.db*"))
    printed = capfd.readouterr()
    files["printed"] = (printed.out + printed.err).encode()
    found = [
        (name, canary)
        for name, content in files.items()
        for canary in CANARIES
        if any(form in content for form in forms(canary))
    ]
    assert found == []


def test_the_search_would_find_a_name_that_is_not_sealed(town: County) -> None:
    """Guards the test above: text put into the same database is found in each form."""
    path = town.folder / "police" / "state" / "connector.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table canary (t text)")
        connection.execute("insert into canary values ('Shula Quillfeather')")
    connection.close()
    everything = b"".join(p.read_bytes() for p in path.parent.iterdir())
    assert any(form in everything for form in forms("Quillfeather"))
    for content in (base64.b64encode(b"xQuillfeatherx"), "Quillfeather".encode("utf-16-le")):
        assert any(form in content for form in forms("Quillfeather"))


def test_a_record_opens_only_in_its_own_row_and_column(town: County) -> None:
    """Whoever can write the database cannot move one officer's check into another's."""
    seal = JournalSeal(town.police.keyring.get(JOURNAL))
    quoted = Quoted(user="jo", reference="2222222222", asked_at=1)
    sealed = seal.seal("quoted", b"a" * 16, quoted)
    assert seal.open("quoted", b"a" * 16, sealed, Quoted) == quoted
    assert seal.seal("quoted", b"a" * 16, quoted) != sealed
    for column, row in (("quoted", b"b" * 16), ("asked", b"a" * 16)):
        with pytest.raises(OperatorError, match="does not open"):
            seal.open(column, row, sealed, Quoted)
    with pytest.raises(OperatorError, match="does not open"):
        seal.open("quoted", b"a" * 16, sealed[:-1] + bytes([sealed[-1] ^ 1]), Quoted)
    with pytest.raises(OperatorError, match="does not open"):
        JournalSeal(bytes(32)).open("quoted", b"a" * 16, sealed, Quoted)
    with pytest.raises(OperatorError, match="does not open"):
        seal.open("quoted", b"a" * 16, b"", Quoted)


def test_a_check_outlives_the_process(town: County) -> None:
    """What was answered is read again by a connector that was started anew."""
    answer = town.check()
    town.police.close()
    town.connectors["police"] = Installation.open(town.folder / "police", clock=town.clock)
    found = Journal.of(town.police).find(b64u_decode(answer.check))
    assert found is not None
    assert found.kept is not None
    assert town.check(check=answer.check) == answer
    assert Journal.of(town.police).find(b64u_decode(new_id())) is None


def test_records_do_not_show_themselves(town: County) -> None:
    """A traceback or a log that prints a record prints nothing of it."""
    answer = town.check()
    found = Journal.of(town.police).find(b64u_decode(answer.check))
    assert found is not None
    assert "Shula" not in repr(found)
    assert "Borchester" not in repr(found)
