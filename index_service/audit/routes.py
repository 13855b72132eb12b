"""The log as C2SP tlog-tiles serves it, under `/log/`: checkpoint, tiles, entry bundles.

Checkpoint and tiles are for anyone: they hold hashes over entries with 16 random bytes each. Entry
bundles hold the entries themselves: an auditor may fetch those that a complete scan of its own has
covered in the last day, which two people confirmed and which is an entry.
"""

from typing import Final

from flask import Flask, Response, g
from sqlalchemy import Connection

from foundation.problems import Problem
from foundation.routes import Guard
from index_service.audit import cosigning, storage
from index_service.audit.administration import refused
from index_service.audit.reading_grants import is_granted
from index_service.audit.sequencing import published_head
from index_service.audit.storage import DatabaseTiles
from index_service.installation import Installation
from protocol.http_signatures import Unverified
from protocol.log.errors import BadTile
from protocol.log.tiles import TILE_HEIGHT, WIDTH, Bundle, Tile, read_path
from protocol.nonces import remember
from protocol.signed_api import Caller, SignedApi
from schemas.operations import COSIGN
from schemas.witnesses import CosignatureKept, CosignedCheckpoint

_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_NOT_KEPT: Final = "private, no-store"
_ANEW: Final = "no-cache"
_OCTETS: Final = "application/octet-stream"
_OPERATION: Final = "log-entries"


def serve(app: Flask, guard: Guard, api: SignedApi, index: Installation) -> None:
    """Register the log's routes on `app`, and on `api` what witnesses bring."""

    @guard.route(app, "/log/checkpoint", may="anyone")
    def log_checkpoint() -> Response:
        with index.database.read() as connection:
            return _checkpoint(cosigning.published_checkpoint(connection))

    @guard.route(app, "/log/checkpoint/to-cosign", may="anyone")
    def log_checkpoint_to_cosign() -> Response:
        with index.database.read() as connection:
            return _checkpoint(cosigning.checkpoint_to_cosign(connection))

    @guard.route(app, "/log/checkpoint/cosigned", may="anyone")
    def log_checkpoint_cosigned() -> Response:
        with index.database.read() as connection:
            return _checkpoint(cosigning.cosigned_checkpoint(connection, index))

    def cosign(
        connection: Connection, caller: Caller, message: CosignedCheckpoint
    ) -> CosignatureKept:
        return cosigning.cosign(connection, index, caller.agency, message)

    api.serve(COSIGN, cosign)

    @guard.route(app, "/log/tile/<level>/<path:place>", may="anyone")
    def log_tile(level: str, place: str) -> Response:
        with index.database.read() as connection:
            tile = _named(connection, f"tile/{level}/{place}")
            if not isinstance(tile, Tile):
                raise _no_such_tile()
            return _response(DatabaseTiles(connection).read(tile), _OCTETS, _FOR_GOOD)

    @guard.route(app, "/log/tile/entries/<path:place>", may="enrolled")
    def log_entries(place: str) -> Response:
        auditor = _auditor(index, g.principal)
        with index.database.read() as connection:
            bundle = _named(connection, f"tile/entries/{place}")
            if not isinstance(bundle, Bundle):
                raise _no_such_tile()
            granted = is_granted(connection, auditor, bundle, index.clock())
            content = storage.bundle(connection, bundle) if granted else None
        if not granted:
            raise _refused_bundle(index, auditor)
        if content is None:
            raise _no_such_tile()
        return _response(content, _OCTETS, _NOT_KEPT)


def _named(connection: Connection, path: str) -> Tile | Bundle:
    """Return what `path` names in the log as it was last signed; Problem 404 for anything else."""
    try:
        named = read_path(path)
    except BadTile as error:
        raise _no_such_tile() from error
    published = published_head(storage.state(connection))
    level = named.level if isinstance(named, Tile) else 0
    hashes = published.size >> (TILE_HEIGHT * level) if published else 0
    # A width that the log never published is as good: it is cut from what is signed.
    if named.index * WIDTH + named.width > hashes:
        raise _no_such_tile()
    return named


def _auditor(index: Installation, signed: Unverified) -> str:
    """Return the active auditor that signed, for the first time; Problem, an entry, otherwise."""
    with index.database.write() as connection:
        row = index.standing.read(connection).by_key.get(signed.keyid)
        if not remember(connection, signed.keyid, signed.nonce, index.clock()):
            raise Problem(401, "replayed", "This request has been received before: sign it anew.")
        if row is not None and row.status == "active" and row.role == "auditor":
            return row.agency
        if row is not None:
            refused(connection, index, row.agency, _OPERATION, "not-an-auditor", None)
    raise Problem(
        403, "not-an-auditor", "Only an active agency in the auditor role may read entries."
    )


def _refused_bundle(index: Installation, auditor: str) -> Problem:
    """Return the refusal of entries that no scan has covered, after recording it."""
    problem = Problem(
        403,
        "two-people-needed",
        "Entries are fetched in bundles for a day after a complete scan that covered them: let two "
        "people run `agency-connector audit everything` first.",
    )
    with index.database.write() as connection:
        refused(connection, index, auditor, _OPERATION, problem.code, None)
    return problem


def _checkpoint(note: bytes | None) -> Response:
    if note is None:
        raise Problem(404, "no-checkpoint", "There is no such checkpoint yet: ask again soon.")
    return _response(note, "text/plain; charset=utf-8", _ANEW)


def _no_such_tile() -> Problem:
    return Problem(404, "no-such-tile", "The log as it is signed now has no such tile or bundle.")


def _response(content: bytes, content_type: str, kept: str) -> Response:
    response = Response(content, content_type=content_type)
    response.headers["Cache-Control"] = kept
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
