"""The directory: what the index tells every agency of the partnership."""

from sqlalchemy import Connection

from index_service.agencies import desks, documents, storage
from index_service.agreements import storage as agreements
from index_service.flags import marks
from index_service.installation import Installation
from protocol import documents as signed
from schemas.agencies import Directory, DirectoryAgency
from schemas.envelopes import Envelope
from schemas.witnesses import WitnessDeclaration


def directory(connection: Connection, index: Installation) -> Directory:
    """Return the directory; desks that are hidden or withdrawn are not in it.

    A hidden desk's name would tell what it is there for, so of it only the fact is told.
    """
    all_desks = desks.everyone(connection).values()
    published = marks.by_agency(connection)
    with_hidden = {
        row.document.agency
        for row in all_desks
        if row.document.visibility == "hidden" and not row.document.withdrawn
    }
    return Directory(
        partnership=index.partnership,
        steward=index.settings.steward,
        agencies=tuple(
            DirectoryAgency(
                agency=row.agency,
                name=row.name,
                role=row.role,
                status=row.status,
                keys=row.keys,
                hidden_desk=row.agency in with_hidden,
                publications=published.get(row.agency, ()),
            )
            for row in storage.everyone(connection)
        ),
        introductions=documents.all_of(connection, "introduction"),
        key_changes=documents.all_of(connection, "key-change"),
        desks=tuple(
            row.envelope
            for row in all_desks
            if row.document.visibility == "visible" and not row.document.withdrawn
        ),
        purposes=agreements.all_purposes(connection),
        agreements=agreements.all_agreements(connection),
        epochs=documents.all_of(connection, "epoch"),
        witnesses=_witnesses(connection),
        now=index.clock(),
    )


def _witnesses(connection: Connection) -> tuple[Envelope, ...]:
    """Return of each agency the declaration of its witness key that came last."""
    last = {
        signed.claimed(envelope, WitnessDeclaration).agency: envelope
        for envelope in documents.all_of(connection, "witness")
    }
    return tuple(last.values())
