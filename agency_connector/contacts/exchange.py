"""One round of contact requests: send what waits here, fetch what waits at the index."""

from dataclasses import dataclass
from typing import Final

from agency_connector.contacts import inbox, outbox, storage
from agency_connector.installation import Installation

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a round did: steps of ours taken and refused; ids of new requests and of stepped ones.

    `doubts`: steps that the index brought and that are not believed.
    """

    sent: int
    refused: int
    received: tuple[str, ...]
    stepped: tuple[str, ...]
    doubts: int


def exchange(installation: Installation) -> Exchanged:
    """Send every step that waits, and take in every step that came.

    First what is sent: a step that came may follow one of ours whose answer was lost. Raises
    Unreachable, NotGenuine and Refused; then the rest waits for the next round. What people wrote
    is erased so long after a request's last step as the settings say.
    """
    now = installation.clock()
    kept = installation.settings.contacts.kept_days * _DAY_MS
    with installation.database.write() as connection:
        storage.erase(connection, now - kept)
    client = installation.index()
    try:
        first = outbox.deliver(installation, client)
        came = inbox.fetch(installation, client)
        again = outbox.deliver(installation, client)
    finally:
        client.close()
    return Exchanged(
        sent=first.sent + again.sent,
        refused=first.refused + again.refused,
        received=came.received,
        stepped=came.stepped,
        doubts=came.doubts,
    )
