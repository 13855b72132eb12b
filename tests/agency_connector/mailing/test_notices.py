"""A desk is told once that a request waits, over TLS alone, and of nobody; or it is tried again."""

import secrets

import msgspec
import pytest
from sqlalchemy import select

from agency_connector.installation import Installation
from agency_connector.mailing import notices, storage
from agency_connector.mailing.server import MailServer
from tests.agency_connector.mailing.conftest import Sorting
from tests.conftest import FakeClock

REFERENCE = "7KQ2MXW4RD"
MINUTE_MS = 60_000


def put(installation: Installation, desk: str = "front-desk", notice: bytes = b"") -> bytes:
    notice = notice or secrets.token_bytes(16)
    with installation.database.write() as connection:
        notices.put(installation, connection, notice, desk, REFERENCE)
    return notice


def failed(installation: Installation) -> list[str]:
    with installation.database.read() as connection:
        return [one.failed for one in storage.waiting(connection)]


def test_a_notice_is_sent_once_and_tells_of_nobody(sorting: Sorting) -> None:
    sorting.serve()
    agency = sorting.opened()
    notice = put(agency)
    put(agency, notice=notice)
    put(agency, "night-desk")
    assert notices.deliver(agency)
    assert notices.deliver(agency)
    first, second = sorted(sorting.post.mails, key=lambda mail: mail["To"])
    assert sorting.post.signed_in == [True, True]
    assert (first["To"], second["To"]) == ("front@borchester.example", "night@borchester.example")
    assert first["From"] == "connector@borchester.example"
    assert first["Subject"] == "A request to phone waits"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first.get_content().splitlines() == [
        "A request to phone waits at desk Borchester Übergabe, reference 7KQ2M-XW4RD.",
        "Sign in at https://connector.borchester.example",
        "",
        "This mail tells nothing of anybody. Nobody reads answers to it.",
    ]
    assert failed(agency) == []
    assert notices.lines(agency) == (("every notice to a desk was sent", True),)


def test_while_the_server_is_away_a_notice_waits_longer_each_time_and_then_goes(
    sorting: Sorting, clock: FakeClock
) -> None:
    agency = sorting.opened()
    put(agency)
    assert not notices.deliver(agency)
    assert failed(agency) == ["unreachable"]
    ((said, good),) = notices.lines(agency)
    assert said.startswith("1 could not be sent yet (unreachable): run `agency-connector doctor`;")
    assert not good
    assert notices.deliver(agency), "nothing is due"
    clock.advance(MINUTE_MS)
    assert not notices.deliver(agency)
    clock.advance(MINUTE_MS)
    assert notices.deliver(agency), "the second pause is longer"
    sorting.serve()
    clock.advance(MINUTE_MS)
    assert notices.deliver(agency)
    assert len(sorting.post.mails) == 1


def test_pauses_double_up_to_an_hour() -> None:
    assert [notices.pause_ms(tries) // MINUTE_MS for tries in (0, 1, 2, 5, 6, 10_000)] == [
        1, 2, 4, 32, 60, 60,
    ]  # fmt: skip


def test_a_process_that_dies_after_the_server_took_a_notice_sends_the_same_again(
    sorting: Sorting, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sorting.serve()
    agency = sorting.opened()
    put(agency)
    real = MailServer.send

    def die(self: MailServer, mail: object) -> None:
        real(self, mail)  # type: ignore[arg-type]  # handed on
        raise KeyboardInterrupt

    monkeypatch.setattr(MailServer, "send", die)
    with pytest.raises(KeyboardInterrupt):
        notices.deliver(agency)
    monkeypatch.setattr(MailServer, "send", real)
    assert notices.deliver(agency), "not before its pause is over"
    clock.advance(MINUTE_MS)
    assert notices.deliver(agency)
    first, again = sorting.post.mails
    assert first["Message-ID"] == again["Message-ID"]
    assert first.as_bytes() == again.as_bytes()
    clock.advance(3_600_000)
    assert notices.deliver(agency)
    assert len(sorting.post.mails) == 2


def test_of_two_that_would_send_a_notice_one_gets_it(sorting: Sorting) -> None:
    agency = sorting.opened()
    put(agency)
    now = sorting.clock()
    with agency.database.read() as connection:
        due = storage.next_due(connection, now)
    assert due is not None
    for expected in (True, False):
        with agency.database.write() as connection:
            assert storage.claim(connection, due, now, now + 1) is expected


def test_a_mailbox_that_is_refused_keeps_no_other_waiting(sorting: Sorting) -> None:
    sorting.serve()
    agency = sorting.opened()
    sorting.post.to_mailbox = f"550 no {REFERENCE} here"
    put(agency)
    put(agency, "night-desk")
    put(agency, "gone-desk")
    assert not notices.deliver(agency)
    assert [mail["To"] for mail in sorting.post.mails] == ["night@borchester.example"]
    assert failed(agency) == ["no-mailbox", "refused"]


def test_what_the_server_cannot_take_now_is_tried_again(sorting: Sorting, clock: FakeClock) -> None:
    sorting.serve()
    agency = sorting.opened()
    put(agency)
    sorting.post.to_data = "451 try later"
    assert not notices.deliver(agency)
    assert failed(agency) == ["later"]
    sorting.post.to_data = ""
    clock.advance(MINUTE_MS)
    assert notices.deliver(agency)


def test_what_nobody_waits_for_any_more_is_not_sent_and_old_ones_are_erased(
    sorting: Sorting, clock: FakeClock
) -> None:
    sorting.serve()
    agency = sorting.opened()
    off = put(agency)
    with agency.database.write() as connection:
        storage.call_off(connection, off)
    put(agency, "night-desk")
    clock.advance(notices.KEPT_MS + 1)
    assert notices.deliver(agency)
    assert sorting.post.mails == []
    with agency.database.read() as connection:
        assert connection.execute(select(storage.notices)).all() == []


def test_without_mail_nothing_is_kept(sorting: Sorting) -> None:
    settings = msgspec.structs.replace(sorting.opened().settings, mail=None)
    agency = sorting.opened()
    without = Installation(
        agency.home, settings, agency.database, agency.keyring, agency.signing_key,
        agency.sealing_key, agency.clock,
    )  # fmt: skip
    put(without)
    assert notices.deliver(without)
    assert notices.lines(without) == ()
    with agency.database.read() as connection:
        assert connection.execute(select(storage.notices)).all() == []
