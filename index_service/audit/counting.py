"""The evaluator's daily counts enter the record: signed by it, brought by people, checked here.

The evaluator has no way to the index of its own. So an operator prints the signed document, and the
steward's person adds it; a day that is left out is seen by whoever reads the record.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection

from foundation.operator import OperatorError
from index_service.agencies import documents as signed
from index_service.audit import storage
from index_service.audit.administration import administer
from index_service.installation import Installation
from index_service.spans import CLOCK_SLACK_MS, DAY_MS
from protocol import documents
from protocol.encoding import b64u_decode
from protocol.entries import EntryTooLarge
from protocol.envelopes import BadEnvelope
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.evaluation import EvaluatorCounts


def add(connection: Connection, index: Installation, envelope: Envelope) -> EvaluatorCounts:
    """Record the counts in `envelope`; return them.

    Raises OperatorError unless the evaluator that an epoch descriptor names has signed them, for
    this partnership and a whole day that is over, and they are not in the record yet.
    """
    told = _read(connection, envelope)
    if told.partnership != index.partnership:
        raise OperatorError(f"these are the counts of {told.partnership}: add them at its index")
    now = index.clock()
    if told.day % DAY_MS or not told.day + DAY_MS <= told.signed_at <= now + CLOCK_SLACK_MS:
        raise OperatorError("these are not the counts of a whole day that was over when signed")
    mark = envelope.signatures[0].sig.encode()
    if next(storage.entries_with(connection, [mark]), None) is not None:
        raise OperatorError("these counts are in the record already: nothing was added")
    day = f"{datetime.fromtimestamp(told.day / 1000, UTC):%Y-%m-%d}"
    try:
        administer(connection, index, "evaluations-counted", None, document=envelope, note=day)
    except EntryTooLarge as error:
        raise OperatorError("there are more counts than one entry can hold") from error
    return told


def _read(connection: Connection, envelope: Envelope) -> EvaluatorCounts:
    for descriptor in signed.all_of(connection, "epoch"):
        named = documents.claimed(descriptor, EpochDescriptor).evaluator_signing_key
        try:
            return documents.read(envelope, EvaluatorCounts, b64u_decode(named, 32))
        except BadEnvelope:
            continue
    raise OperatorError(
        "this is not signed by an evaluator that an open epoch names: have its operator run "
        "`index-service evaluator counts --sign DAY`, and bring the file as it is"
    )
