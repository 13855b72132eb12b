"""One agency's connector on this machine: its settings, database, keyring and what it believes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agency_connector import settings as settings_file
from agency_connector.database import LOCATION
from agency_connector.settings import Settings
from agency_connector.transport import SignedClient
from agency_connector.trust import anchors as trust_anchors
from agency_connector.trust import storage
from agency_connector.trust.anchors import Anchors, EpochAnchor
from agency_connector.trust.storage import EnrolmentRow
from foundation.clock import Clock, now_ms
from foundation.database import Database, require_migrated
from foundation.keyring import Keyring, seal_from_setting
from foundation.operator import OperatorError
from protocol.encoding import b64u_encode
from protocol.keys import SealingKey, SigningKey
from schemas.agencies import AgencyKeys

SIGNING: Final = "signing"
SEALING: Final = "sealing"
PADDING: Final = "padding"
HANDLES: Final = "handles"
JOURNAL: Final = "journal"
MIGRATE_COMMAND: Final = "agency-connector migrate"


@dataclass(frozen=True, slots=True)
class Installation:
    """What a command works with. `home` is the folder that holds connector.toml."""

    home: Path
    settings: Settings
    database: Database
    keyring: Keyring
    signing_key: SigningKey
    sealing_key: SealingKey
    clock: Clock = field(default=now_ms)

    @classmethod
    def open(
        cls, home: Path, *, clock: Clock = now_ms, keyring: Keyring | None = None
    ) -> "Installation":
        """Open the connector in the folder `home`.

        `keyring`, if it is open already, is read anew, which spares asking for its passphrase.
        Raises OperatorError or StorageUnavailable, each one line that says what to do, if the
        settings are wrong, the keyring does not open or others can read it, or the database is
        locked or not migrated.
        """
        settings = settings_file.load(home)
        if keyring is None:
            seal = seal_from_setting(settings.keys.seal)
            keyring = Keyring.open(keyring_path(settings, home), seal)
        else:
            keyring.refresh()
        database = Database(settings_file.database_url(settings, home))
        require_migrated(database, LOCATION, command=MIGRATE_COMMAND)
        return cls(
            home=home,
            settings=settings,
            database=database,
            keyring=keyring,
            signing_key=SigningKey.from_bytes(keyring.get(SIGNING)),
            sealing_key=SealingKey.from_bytes(keyring.get(SEALING)),
            clock=clock,
        )

    @property
    def agency(self) -> str:
        """This agency's id."""
        return self.settings.agency.id

    @property
    def keys(self) -> AgencyKeys:
        """This agency's public keys."""
        return AgencyKeys(
            signing=b64u_encode(self.signing_key.public),
            sealing=b64u_encode(self.sealing_key.public),
        )

    def anchors(self) -> Anchors:
        """Return what this connector believes.

        Raises OperatorError if nobody has handed over yet, or if the keyring is another agency's.
        """
        with self.database.read() as connection:
            self._require_same_agency(storage.require_enrolment(connection))
            anchors = trust_anchors.load(connection, self.keyring)
        self._require_own_keys(anchors)
        return anchors

    def index(self) -> SignedClient:
        """Return the index as pinned at enrolment; OperatorError before.

        The client keeps its connections: a program that runs on makes one and closes it at the end.
        """
        with self.database.read() as connection:
            enrolled = storage.require_enrolment(connection)
        self._require_same_agency(enrolled)
        return SignedClient(
            self.settings.index.url,
            f"index/{enrolled.partnership}",
            self.signing_key,
            enrolled.index_key,
            self.clock,
        )

    def evaluator(self, epoch: EpochAnchor) -> SignedClient:
        """Return the evaluator, whose answers must be signed with the key that `epoch` names."""
        return SignedClient(
            self.settings.evaluator.url,
            f"evaluator/{epoch.descriptor.partnership}",
            self.signing_key,
            epoch.evaluator_signing_key,
            self.clock,
        )

    def _require_same_agency(self, enrolled: EnrolmentRow) -> None:
        if enrolled.agency != self.agency:
            raise OperatorError(
                f"this connector is enrolled as {enrolled.agency}, and {settings_file.FILE_NAME} "
                f"says {self.agency}: set agency.id back, or make another connector with `init`"
            )

    def _require_own_keys(self, anchors: Anchors) -> None:
        """Refuse a partner's keyring: what is signed with it would be said in the partner's name.

        Keys that nobody is known to have pass: after a change of keys, or with an older backup of
        the database, they are ours, and whose they are not the index refuses.
        """
        for member in anchors.members.values():
            if member.agency != self.agency and member.keys.signing == self.keys.signing:
                raise OperatorError(
                    f"the keys in {keyring_path(self.settings, self.home)} are those of "
                    f"{member.agency}, and this connector is that of {self.agency}: put this "
                    "agency's own file back from its backup"
                )

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def keyring_path(settings: Settings, home: Path) -> Path:
    """Return where the keyring is."""
    return home / settings.keys.file
