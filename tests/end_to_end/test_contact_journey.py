"""An officer asks to be phoned, the desk phones and closes, and the whole record is verified."""

import re

from sqlalchemy import select

from agency_connector.contacts import requests as contacts
from agency_connector.contacts.contact import NewContact
from agency_connector.contacts.exchange import exchange
from index_service.audit.verifying import verify_log
from index_service.tables import metadata
from protocol import verifier_keys
from schemas.contacts import NOT_A_CRIME_REPORT
from tests.end_to_end.eastmere import INDEX_URL, OFFICER, ZEPHYRINE, Town, new_id, one_line

TEXT = "Ring me about tonight: Gloriana is with her."
CLERK = "Hephzibah Clerk\n"


def test_a_request_to_phone_goes_there_and_back_and_leaves_no_words_behind(town: Town) -> None:
    answer = town.check("police", ZEPHYRINE)
    [hit] = answer.involved
    asked = NewContact(
        id=new_id(), check=answer.check, reference=hit.reference, text=TEXT,
        name="Officer Dibble", phone="01632 960177",
    )  # fmt: skip
    # The index is away for a while: nothing is lost, and nothing doubled.
    town.down(INDEX_URL)
    assert contacts.ask(town["police"], OFFICER, asked).waiting
    town.down(INDEX_URL, False)
    assert exchange(town["police"]).sent == 1

    fetched = town.command("council", "contact", "fetch")
    assert "0 sent, 0 refused, 1 new, 0 answered" in fetched.output, fetched.output
    listed = town.command("council", "contact", "list", "--received").output
    for said in (NOT_A_CRIME_REPORT, TEXT, "from Police", "01632 960177", "01632 960100"):
        assert said in listed
    assert "0 new" in town.command("health", "contact", "fetch").output
    assert town.command("health", "contact", "list", "--received").output == "There are none.\n"

    told = town.command(
        "council", "contact", "step", asked.id, "will-phone", typed=f"{CLERK}At nine\n"
    )
    assert told.exit_code == 0, told.output
    closed = town.command(
        "council", "contact", "step", asked.id, "spoken",
        typed=f"{CLERK}\nyes\nCR/2026/1\n",
    )  # fmt: skip
    assert closed.exit_code == 0, closed.output
    again = town.command(
        "council", "contact", "step", asked.id, "refused", typed=f"{CLERK}No\nno\n"
    )
    assert again.exit_code == 1
    assert "cannot take this step" in one_line(again.stderr.strip().splitlines()[-1])

    exchange(town["police"])
    kept = contacts.find(town["police"], asked.id)
    assert kept is not None
    assert [step.step for step in kept.steps] == ["asked", "will-phone", "spoken"]
    assert kept.crime is not None
    assert kept.crime.reference == "CR/2026/1"
    assert town.command("council", "contact", "list", "--overdue").output == "There are none.\n"

    town.work()
    index = town.index_app
    with index.database.read() as connection:
        log = verifier_keys.read(index.log.verifier_key)
        verified = verify_log(connection, log, index.partnership)
        cells = [
            cell if isinstance(cell, bytes) else str(cell).encode()
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
            for cell in row
        ]
    assert verified is not None
    for canary in ("Gloriana", "Dibble", "Hephzibah", "At nine", "CR/2026", "960177"):
        assert not any(canary.encode() in cell for cell in cells), canary


def test_what_people_write_is_never_taken_from_the_command_line(town: Town) -> None:
    answer = town.check("police", ZEPHYRINE)
    reference = answer.involved[0].reference
    told = town.command("police", "contact", "ask", answer.check, reference, TEXT)
    assert told.exit_code == 2
    not_mine = town.command(
        "police", "contact", "ask", answer.check, reference, typed="Ring me\nA\n\n"
    )
    assert not_mine.exit_code == 1
    assert re.search("no check of yours gave out this reference", not_mine.stderr)
