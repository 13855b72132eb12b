"""Checkpoints as this connector measures them: by the pinned log key, and by who countersigned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from agency_connector.installation import Installation
from agency_connector.transport import NotGenuine
from agency_connector.transport.log import COSIGNED, LogClient
from agency_connector.trust.anchors import Anchors
from foundation.operator import OperatorError
from protocol.log.checkpoints import open_checkpoint
from protocol.log.errors import LogError
from protocol.log.policies import Policy, read_policy
from protocol.log.proofs import Head
from protocol.verifier_keys import KeyType, VerifierKey


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that the pinned log signed. `note` is its signed note as it was served.

    `cosigned` maps witnesses to when (s UTC) they countersigned it, `witnesses` is how many there
    are. `enough`: as many as the trust file wants, or the trust file names no witness.
    """

    note: bytes
    head: Head
    cosigned: Mapping[str, int]
    witnesses: int
    enough: bool

    def countersigned(self) -> str:
        """Return in words who countersigned it."""
        if not self.witnesses:
            return "signed by the log alone: no witness is agreed, so nobody countersigned it"
        who = ", ".join(
            f"{name} ({datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M UTC})"
            for name, at in sorted(self.cosigned.items())
        )
        said = f"countersigned by {len(self.cosigned)} of {self.witnesses} witnesses"
        return f"{said}{': ' if who else ''}{who}" + (
            "" if self.enough else "; that is fewer than the trust file wants"
        )


def log_key(anchors: Anchors) -> VerifierKey:
    """Return the pinned log key."""
    return VerifierKey(anchors.log_name, KeyType.ED25519, anchors.log_key)


def policy_of(anchors: Anchors) -> Policy | None:
    """Return the pinned trust file, or None while no witness is agreed."""
    if not anchors.witness_policy.strip():
        return None
    return read_policy(anchors.witness_policy.encode("utf-8", "surrogateescape"))


def opened(note: bytes, anchors: Anchors) -> Published:
    """Return the checkpoint in `note`; raises LogError if the pinned log did not sign it."""
    policy = policy_of(anchors)
    if policy is None:
        signed = open_checkpoint(note, [log_key(anchors)])
        return Published(note, signed.checkpoint.head, {}, 0, enough=True)
    standing = policy.assess(note)
    return Published(
        note,
        standing.signed.checkpoint.head,
        standing.cosigned,
        len(policy.witnesses),
        standing.verified,
    )


def newest(client: LogClient, anchors: Anchors) -> Published:
    """Fetch the newest checkpoint. Raises Unreachable, NotGenuine if the log did not sign it."""
    note = client.checkpoint()
    if note is None:
        raise OperatorError(
            "the log of the index has no checkpoint yet: try again when `index-service worker` runs"
        )
    return _genuine(note, anchors)


def newest_enough(client: LogClient, anchors: Anchors, found: Published) -> Published | None:
    """Return `found`, the newest checkpoint, or the newest that enough have countersigned."""
    if found.enough:
        return found
    note = client.checkpoint(COSIGNED)
    if note is None:
        return None
    cosigned = _genuine(note, anchors)
    return cosigned if cosigned.enough else None


def client_of(installation: Installation, anchors: Anchors) -> LogClient:
    """Return a client of the log; whoever asks closes it."""
    return LogClient(
        installation.settings.index.url,
        f"index/{anchors.partnership}",
        installation.signing_key,
        installation.clock,
    )


def _genuine(note: bytes, anchors: Anchors) -> Published:
    try:
        return opened(note, anchors)
    except LogError as error:
        raise NotGenuine(
            f"the checkpoint that the index shows is not one of the log that was handed over, and "
            f"was not used. {error} If the steward speaks of a successor: `agency-connector log "
            "successor`"
        ) from error
