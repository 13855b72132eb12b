"""The agency's own mail server: TLS before anything else, and errors that say what to mend."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Literal

from agency_connector.mailing.settings import MailSettings
from foundation.files import read_private
from foundation.keyring import Keyring
from foundation.operator import OperatorError
from foundation.sealing import read_credential

SECRET: Final = "mail"  # noqa: S105 - the secret's name in the keyring
TIMEOUT_S: Final = 20
# RFC 5321 §4.2.1: from here on a reply is a refusal for now, and for good.
_REFUSED: Final = 400
_PERMANENT: Final = 500

Failure = Literal["unreachable", "not-secure", "sign-in", "refused", "later", "no-mailbox"]


class CannotMail(OperatorError):
    """A mail was not taken. `failure` says why in a word; `server_wide`: others would fail too."""

    def __init__(self, failure: Failure, sentence: str, *, server_wide: bool = True) -> None:
        super().__init__(sentence)
        self.failure: Final = failure
        self.server_wide: Final = server_wide


@dataclass(frozen=True, slots=True)
class MailServer:
    """A connection to the mail server, signed in."""

    client: smtplib.SMTP
    told: MailSettings

    def send(self, mail: EmailMessage) -> None:
        """Hand a mail over; CannotMail if the server did not take it."""
        try:
            self.client.send_message(mail)
        except (smtplib.SMTPException, OSError) as error:
            raise self._refused(error) from None

    def try_mailbox(self, mailbox: str) -> None:
        """Ask whether the server takes mail for this mailbox, without sending any; or CannotMail.

        Not every server knows that before it has the mail.
        """
        try:
            self.client.ehlo_or_helo_if_needed()
            for answered in (self.client.mail(self.told.sender), self.client.rcpt(mailbox)):
                if answered[0] >= _REFUSED:
                    raise smtplib.SMTPResponseException(*answered)
            self.client.rset()
        except (smtplib.SMTPException, OSError) as error:
            raise self._refused(error) from None

    def _refused(self, error: smtplib.SMTPException | OSError) -> CannotMail:
        """Return what is to be said; what the server said stays unsaid, it may name anybody."""
        code = _code_of(error)
        if code is None:
            return _unreachable(self.told)
        if code < _PERMANENT:
            return CannotMail(
                "later",
                f"{_name(self.told)} answers {code}, not now: it is tried again",
                server_wide=False,
            )
        return CannotMail(
            "refused",
            f"{_name(self.told)} refuses mail from {self.told.sender} to this mailbox ({code}): "
            "look at sender and mailboxes under [mail], or ask whoever runs the mail server",
            server_wide=False,
        )


@contextmanager
def connected(told: MailSettings, password: str) -> Iterator[MailServer]:
    """Yield the mail server, reached over TLS as the settings say and signed in; or CannotMail.

    `password` is not looked at unless the settings name a user.
    """
    client = _secured(told)
    try:
        if told.user is not None:
            _sign_in(client, told, told.user, password)
        yield MailServer(client, told)
    finally:
        _leave(client)


def password_of(told: MailSettings, keyring: Keyring) -> str:
    """Return the password that belongs to the settings' user, "" without one; or CannotMail."""
    if told.user is None:
        return ""
    try:
        return _password(told, told.user, keyring)
    except OperatorError as error:
        raise CannotMail("sign-in", str(error)) from None


def _password(told: MailSettings, user: str, keyring: Keyring) -> str:
    kind, _, place = told.password.partition(":")
    if kind == "credential":
        return read_credential(place).decode().strip()
    if kind == "file":
        return read_private(Path(place), owner_may_be_root=True).decode().strip()
    if SECRET not in keyring.names():
        raise OperatorError(
            f"the keyring has no password for {user} at the mail server: run "
            "`agency-connector mail password`"
        )
    return keyring.get(SECRET).decode()


def _secured(told: MailSettings) -> smtplib.SMTP:
    own_name = told.sender.rpartition("@")[2]
    try:
        trusted = ssl.create_default_context(cafile=told.ca_file)
        if told.tls == "tls":
            return smtplib.SMTP_SSL(
                told.server, told.port, own_name, timeout=TIMEOUT_S, context=trusted
            )
        client = smtplib.SMTP(told.server, told.port, own_name, timeout=TIMEOUT_S)
        if told.tls == "starttls":
            _start_tls(client, trusted)
    except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
        because = getattr(error, "verify_message", "") or "it offers none"
        raise CannotMail(
            "not-secure",
            f"{_name(told)}: TLS as the settings ask for it could not be had ({because}): look at "
            "server, port, tls and ca_file under [mail]",
        ) from None
    except FileNotFoundError:
        raise CannotMail("not-secure", f"{told.ca_file}: ca_file is not there") from None
    except (smtplib.SMTPException, OSError):
        raise _unreachable(told) from None
    return client


def _start_tls(client: smtplib.SMTP, trusted: ssl.SSLContext) -> None:
    try:
        client.starttls(context=trusted)
    except smtplib.SMTPResponseException as error:
        client.close()
        raise smtplib.SMTPNotSupportedError from error
    except BaseException:
        client.close()
        raise


def _sign_in(client: smtplib.SMTP, told: MailSettings, user: str, password: str) -> None:
    try:
        client.login(user, password)
    except smtplib.SMTPAuthenticationError:
        raise CannotMail(
            "sign-in",
            f"{_name(told)} does not take user and password: set user under [mail], and run "
            "`agency-connector mail password`",
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise CannotMail(
            "sign-in", f"{_name(told)} takes no sign-in: leave user out under [mail]"
        ) from None
    except (smtplib.SMTPException, OSError):
        raise _unreachable(told) from None


def _leave(client: smtplib.SMTP) -> None:
    try:
        client.quit()
    except (smtplib.SMTPException, OSError):
        client.close()


def _code_of(error: smtplib.SMTPException | OSError) -> int | None:
    """Return the code of the server's reply (RFC 5321 §4.2), or None if there was none."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next((code for code, _ in error.recipients.values()), None)
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None


def _unreachable(told: MailSettings) -> CannotMail:
    return CannotMail(
        "unreachable",
        f"{_name(told)} does not answer: look at server and port under [mail], and at the network",
    )


def _name(told: MailSettings) -> str:
    return f"the mail server {told.server}:{told.port}"
