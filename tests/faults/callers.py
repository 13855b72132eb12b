"""Lookups as fast as the index answers them: signed requests, made without evaluator and journal.

Their tokens are random but for a few of flags that stand. A caller that got no answer sends the
same request again, signed anew, until it has one.
"""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from agency_connector.installation import Installation
from agency_connector.journal.records import Prepared
from agency_connector.lookups.errors import code_of
from agency_connector.matching.scheme import SCHEME
from agency_connector.transport import SignedClient
from foundation.clock import now_ms
from foundation.operator import PlainError
from protocol import commitments, documents
from protocol.encoding import b64u_encode
from schemas.lookups import LookupAnswer, LookupRequest, LookupStatement, StatedTokens, TokenSet
from schemas.operations import LOOK_UP
from tests.faults.county import PURPOSE, County

_TOKENS: Final = 128
_TOKEN_BYTES: Final = 16
_PAUSE_S: Final = 0.2
EPOCH: Final = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer with the request that it is to."""

    sent: Prepared
    answer: LookupAnswer


@dataclass
class Callers:
    """One of an agency's callers. `known` are tokens of flags that may stand, none twice."""

    county: County
    agency: str
    chance: random.Random
    known: Sequence[bytes] = ()
    seen: dict[str, Seen] = field(default_factory=dict)
    pending: dict[str, Prepared] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    lines: set[str] = field(default_factory=set)

    def work(self, stopping: threading.Event) -> None:
        """Look up until stopped; what has no answer by then stays pending."""
        with self.county.opened(self.agency) as connector:
            client = connector.index()
            while not stopping.is_set():
                lookup, sent = self._request(connector)
                self.pending[lookup] = sent
                while not stopping.is_set() and not self._send(client, lookup):
                    stopping.wait(_PAUSE_S)
            client.close()

    def finish(self) -> None:
        """Send what is pending once more."""
        with self.county.opened(self.agency) as connector:
            client = connector.index()
            for lookup in list(self.pending):
                self._send(client, lookup)
            client.close()

    def _send(self, client: SignedClient, lookup: str) -> bool:
        try:
            answer = client.call(LOOK_UP, self.pending[lookup].request)
        except PlainError as error:
            self.told[code_of(error)] += 1
            self.lines.add(str(error))
            return False
        self.seen[lookup] = Seen(self.pending.pop(lookup), answer)
        return True

    def _request(self, connector: Installation) -> tuple[str, Prepared]:
        chance, now = self.chance, now_ms()
        some = chance.sample(self.known, min(len(self.known), 3))
        tokens = sorted({*some, *(chance.randbytes(_TOKEN_BYTES) for _ in range(_TOKENS))})
        tokens = sorted(some + [one for one in tokens if one not in some][: _TOKENS - len(some)])
        salt = chance.randbytes(32)
        lookup = b64u_encode(chance.randbytes(16))
        stated = StatedTokens(
            epoch=EPOCH,
            scheme=SCHEME,
            commitment=b64u_encode(commitments.commit_to_tokens(salt, EPOCH, tokens)),
        )
        statement = LookupStatement(
            partnership="eastmere",
            agency=self.agency,
            lookup=lookup,
            purpose=PURPOSE,
            officer=b64u_encode(chance.randbytes(16)),
            breadth="narrow",
            follows=None,
            agreements=("all",),
            call_back="front-desk",
            particulars=b64u_encode(chance.randbytes(32)),
            tokens=(stated,),
            asked_at=now,
            signed_at=now,
        )
        token_set = TokenSet(
            epoch=EPOCH, salt=b64u_encode(salt), tokens=b64u_encode(b"".join(tokens))
        )
        request = LookupRequest(
            statement=documents.sign(statement, connector.signing_key), sets=(token_set,)
        )
        return lookup, Prepared(request=request, places=(tuple(range(_TOKENS)),), signed_at=now)
