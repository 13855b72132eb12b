"""How the receipts stand, for `status`: in numbers, and whether the log kept its word."""

from agency_connector.installation import Installation
from agency_connector.receipts import overdue, storage


def told(installation: Installation) -> tuple[str, bool]:
    """Return a sentence with how many receipts are verified, and whether that is good.

    Raises OperatorError if nothing was handed over yet.
    """
    anchors = installation.anchors()
    with installation.database.read() as connection:
        counts = storage.counts(connection, anchors.log_name)
    said = (
        f"{counts.verified} verified, {counts.found} in the log and waiting for witnesses, "
        f"{counts.waiting} not in it yet"
    )
    if counts.lost:
        said += f", {counts.lost} lost with an earlier log"
    late = overdue.missing(installation, anchors)
    if late:
        said += f"; past their time: {len(late)}; run `agency-connector receipts`"
    return said, not late
