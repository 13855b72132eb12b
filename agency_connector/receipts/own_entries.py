"""The entries that this connector keeps: in its journal, sealed, and with what it published."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Column, select

from agency_connector.auditing.storage import ReadingJournal, readings
from agency_connector.installation import Installation
from agency_connector.journal import storage as journal
from agency_connector.journal.journal import Journal
from agency_connector.publishing import storage as publishing
from agency_connector.receipts import storage
from agency_connector.receipts.storage import PAGE, Kind
from agency_connector.succession import storage as succession
from agency_connector.trust.anchors import Anchors
from foundation.operator import OperatorError
from protocol import canonical, documents, receipts
from protocol.encoding import b64u_decode, b64u_encode
from protocol.envelopes import BadEnvelope
from protocol.merkle import leaf_hash
from protocol.receipts import BadReceipt
from schemas.entries import ReceiptStatement
from schemas.envelopes import Envelope


def own_entry(installation: Installation, kind: Kind, reference: str) -> tuple[bytes, Envelope]:
    """Return the bytes of an entry of ours and its receipt; OperatorError if they are not kept."""
    name, sealed = b64u_decode(reference), Journal.of(installation)
    if kind == "lookup":
        check = sealed.find(name)
        if check is not None and check.kept is not None:
            return b64u_decode(check.kept.answer.entry), check.kept.answer.receipt
    elif kind == "resolution":
        quoted = sealed.find_resolution(name)
        if quoted is not None and quoted[1] is not None:
            return b64u_decode(quoted[1].resolution.entry), quoted[1].resolution.receipt
    elif kind == "publication":
        table = publishing.outbox.c
        query = select(table.entry, table.receipt).where(
            table.batch == name, table.delivered_at.is_not(None)
        )
        with installation.database.read() as connection:
            found = connection.execute(query).one_or_none()
        if found is not None:
            return bytes(found.entry), canonical.decode(bytes(found.receipt), Envelope)
    elif kind == "reading":
        told = ReadingJournal(installation).told(name)
        if told is not None:
            return b64u_decode(told.entry), told.receipt
    else:
        with installation.database.read() as connection:
            document = storage.document(connection, reference)
        if document is not None:
            return document
    raise OperatorError(
        f"the entry of {kind} {reference} is not kept here any more, so nothing can be shown of it"
    )


def check_own_entries(installation: Installation, anchors: Anchors) -> int:
    """Check that of every entry kept here the receipt is the log's and is followed; count them.

    Those of an earlier log are checked with the key that this connector held to then, and not
    counted. Raises OperatorError for the first one that is not so: then the connector's own
    database was changed.
    """
    count = 0
    with installation.database.read() as connection:
        keys = {**succession.earlier_keys(connection), anchors.log_name: anchors.log_key}
    for kind, reference in _kept(installation):
        entry, receipt = own_entry(installation, kind, reference)
        with installation.database.read() as connection:
            followed = storage.find(connection, leaf_hash(entry))
        if followed is None:
            raise OperatorError(
                f"{kind} {reference}: its entry is kept here and its receipt is not followed: this "
                "connector's database was changed"
            )
        _require_receipt(f"{kind} {reference}", receipt, entry, keys)
        count += followed.log == anchors.log_name
    return count


def _require_receipt(
    named: str, receipt: Envelope, entry: bytes, keys: Mapping[str, bytes]
) -> None:
    try:
        log = documents.claimed(receipt, ReceiptStatement).log
        if log not in keys:
            raise OperatorError(f"{named}: its receipt is of {log}, a log that was never ours")
        receipts.check(receipt, entry, log, keys[log])
    except (BadEnvelope, BadReceipt) as error:
        raise OperatorError(f"{named}: {error}") from error


def _kept(installation: Installation) -> Iterator[tuple[Kind, str]]:
    """Yield what has an entry here, in constant memory."""
    tables: tuple[tuple[Kind, Column[bytes], Column[Any]], ...] = (
        ("lookup", journal.checks.c.check_id, journal.checks.c.kept),
        ("resolution", journal.resolutions.c.resolution_id, journal.resolutions.c.resolved),
        ("publication", publishing.outbox.c.batch, publishing.outbox.c.delivered_at),
        ("reading", readings.c.reading_id, readings.c.told),
    )
    for kind, name, there in tables:
        after = b""
        while True:
            query = select(name).where(there.is_not(None), name > after).order_by(name).limit(PAGE)
            with installation.database.read() as connection:
                page = [bytes(found) for found in connection.execute(query).scalars()]
            yield from ((kind, b64u_encode(found)) for found in page)
            if len(page) < PAGE:
                break
            after = page[-1]
    with installation.database.read() as connection:
        documents_of_ours = storage.every_document(connection)
    yield from documents_of_ours
