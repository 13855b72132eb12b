"""The one text that is mailed. Who is concerned, who asks and why stand behind the sign-in."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from agency_connector.mailing.storage import Notice
from protocol.encoding import b64u_encode
from protocol.references import spoken

SUBJECT: Final = "A request to phone waits"
_TEXT: Final = """\
A request to phone waits at desk {desk}, reference {reference}.
Sign in at {address}

This mail tells nothing of anybody. Nobody reads answers to it.
"""


def message(notice: Notice, desk: str, mailbox: str, sender: str, address: str) -> EmailMessage:
    """Return the mail about `notice` to `mailbox`; `desk` is its name, `address` of the pages.

    It is the same each time it is sent, with the same Message-ID (RFC 5322 §3.6.4), and says that
    a program made it (RFC 3834 §5), so that none answers.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = Address(addr_spec=sender)
    made["To"] = Address(addr_spec=mailbox)
    made["Subject"] = SUBJECT
    made["Date"] = datetime.fromtimestamp(notice.made_at / 1000, UTC)
    made["Message-ID"] = f"<{b64u_encode(notice.id)}.request@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    told = _TEXT.format(desk=desk, reference=spoken(notice.reference), address=address)
    made.set_content(told, cte="quoted-printable")
    return made
