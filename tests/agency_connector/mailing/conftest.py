"""A real mail server on this machine, with TLS and a sign-in, and an agency that mails with it."""

import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agency_connector.database import LOCATION
from agency_connector.installation import Installation
from agency_connector.mailing.server import SECRET
from tests.agency_connector.bare import with_keys
from tests.conftest import FakeClock

USER, PASSWORD = "connector", "correct horse battery staple"  # a test's password
TOML = """
[agency]
id = "council"
name = "Borchester Council"
[index]
url = "http://127.0.0.1:8001"
[evaluator]
url = "http://127.0.0.1:8002"
[keys]
seal = "unsealed"
file = "keys.json"
[database]
url = "{url}"
[sign_in]
address = "https://connector.borchester.example"
accounts = true
trusted_proxies = 1
[[desks]]
id = "front-desk"
name = "Borchester Übergabe"
phone = "01632 960200"
email = "front@borchester.example"
[[desks]]
id = "night-desk"
name = "Night desk"
phone = "01632 960201"
[[desks]]
id = "quiet-desk"
name = "Quiet desk"
phone = "01632 960202"
visibility = "hidden"
[mail]
server = "127.0.0.1"
port = {port}
sender = "connector@borchester.example"
{mail}
[mail.mailboxes]
night-desk = "night@borchester.example"
"""


@dataclass
class Post:
    """What arrived, and how the server behaves. A reply is that of one SMTP command, or none."""

    mails: list[EmailMessage] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)
    to_mailbox: str = ""
    to_data: str = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        self.mailboxes.append(address)
        if self.to_mailbox and address.startswith("front"):
            return self.to_mailbox
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.to_data:
            return self.to_data
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=default))
        self.signed_in.append(bool(session.authenticated))
        return "250 OK"


@dataclass(frozen=True)
class Certified:
    """A certificate of this machine that signs itself, and the server's side of TLS with it."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """A certificate of 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, private)
    return Certified(file, context)


def _knows(_: SMTP, __: Session, ___: Envelope, ____: str, told: object) -> AuthResult:
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=told == right, handled=False)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def listening(post: Post, tls: ssl.SSLContext | None, port: int = 0) -> Iterator[int]:
    """Run a mail server that wants STARTTLS and a sign-in, or neither without `tls`."""
    port = port or free_port()
    secured: dict[str, Any] = {
        "tls_context": tls, "require_starttls": True, "auth_required": True,
        "authenticator": _knows,
    }  # fmt: skip
    controller = Controller(post, "127.0.0.1", port, **(secured if tls else {}))
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@dataclass
class Sorting:
    """An agency's connector, and the mail server that it is set up for."""

    home: Path
    clock: FakeClock
    post: Post
    port: int
    certified: Certified
    url: str
    stack: ExitStack

    def opened(self, mail: str = "") -> Installation:
        """Open the connector with these further lines under [mail]."""
        told = mail or f'ca_file = "{self.certified.file}"\nuser = "{USER}"'
        text = TOML.format(url=self.url, port=self.port, mail=told)
        (self.home / "connector.toml").write_text(text)
        made = Installation.open(self.home, clock=self.clock)
        self.stack.callback(made.close)
        return made

    def serve(self) -> None:
        """Start the mail server."""
        self.stack.enter_context(listening(self.post, self.certified.context, self.port))


@pytest.fixture
def sorting(
    tmp_path: Path, migrated_url: Callable[[str], str], clock: FakeClock, certified: Certified
) -> Iterator[Sorting]:
    """An agency whose mail server does not run yet."""
    with_keys(tmp_path).put(SECRET, PASSWORD.encode())
    url = migrated_url(LOCATION)
    with ExitStack() as stack:
        yield Sorting(tmp_path, clock, Post(), free_port(), certified, url, stack)
