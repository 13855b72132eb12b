"""From a person to the tokens under which they would be stored, and back to a grade."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agency_connector.evaluation.tokeniser import Tokeniser
from agency_connector.installation import Installation
from agency_connector.lookups.token_sets import person_of
from agency_connector.matching.expansion import expand
from agency_connector.matching.grading import GradedKey, grade_hit
from agency_connector.matching.scheme import SCHEMES, MatchKey, record_keys
from agency_connector.transport import Refused
from agency_connector.trust.anchors import Anchors, EpochAnchor
from foundation.operator import OperatorError
from protocol.commitments import commit_to_tokens, new_salt
from protocol.encoding import b64u_encode
from protocol.tokens import RECORD_BYTES, TOKEN_BYTES, pad_record
from schemas.audit import RecordTokens
from schemas.checks import Surety, TypedParticulars
from schemas.lookups import StatedTokens

LITTLE: Final = "one detail in common that says little by itself"


@dataclass(frozen=True, slots=True, repr=False)
class Sought:
    """A person as tokens: what is asked for, and which key each token was made of.

    `missed` are the epochs that this connector holds and cannot search, each with the reason.
    """

    sets: tuple[RecordTokens, ...]
    stated: tuple[StatedTokens, ...]
    key_of: dict[bytes, MatchKey]
    graded: dict[MatchKey, GradedKey]
    missed: tuple[str, ...]

    @property
    def tokens(self) -> frozenset[bytes]:
        """The person's own tokens, without what fills the sets up."""
        return frozenset(self.key_of)

    def grade(self, tokens: Sequence[bytes]) -> tuple[Surety, str]:
        """Return how surely a lookup with these tokens would have found the person, and why."""
        met = {self.key_of[token] for token in tokens if token in self.key_of}
        keys = [told for key, told in self.graded.items() if key in met]
        return grade_hit(keys) if keys else ("possible", LITTLE)


def seek(
    installation: Installation, anchors: Anchors, particulars: TypedParticulars, now: int
) -> Sought:
    """Return the tokens under which the person would be stored, in every epoch held here.

    They count against the evaluator's quota for audits. Raises CheckRefused for particulars that
    cannot be used, and OperatorError if no epoch can be searched.
    """
    person = person_of(particulars, now)
    record = record_keys(person)
    keys = [*record.names, *record.identifiers]
    if not keys:
        raise OperatorError(
            "these details are too few: nobody would be stored under them; add a date of birth, a "
            "postcode or a number"
        )
    expansion = expand(person)
    sets: list[RecordTokens] = []
    stated: list[StatedTokens] = []
    key_of: dict[bytes, MatchKey] = {}
    missed: list[str] = []
    for anchor in anchors.epochs:
        if anchor.descriptor.scheme not in SCHEMES:
            missed.append(f"epoch {anchor.epoch}: of a scheme that this version does not have")
            continue
        try:
            tokens = tokens_in(installation, anchor, keys)
        except Refused as refused:
            if refused.code != "unknown-epoch":
                raise
            missed.append(f"epoch {anchor.epoch}: the evaluator has destroyed its key")
            continue
        key_of.update(zip(tokens, keys, strict=True))
        # What fills the set up is random: it meets nobody's tokens.
        padded = pad_record(tokens, secrets.token_bytes(32), b"", anchor.epoch)
        salt = new_salt()
        commitment = commit_to_tokens(salt, anchor.epoch, _split(padded))
        sets.append(
            RecordTokens(epoch=anchor.epoch, salt=b64u_encode(salt), tokens=b64u_encode(padded))
        )
        stated.append(
            StatedTokens(
                epoch=anchor.epoch,
                scheme=anchor.descriptor.scheme,
                commitment=b64u_encode(commitment),
            )
        )
    if not sets:
        raise OperatorError(f"no epoch can be searched: {'; '.join(missed)}")
    graded = {MatchKey(k.kind, k.value): k for k in (*expansion.narrow, *expansion.wide)}
    return Sought(tuple(sets), tuple(stated), key_of, graded, tuple(missed))


def tokens_in(
    installation: Installation, anchor: EpochAnchor, keys: Sequence[MatchKey]
) -> list[bytes]:
    """Return the tokens of `keys` in one epoch, under the quota for audits."""
    client = installation.evaluator(anchor)
    try:
        return Tokeniser(anchor, client, "audit").tokens(keys)
    finally:
        client.close()


def _split(padded: bytes) -> list[bytes]:
    return [padded[at : at + TOKEN_BYTES] for at in range(0, RECORD_BYTES, TOKEN_BYTES)]
