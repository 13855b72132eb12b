"""The pinned witness policy: who must have cosigned before the record counts as countersigned.

It is C2SP tlog-policy text with a majority for its quorum. It grows by itself, with keys that
believed agencies have declared; it shrinks, and a key in it changes, only by a person's command.
So an index that keeps declarations back can keep the policy from growing, and no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from agency_connector.trust import storage as trust
from agency_connector.trust.storage import PinsRow
from agency_connector.witness import storage
from agency_connector.witness.storage import PolicyChange
from foundation import logs
from foundation.operator import OperatorError
from protocol import membership
from protocol.envelopes import BadEnvelope
from protocol.log.errors import BadPolicy
from protocol.log.policies import Policy, majority_policy, read_policy
from protocol.log.witness import witness_key
from protocol.verifier_keys import BadVerifierKey, KeyType, VerifierKey, read
from schemas.envelopes import Envelope
from schemas.handover import KnownMember
from schemas.witnesses import WitnessDeclaration

_RESERVED = frozenset({"none"})


class NotDeclared(ValueError):
    """The document does not declare a witness key of this member; the message says why."""


@dataclass(frozen=True, slots=True)
class PinnedPolicy:
    """The policy as it is pinned: its text, what it says, and how many cosignatures it wants."""

    text: str
    policy: Policy

    @property
    def wanted(self) -> int:
        """How many witnesses must have cosigned: more than half."""
        return len(self.policy.witnesses) // 2 + 1


def read_declaration(envelope: Envelope, partnership: str, member: KnownMember) -> VerifierKey:
    """Return the witness key that the believed `member` declares; NotDeclared otherwise."""
    try:
        told = membership.read_signed(
            member, envelope, WitnessDeclaration, lambda document: document.signed_at
        )
        key = read(told.witness_key)
    except (BadEnvelope, BadVerifierKey) as error:
        raise NotDeclared(str(error)) from error
    if (told.partnership, told.agency) != (partnership, member.agency):
        raise NotDeclared("It is for another partnership or agency.")
    if key != witness_key(member.agency, partnership, key.public):
        raise NotDeclared("The key is of another type or has another name.")
    if member.agency in _RESERVED:
        raise NotDeclared("An agency of this name cannot stand in a policy.")
    return key


def require_fitting(text: str, log_key: str) -> None:
    """Raise OperatorError unless a policy that was handed over may be pinned.

    It must be for this log alone, with a quorum of more than half; or empty, from before there
    were witnesses.
    """
    if text:
        _read(text, log_key)


def pinned(connection: Connection) -> PinnedPolicy | None:
    """Return the pinned policy, or None if there is no witness in it yet.

    Raises OperatorError if it is not what may be pinned: it was changed from outside.
    """
    row = trust.pins(connection)
    if row is None or not row.witness_policy:
        return None
    return PinnedPolicy(row.witness_policy, _read(row.witness_policy, row.log_key))


def grow(
    connection: Connection,
    own: VerifierKey,
    agency: str,
    declared: Mapping[str, VerifierKey],
    now: int,
) -> tuple[PolicyChange, ...]:
    """Add what believed agencies have `declared` to the pinned policy, and our `own` key.

    Who is in it keeps the key that it is in with, except we ourselves; whom a person has removed
    stays out. Returns what was added.
    """
    row = trust.pins(connection)
    if row is None:
        return ()
    held = _witnesses(row)
    removed = removed_by_a_person(connection)
    added = {
        name: key
        for name, key in declared.items()
        if name not in held and name not in removed and name != agency
    }
    if held.get(agency) != own:
        added[agency] = own
    changes = tuple(
        PolicyChange(now, name, "declared", key.text) for name, key in sorted(added.items())
    )
    if changes:
        _pin(connection, row, {**held, **added}, changes)
    return changes


def remove(connection: Connection, agency: str, now: int) -> None:
    """Take a witness that has left out of the policy, as a person decided; OperatorError."""
    row = _require_pins(connection)
    held = _witnesses(row)
    if agency not in held:
        raise OperatorError(f"{agency} is not a witness of the policy: nothing was changed")
    if len(held) == 1:
        raise OperatorError(f"{agency} is the only witness of the policy: nothing was changed")
    change = PolicyChange(now, agency, "removed", held[agency].text)
    _pin(connection, row, {name: key for name, key in held.items() if name != agency}, (change,))


def accept(connection: Connection, agency: str, key: VerifierKey, now: int) -> None:
    """Take the key that `agency` declares now, in the place of another, as a person decided."""
    row = _require_pins(connection)
    held = _witnesses(row)
    if held.get(agency) == key:
        raise OperatorError(f"{agency} is in the policy with this key: nothing was changed")
    change = PolicyChange(now, agency, "accepted", key.text)
    _pin(connection, row, {**held, agency: key}, (change,))


def for_log(row: PinsRow, log: VerifierKey) -> str:
    """Return the pinned policy's text for `log`, with the same witnesses; empty if it has none."""
    witnesses = _witnesses(row)
    return majority_policy(log, witnesses).decode() if witnesses else ""


def removed_by_a_person(connection: Connection) -> frozenset[str]:
    """Return the agencies that a person took out of the policy, and nobody back in."""
    latest = {change.agency: change.change for change in storage.policy_changes(connection)}
    return frozenset(agency for agency, change in latest.items() if change == "removed")


def _require_pins(connection: Connection) -> PinsRow:
    row = trust.pins(connection)
    if row is None:
        raise OperatorError(
            "nobody has handed over to this connector yet: run `agency-connector handover receive`"
        )
    return row


def _witnesses(row: PinsRow) -> Mapping[str, VerifierKey]:
    return _read(row.witness_policy, row.log_key).witnesses if row.witness_policy else {}


def _pin(
    connection: Connection,
    row: PinsRow,
    witnesses: Mapping[str, VerifierKey],
    changes: tuple[PolicyChange, ...],
) -> None:
    """Pin a majority of `witnesses`; each change is kept and logged."""
    text = majority_policy(read(row.log_key), witnesses).decode()
    trust.keep_pins(connection, _with_policy(row, text))
    for change in changes:
        storage.keep_policy_change(connection, change)
        logs.get_logger().warning(
            "witness_policy.changed", agency=change.agency, witnesses=len(witnesses)
        )


def _with_policy(row: PinsRow, text: str) -> PinsRow:
    return PinsRow(row.log_key, text, row.handed_over_by, row.pinned_at)


def _read(text: str, log_key: str) -> Policy:
    try:
        policy = read_policy(text.encode())
    except BadPolicy as error:
        raise OperatorError(f"the witness policy cannot be used: {error}") from error
    if [log.text for log in policy.logs] != [log_key]:
        raise OperatorError(
            "the witness policy is not for the log that was handed over, or not for it alone"
        )
    return policy


def log_of(text: str) -> VerifierKey:
    """Return the pinned log's verifier key."""
    key = read(text)
    if key.type is not KeyType.ED25519:
        raise OperatorError("the pinned log key is not a log's")
    return key
