"""`[mail]` of connector.toml: the agency's own mail server, and the mailboxes of its desks."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.fields import DeskId, Line

Tls = Literal["starttls", "tls", "none"]
Host = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}\Z")]
MAILBOX: Final = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,189}\Z"
Mailbox = Annotated[str, Meta(pattern=MAILBOX)]
Password = Annotated[
    str, Meta(pattern=r"^(keyring|credential:[A-Za-z0-9_-]{1,255}|file:/\S{1,500})\Z")
]

_THIS_MACHINE: Final = ("localhost", "127.0.0.1")


class MailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[mail]`: without it no desk is told by mail.

    `tls`: `starttls` (RFC 3207) or `tls` from the first byte (RFC 8314 §3.3, port 465); `none` is
    for a mail server on this machine alone. `ca_file` names the certificates to trust in place of
    the system's, in PEM. `user` signs in; where the `password` is: `keyring` (`agency-connector
    mail password` keeps it there), `credential:<name>` of the service, or `file:/path`.
    `mailboxes` are of the desks whose own e-mail address is not the one to tell.
    """

    server: Host
    sender: Mailbox
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    tls: Tls = "starttls"
    ca_file: str | None = None
    user: Line | None = None
    password: Password = "keyring"  # noqa: S105 - where it is, not the password
    mailboxes: Mapping[DeskId, Mailbox] = {}

    def __post_init__(self) -> None:
        """Raise ValueError if mail would cross a network in clear."""
        if self.tls == "none" and self.server not in _THIS_MACHINE:
            raise ValueError(
                'tls = "none" is for a mail server on this machine: write "starttls" or "tls"'
            )
