"""From the keys of a lookup to the padded token sets, one per epoch, that it is made with."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from agency_connector.evaluation.tokeniser import Tokeniser
from agency_connector.installation import Installation
from agency_connector.journal.records import SetSalts, Typed
from agency_connector.lookups.errors import CheckRefused
from agency_connector.matching.expansion import Expansion, expand
from agency_connector.matching.grading import GradedKey
from agency_connector.matching.normalise import normalise
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Person, Unusable
from agency_connector.matching.scheme import SCHEMES, MatchKey
from agency_connector.trust.anchors import Anchors, EpochAnchor
from foundation.operator import OperatorError
from protocol.commitments import new_salt
from protocol.encoding import b64u_decode, b64u_encode, lp
from protocol.tokens import SALT_BYTES, TOKEN_BYTES, pad_lookup
from schemas.checks import TypedParticulars
from schemas.lookups import Breadth, TokenSet

_MOST_EPOCHS: Final = 2


@dataclass(frozen=True, slots=True)
class Sets:
    """The token sets of a lookup, and per epoch the position of each key's token in its set."""

    sets: tuple[TokenSet, ...]
    places: tuple[tuple[int, ...], ...]


def person_of(particulars: TypedParticulars, at: int) -> Person:
    """Return the normalised person; `at`, ms UTC, gives the day that decides what is future.

    Raises CheckRefused if anything that was typed cannot be used: an officer corrects or clears
    it, so that no answer is about less than what stands on the form.
    """
    person = normalise(_particulars(particulars), today=_day(at))
    if isinstance(person, Unusable):
        raise CheckRefused(422, person.code.replace("_", "-"), person.sentence)
    if person.left_out:
        first = person.left_out[0]
        raise CheckRefused(422, first.code.replace("_", "-"), first.sentence)
    return person


def expansion_of(typed: Typed, at: int) -> Expansion:
    """Return the graded keys of what was typed: a pure function, so that it can be recomputed."""
    return expand(person_of(typed.particulars, at))


def keys_of(expansion: Expansion, breadth: Breadth) -> tuple[GradedKey, ...]:
    """Return the keys of the narrow or of the wide lookup."""
    return expansion.narrow if breadth == "narrow" else expansion.wide


def searchable_epochs(anchors: Anchors, now: int) -> tuple[EpochAnchor, ...]:
    """Return the epochs to search, newest first: live, and of a scheme this connector has.

    Raises OperatorError if there is none.
    """
    live = [
        anchor
        for anchor in anchors.epochs
        if anchor.descriptor.opens_at <= now < anchor.descriptor.closes_at
    ]
    usable = [anchor for anchor in live if anchor.descriptor.scheme in SCHEMES]
    if not live:
        raise OperatorError(
            "no epoch that this connector holds is open now: check that this machine's clock is "
            "right (timedatectl), and if it is, ask a member to hand over the new epoch"
        )
    if not usable:
        raise OperatorError(
            "the partnership has moved to a scheme that this version does not have: update the "
            "connector"
        )
    return tuple(usable[:_MOST_EPOCHS])


def new_salts(anchor: EpochAnchor) -> SetSalts:
    """Return fresh salts for the token set of one epoch."""
    return SetSalts(
        epoch=anchor.epoch,
        scheme=anchor.descriptor.scheme,
        salt=b64u_encode(new_salt()),
        dummy_salt=b64u_encode(secrets.token_bytes(SALT_BYTES)),
    )


def make_sets(
    installation: Installation,
    anchors: Anchors,
    keys: Sequence[GradedKey],
    salts: Sequence[SetSalts],
) -> Sets:
    """Return the padded token sets of `keys`, made with the evaluator's help.

    Raises what `Tokeniser.tokens` raises.
    """
    sets, places = [], []
    for salted in salts:
        tokens = _tokens(installation, anchors.epoch(salted.epoch), keys)
        padded = padded_set(tokens, b64u_decode(salted.dummy_salt, SALT_BYTES))
        joined = b64u_encode(b"".join(padded))
        sets.append(TokenSet(epoch=salted.epoch, salt=salted.salt, tokens=joined))
        place = {token: at for at, token in enumerate(padded)}
        places.append(tuple(place[token] for token in tokens))
    return Sets(tuple(sets), tuple(places))


def split(token_set: TokenSet) -> list[bytes]:
    """Return the tokens of a set in their order."""
    joined = b64u_decode(token_set.tokens)
    return [joined[at : at + TOKEN_BYTES] for at in range(0, len(joined), TOKEN_BYTES)]


def padded_set(tokens: Sequence[bytes], dummy_salt: bytes) -> tuple[bytes, ...]:
    """Return the set that is sent: `tokens` and dummies, ascending (protocol.tokens.pad_lookup).

    What was typed may have no key that would be strong or likely. The narrow lookup is recorded
    all the same; in place of tokens it has one stand-in,
    HMAC-SHA256(dummy_salt, lp("ifi/1 no token"))[:16].
    """
    stand_in = hmac.digest(dummy_salt, lp("ifi/1 no token"), hashlib.sha256)[:TOKEN_BYTES]
    return pad_lookup(tokens or [stand_in], dummy_salt)


def _tokens(
    installation: Installation, anchor: EpochAnchor, keys: Sequence[GradedKey]
) -> list[bytes]:
    client = installation.evaluator(anchor)
    try:
        tokeniser = Tokeniser(anchor, client, "lookup")
        return tokeniser.tokens([MatchKey(key.kind, key.value) for key in keys])
    finally:
        client.close()


def _particulars(typed: TypedParticulars) -> Particulars:
    return Particulars(
        given=typed.given,
        middle=typed.middle,
        family=typed.family,
        full_name=typed.full_name,
        born=typed.born,
        postcode=typed.postcode,
        identifiers=tuple((told.kind, told.value) for told in typed.identifiers),
    )


def _day(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).date()
