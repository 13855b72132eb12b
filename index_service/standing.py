"""The partnership as it stands: read from the database when it has changed, and only then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection

from index_service import revision
from index_service.agencies import desks, documents, storage
from index_service.agencies.desks import DeskRow
from index_service.agencies.storage import AgencyRow
from index_service.agreements import storage as agreements
from index_service.flags import marks
from protocol import documents as signed
from protocol.encoding import b64u_decode
from protocol.fingerprints import key_id
from protocol.verifier_keys import VerifierKey, read
from schemas.agencies import Publication
from schemas.agreements import Agreement
from schemas.epochs import EpochDescriptor
from schemas.witnesses import WitnessDeclaration


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything about the partnership that decides what a request may do; never changed."""

    agencies: Mapping[str, AgencyRow]
    by_key: Mapping[str, AgencyRow]
    desks: Mapping[tuple[str, str], DeskRow]
    purposes: frozenset[str]
    agreements: tuple[Agreement, ...]
    epochs: Mapping[int, EpochDescriptor]
    published: Mapping[str, tuple[Publication, ...]]
    witnesses: Mapping[str, VerifierKey]

    def agreements_in_force(self, now: int) -> tuple[Agreement, ...]:
        """Return the agreements in force at `now` (ms UTC)."""
        return tuple(a for a in self.agreements if a.starts_at <= now < a.ends_at)

    def live_epochs(self, now: int) -> Mapping[int, EpochDescriptor]:
        """Return the descriptors of the epochs that are live at `now` (ms UTC), by number."""
        return {
            number: told
            for number, told in self.epochs.items()
            if told.opens_at <= now < told.closes_at
        }


class StandingReader:
    """Reads the standing, and keeps it for as long as its revision is the current one.

    Safe for several threads: what is kept is one immutable pair, replaced whole.
    """

    def __init__(self) -> None:
        self._kept: tuple[int, Standing] | None = None

    def read(self, connection: Connection) -> Standing:
        """Return the standing as the transaction of `connection` sees it."""
        return self.ask(connection)()

    def ask(self, connection: Connection) -> Callable[[], Standing]:
        """Ask for the standing without waiting; what is returned returns it, as asked for here."""
        asked = revision.ask(connection)
        return lambda: self._at(revision.told(asked), connection)

    def _at(self, number: int, connection: Connection) -> Standing:
        kept = self._kept
        if kept is not None and kept[0] == number:
            return kept[1]
        # A change that commits between the two reads is in the standing but not in the number:
        # then the next request reads it once more.
        standing = _read(connection)
        self._kept = (number, standing)
        return standing


def _read(connection: Connection) -> Standing:
    rows = storage.everyone(connection)
    epochs = (signed.claimed(e, EpochDescriptor) for e in documents.all_of(connection, "epoch"))
    return Standing(
        agencies=MappingProxyType({row.agency: row for row in rows}),
        by_key=MappingProxyType(
            {key_id(b64u_decode(row.keys.signing, 32)): row for row in rows if row.keys is not None}
        ),
        desks=MappingProxyType(dict(desks.everyone(connection))),
        purposes=frozenset(purpose.code for purpose in agreements.all_purposes(connection)),
        agreements=agreements.all_agreements(connection),
        # Their signatures were checked when they were kept.
        epochs=MappingProxyType({told.epoch: told for told in epochs}),
        published=MappingProxyType(dict(marks.by_agency(connection))),
        # Of each agency the key it declared last: later ones come later.
        witnesses=MappingProxyType(
            {
                told.agency: read(told.witness_key)
                for told in (
                    signed.claimed(envelope, WitnessDeclaration)
                    for envelope in documents.all_of(connection, "witness")
                )
            }
        ),
    )
