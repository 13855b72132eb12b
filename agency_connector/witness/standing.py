"""How this witness stands: what it cosigned, whether enough others have, and what is in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agency_connector.installation import Installation
from agency_connector.receipts import checkpoints
from agency_connector.receipts.checkpoints import Published
from agency_connector.witness import policy, storage
from agency_connector.witness.cosigning import Witness, is_halted
from agency_connector.witness.policy import PinnedPolicy
from agency_connector.witness.storage import Attempt, Witnessed
from agency_connector.witness.witnessing import compare
from foundation.operator import PlainError

ALONE: Final = (
    "no partner has declared a witness key yet: the record is countersigned by this agency alone, "
    "which does not show that others see the same"
)
"""What is said while the policy names nobody but this agency."""

LATE_MS: Final = 3_600_000
"""After this time without news of a quorum a person has to look."""


@dataclass(frozen=True, slots=True)
class WitnessStanding:
    """What is kept of this witness, for one log, as one transaction sees it."""

    last: Witnessed | None
    attempt: Attempt | None
    pinned: PinnedPolicy | None
    halted: bool


def verified_checkpoint(installation: Installation) -> Published:
    """Return the newest checkpoint that enough have cosigned, or the newest if there is none.

    It is fetched now, signed by the pinned log key, measured by the pinned policy (`enough`), and
    compared with what this witness cosigned itself. Raises OperatorError: Unreachable, NotGenuine,
    Unproven, and TwoHistories, for which evidence is kept and an alarm raised.
    """
    anchors = installation.anchors()
    own = Witness.of(installation, anchors.partnership)
    client = checkpoints.client_of(installation, anchors)
    try:
        newest = checkpoints.newest(client, anchors)
        found = checkpoints.newest_enough(client, anchors, newest) or newest
        compare(own, client, checkpoints.log_key(anchors), found.note)
    finally:
        client.close()
    return found


def read(installation: Installation) -> WitnessStanding:
    """Return how this witness stands; OperatorError if nothing was handed over yet."""
    log = installation.anchors().log_name
    with installation.database.read() as connection:
        return WitnessStanding(
            last=storage.last(connection, log),
            attempt=storage.attempt(connection),
            pinned=policy.pinned(connection),
            halted=is_halted(connection, log),
        )


def told(installation: Installation) -> Sequence[tuple[str, bool]]:
    """Return sentences for `status`, each with whether it is good; raises nothing of ours."""
    try:
        standing = read(installation)
    except PlainError as error:
        return [(str(error), False)]
    if standing.halted:
        said = "two histories of the log were seen, and nothing more is countersigned"
        return [(f"{said}: see `agency-connector alarms`", False)]
    if standing.attempt is None:
        return [
            ("nothing was countersigned yet: `run` does it, and `agency-connector witness`", True)
        ]
    lines = [(_own(standing), True), _policy(installation, standing, standing.attempt)]
    if standing.attempt.trouble is not None:
        lines.append((f"the last attempt failed: {standing.attempt.trouble}", False))
    return lines


def _own(standing: WitnessStanding) -> str:
    last = standing.last
    if last is None:
        return "the log has shown no checkpoint to countersign yet"
    arrived = "" if last.delivered else ", which the index does not have yet"
    return f"countersigned {last.head.size} entries at {moment(last.cosigned_at * 1000)}{arrived}"


def _policy(
    installation: Installation, standing: WitnessStanding, attempt: Attempt
) -> tuple[str, bool]:
    pinned = standing.pinned
    if pinned is None:
        return "the policy names no witness yet: run `agency-connector witness`", False
    if len(pinned.policy.witnesses) == 1:
        return ALONE, True
    wanted = f"{pinned.wanted} of {len(pinned.policy.witnesses)} witnesses"
    late = installation.clock() - attempt.agreed_at > LATE_MS
    since = f" since {moment(attempt.agreed_at)}" if late else ""
    todo = ": phone another member and compare `agency-connector witness`" if late else ""
    if not attempt.agreed_size:
        return f"{wanted} have to agree, and have not yet{since}{todo}", not late
    news = f"; nothing newer{since}" if late else ""
    return f"{wanted} have agreed on {attempt.agreed_size} entries{news}{todo}", not late


def moment(millis: int) -> str:
    """Return a time, ms UTC, as people read it."""
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
