"""The published log, fetched outbound only: checkpoints, tiles, and entry bundles for auditors.

Nothing of it is signed as answers are, and nothing is believed because it came from here: whoever
reads it checks it against a checkpoint that the pinned log key signed.
"""

import secrets
from typing import Final

import stamina

from agency_connector.transport.errors import NotGenuine, Unreachable
from agency_connector.transport.wire import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Wire
from foundation.clock import Clock
from protocol.http_signatures import NONCE_BYTES, sign_request
from protocol.keys import SigningKey
from protocol.log.errors import BadTile
from protocol.log.tiles import Bundle, Tile
from protocol.signature_base import Request
from schemas.operations import Operation

CHECKPOINT: Final = "checkpoint"
COSIGNED: Final = "checkpoint/cosigned"
_ATTEMPTS: Final = 3


class LogClient:
    """The log of the index at `url`, below `/log/`. `key` signs requests for entry bundles.

    It is a `protocol.log.tile_tree.TileReader`. Raises Unreachable if no answer comes, and BadTile
    for a tile or bundle that the log says it has not.
    """

    def __init__(
        self,
        url: str,
        audience: str,
        key: SigningKey,
        clock: Clock,
        timeout: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    ) -> None:
        self._wire = Wire(url, audience.partition("/")[0], timeout)
        self._audience = audience
        self._key = key
        self._clock = clock

    def checkpoint(self, name: str = CHECKPOINT) -> bytes | None:
        """Return the note at `name`, CHECKPOINT or COSIGNED, or None if there is none yet."""
        return self._fetched(name, signed=False)

    def read(self, tile: Tile) -> bytes:
        """Return what is served as `tile`; its length and content are the caller's to check."""
        return _there(self._fetched(tile.path, signed=False), tile)

    def entries(self, bundle: Bundle) -> bytes:
        """Return what is served as `bundle`.

        OperatorError if this agency is no auditor, or no scan by two people has covered it lately.
        """
        return _there(self._fetched(bundle.path, signed=True), bundle)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _fetched(self, name: str, *, signed: bool) -> bytes | None:
        return _REPEATER(self._once, f"/log/{name}", signed)

    def _once(self, path: str, signed: bool) -> bytes | None:
        operation = Operation("log", "GET", path, "anyone", None, bytes, "")
        prepared = self._wire.prepared(operation, b"")
        if signed:
            request = Request("GET", prepared.path_url, "", (), b"")
            prepared.headers.update(
                sign_request(
                    request,
                    self._key,
                    audience=self._audience,
                    created_s=self._clock() // 1000,
                    nonce=secrets.token_bytes(NONCE_BYTES),
                )
            )
        answer = self._wire.send(prepared)
        if answer.status == 200:
            return answer.body
        if answer.status == 404:
            return None
        if answer.status in (401, 403):
            raise NotGenuine(
                f"the index refuses {path} to this agency ({answer.status}): only an auditor reads "
                "entries, within a day after two people ran `agency-connector audit everything`; "
                "check the clock, or ask the steward which role this agency has"
            )
        raise Unreachable(
            f"the index at {self._wire.url} answers {answer.status} for {path}: try again later",
            worth_repeating=answer.status >= 500,
        )


def _there(content: bytes | None, named: Tile | Bundle) -> bytes:
    if content is None:
        raise BadTile(f"{named.path} is not served, although the checkpoint covers it.")
    return content


def _worth_repeating(error: Exception) -> bool:
    return isinstance(error, Unreachable) and error.worth_repeating


_REPEATER: Final = stamina.RetryingCaller(
    attempts=_ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=2.0
).on(_worth_repeating)
