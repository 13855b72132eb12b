"""Notices to the mailboxes of desks: kept with what they tell of, sent by `run` on its schedule.

A notice is put off before each try and marked once the server has taken it. A process that dies in
between sends it again, with the same Message-ID, by which mail systems tell that it is the same.
"""

import re
from contextlib import ExitStack
from typing import Final

from sqlalchemy import Connection

from agency_connector.installation import Installation
from agency_connector.mailing import storage
from agency_connector.mailing.messages import message
from agency_connector.mailing.server import CannotMail, MailServer, connected, password_of
from agency_connector.mailing.settings import MAILBOX, MailSettings
from agency_connector.mailing.storage import Notice
from agency_connector.settings import DeskSettings, Settings
from foundation import logs

KEPT_MS: Final = 90 * 86_400_000
_MINUTE_MS: Final = 60_000
_LONGEST_PAUSE_MS: Final = 60 * _MINUTE_MS
_MOST_DOUBLINGS: Final = 10


def put(
    installation: Installation, connection: Connection, notice: bytes, desk: str, reference: str
) -> None:
    """Tell a desk's mailbox that a request to phone waits, once this transaction is committed.

    `notice` is the request's id, 16 bytes: the same request is told of once. Without `[mail]`
    nothing is kept.
    """
    if installation.settings.mail is not None:
        storage.put(connection, notice, desk, reference, installation.clock())


def deliver(installation: Installation) -> bool:
    """Send what is due; return whether all of it was taken."""
    told = installation.settings.mail
    if told is None:
        return True
    with installation.database.write() as connection:
        storage.forget(connection, installation.clock() - KEPT_MS)
    sent = failed = 0
    with ExitStack() as stack:
        server: MailServer | None = None
        while (notice := _claimed(installation)) is not None:
            try:
                mailbox, desk = _mailbox(installation.settings, told, notice.desk)
                if server is None:
                    password = password_of(told, installation.keyring)
                    server = stack.enter_context(connected(told, password))
                address = address_of(installation.settings)
                server.send(message(notice, desk, mailbox, told.sender, address))
            except CannotMail as error:
                failed += 1
                with installation.database.write() as connection:
                    storage.note_failed(connection, notice.id, error.failure)
                if error.server_wide:
                    break
            else:
                sent += 1
                with installation.database.write() as connection:
                    storage.note_sent(connection, notice.id, installation.clock())
    if sent or failed:
        logs.get_logger().info("mail.sent", delivered=sent, waiting=failed)
    return not failed


def pause_ms(tries: int) -> int:
    """Return how long to wait after so many tries: a minute, doubled each time, at most an hour."""
    return min(_MINUTE_MS << min(tries, _MOST_DOUBLINGS), _LONGEST_PAUSE_MS)


def address_of(settings: Settings) -> str:
    """Return where the pages are."""
    stated = settings.sign_in.address if settings.sign_in is not None else None
    return stated or f"http://{settings.pages.bind}"


def mailboxes(settings: Settings, told: MailSettings) -> dict[str, str | None]:
    """Return each visible desk's mailbox for notices, or None if it has none."""
    return {
        desk.id: _mailbox_of(told, desk)
        for desk in settings.desks
        if desk.visibility == "visible" and not desk.withdrawn
    }


def lines(installation: Installation) -> tuple[tuple[str, bool], ...]:
    """Return what `status` says of the mail: sentences, each with whether it is good."""
    if installation.settings.mail is None:
        return ()
    with installation.database.read() as connection:
        found = storage.waiting(connection)
    failed = [one for one in found if one.failed]
    if not failed:
        waits = sum(one.count for one in found)
        return ((f"{waits} wait to be sent" if waits else "every notice to a desk was sent", True),)
    unsent = sum(one.count for one in failed)
    because = ", ".join(one.failed for one in failed)
    said = (
        f"{unsent} could not be sent yet ({because}): run `agency-connector doctor`; each is tried "
        "again within the hour"
    )
    return ((said, False),)


def _claimed(installation: Installation) -> Notice | None:
    """Return the next notice that is due and that this process may try now."""
    now = installation.clock()
    with installation.database.write() as connection:
        notice = storage.next_due(connection, now)
        if notice is None:
            return None
        mine = storage.claim(connection, notice, now, now + pause_ms(notice.tries))
    return notice if mine else None


def _mailbox(settings: Settings, told: MailSettings, desk: str) -> tuple[str, str]:
    """Return a desk's mailbox and name; CannotMail if it has none."""
    found = next((one for one in settings.desks if one.id == desk), None)
    mailbox = None if found is None else _mailbox_of(told, found)
    if found is None or mailbox is None:
        raise CannotMail("no-mailbox", no_mailbox(desk), server_wide=False)
    return mailbox, found.name


def _mailbox_of(told: MailSettings, desk: DeskSettings) -> str | None:
    found = told.mailboxes.get(desk.id, desk.email)
    return found if found is not None and re.match(MAILBOX, found) else None


def no_mailbox(desk: str) -> str:
    """Return what to do about a desk without a mailbox."""
    return (
        f"desk {desk} has no mailbox for notices: add email to its [[desks]], or a line for it "
        "under [mail.mailboxes]"
    )
