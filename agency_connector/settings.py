"""What connector.toml may say: who the agency is, where index and evaluator are, desks, sources."""

from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from agency_connector.mailing.settings import MailSettings
from agency_connector.sign_in.settings import SignInSettings
from agency_connector.sources.settings import SourceSettings
from agency_connector.supervising.settings import SupervisionSettings
from foundation import settings as toml
from foundation.operator import OperatorError
from schemas.fields import AgencyId, DeskId, Email, Line, Phone, PurposeCode, TimeZone

FILE_NAME: Final = "connector.toml"

Url = Annotated[str, Meta(pattern=r"^https?://[^\s/]+(/\S*)?\Z", max_length=500)]
Hours = Annotated[
    str,
    Meta(
        pattern=r"^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))? "
        r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]\Z"
    ),
]
"""When a desk is staffed, such as `mon-fri 09:00-17:00`, local time."""


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key that is not known is an error, never a default."""


class AgencySettings(_Table, frozen=True):
    """`[agency]`: the short name that the steward registered, and the name on pages.

    `demo`: the people are made up, so `lookup` may take them from the command line.
    """

    id: AgencyId
    name: Line
    demo: bool = False


class ServiceSettings(_Table, frozen=True):
    """`[index]` and `[evaluator]`: an https address, or http on this machine."""

    url: Url


class KeysSettings(_Table, frozen=True):
    """`[keys]`: how the keyring is sealed (foundation.keyring) and where it is, seen from home."""

    seal: str
    file: str = "state/keys.json"


class DatabaseSettings(_Table, frozen=True):
    """`[database]`: an SQLAlchemy URL; null is the file state/connector.db in the home folder."""

    url: str | None = None


class DeskSettings(_Table, frozen=True):
    """`[[desks]]`: a team that partners phone. `desk sign` signs it and publishes the signed form.

    `purposes` and `agencies`: to whom the desk answers; absent means all that an agreement covers.
    """

    id: DeskId
    name: Line
    phone: Phone
    email: Email | None = None
    hours: Annotated[tuple[Hours, ...], Meta(max_length=21)] = ()
    time_zone: TimeZone = "Europe/London"
    out_of_hours_phone: Phone | None = None
    purposes: tuple[PurposeCode, ...] | None = None
    agencies: tuple[AgencyId, ...] | None = None
    visibility: Literal["visible", "hidden"] = "visible"
    withdrawn: bool = False


class PublishingSettings(_Table, frozen=True):
    """`[publishing]`: the share of its flags, 0 to 1, that a sync may withdraw unconfirmed."""

    withdrawal_share: Annotated[float, Meta(ge=0, le=1)] = 0.2


class PagesSettings(_Table, frozen=True):
    """`[pages]`: where page and local API listen, and where to be watched.

    Loopback, or any address if people sign in and a proxy in front has TLS ([sign_in]).

    `watch` is `host:port` or `off` (foundation.health); unset: loopback, 1,000 ports higher.
    """

    bind: str = "127.0.0.1:8300"
    watch: str | None = None


class ChecksSettings(_Table, frozen=True):
    """`[checks]`: what officers' checks are held to.

    One in `justify_one_in` is asked for a fuller justification before it is made; 0 for none.
    `protective_marking` stands at the top and the foot of what is printed.
    """

    justify_one_in: Annotated[int, Meta(ge=0, le=10_000)] = 20
    protective_marking: Line = "OFFICIAL-SENSITIVE"


class RetentionSettings(_Table, frozen=True):
    """`[retention]`: for how many years the journal is kept: 1 to 6.

    With it go justifications, reviews, readings, the trail of sign-ins, and pseudonym keys.
    """

    journal_years: Annotated[int, Meta(ge=1, le=6)] = 2


class ContactSettings(_Table, frozen=True):
    """`[contacts]`: after how many hours without a step a contact request is overdue.

    `kept_days`: for how many days after its last step what people wrote in it is kept.
    """

    overdue_hours: Annotated[int, Meta(ge=1, le=672)] = 24
    kept_days: Annotated[int, Meta(ge=1, le=28)] = 28


class ScheduleSettings(_Table, frozen=True):
    """`[schedule]`: every how many minutes `run` syncs, looks at the index, reads the log, mails.

    0 for never; mail is sent where there is `[mail]`. `witness_seconds`: every how many seconds it
    countersigns the log, 60 at most, since the index shows all witnesses one checkpoint for little
    longer than that. `contacts_seconds`: every how many seconds it sends and fetches contact
    requests.
    """

    sync_minutes: Annotated[int, Meta(ge=0, le=10_080)] = 60
    look_minutes: Annotated[int, Meta(ge=0, le=10_080)] = 15
    log_minutes: Annotated[int, Meta(ge=0, le=10_080)] = 5
    mail_minutes: Annotated[int, Meta(ge=0, le=10_080)] = 1
    witness_seconds: Annotated[int, Meta(ge=0, le=60)] = 15
    contacts_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 60


class Settings(_Table, frozen=True):
    """The whole of connector.toml."""

    agency: AgencySettings
    index: ServiceSettings
    evaluator: ServiceSettings
    keys: KeysSettings
    database: DatabaseSettings = DatabaseSettings()
    desks: tuple[DeskSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    publishing: PublishingSettings = PublishingSettings()
    pages: PagesSettings = PagesSettings()
    checks: ChecksSettings = ChecksSettings()
    supervision: SupervisionSettings = SupervisionSettings()
    sign_in: SignInSettings | None = None
    schedule: ScheduleSettings = ScheduleSettings()
    contacts: ContactSettings = ContactSettings()
    retention: RetentionSettings = RetentionSettings()
    mail: MailSettings | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if two desks or two sources have the same name."""
        for what, names in (
            ("desks", [desk.id for desk in self.desks]),
            ("sources", [source.name for source in self.sources]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"two of the {what} have the same name: give each its own")


def load(home: Path) -> Settings:
    """Return the settings in the home folder; OperatorError says what is wrong and what to do."""
    path = home / FILE_NAME
    if not path.exists():
        raise OperatorError(
            f"{home}: there is no {FILE_NAME} here: run `agency-connector init`, or name the "
            "connector's folder with --home"
        )
    return toml.load(path, Settings)


def database_url(settings: Settings, home: Path) -> str:
    """Return the URL of the connector's database."""
    return settings.database.url or f"sqlite:///{(home / 'state' / 'connector.db').absolute()}"
