"""Enrolment: the steward's one-time code turns a newcomer's keys into those the index knows."""

import hashlib

from sqlalchemy import Connection

from foundation.problems import Problem
from index_service.agencies import key_entries, storage
from index_service.audit.administration import administer
from index_service.installation import Installation
from index_service.spans import HOUR_MS
from protocol.encoding import b64u_decode
from protocol.enrolment_code import new_code
from protocol.fingerprints import key_id
from protocol.testimony import enrolled_note
from schemas.agencies import AgencyRole, Enrolled, Enrolment


def register(
    connection: Connection, index: Installation, agency: str, name: str, role: AgencyRole
) -> None:
    """Register an agency, before it enrols; the steward's act is recorded."""
    storage.add(connection, agency, name, role, index.clock())
    administer(connection, index, "agency-registered", agency)


def issue_code(connection: Connection, index: Installation, agency: str) -> str:
    """Return a new one-time code for `agency`, to be given to its person by a safe way.

    Only its hash is kept. It carries the fingerprint of the index's key, so that the newcomer's
    connector talks to no other index.
    """
    text, code = new_code(index.signing_key.key_id)
    expires_at = index.clock() + index.settings.rules.enrolment_code_hours * HOUR_MS
    storage.add_code(connection, hashlib.sha256(code).digest(), agency, expires_at)
    administer(connection, index, "code-issued", agency)
    return text


def enrol(connection: Connection, index: Installation, request: Enrolment) -> Enrolled:
    """Take a newcomer's keys. The same code with the same keys again gets the same answer.

    Raises Problem: 404 for a code that is unknown, expired or another agency's (alike, so that
    codes cannot be tried out), 409 for one that other keys have used.
    """
    now = index.clock()
    digest = hashlib.sha256(b64u_decode(request.code, 16)).digest()
    code = storage.find_code(connection, digest)
    if code is None or code.agency != request.agency or code.expires_at <= now:
        raise Problem(
            404,
            "no-such-code",
            "This enrolment code is unknown, for another agency, or too old: "
            "ask the steward for a new one.",
        )
    row = storage.find(connection, request.agency)
    if row is None or row.status != "active":
        raise Problem(403, "suspended", "This agency is suspended: phone the steward.")
    enrolled = Enrolled(
        agency=row.agency, name=row.name, role=row.role, partnership=index.partnership
    )
    key = key_id(b64u_decode(request.keys.signing, 32))
    if code.used_by == key and row.keys == request.keys:
        return enrolled
    if not storage.use_code(connection, digest, key):
        raise Problem(
            409,
            "code-used",
            "This enrolment code has been used with other keys: if that was not you, "
            "phone the steward at once; otherwise ask for a new code.",
        )
    if storage.is_key_known(connection, key):
        raise Problem(
            409, "key-known", "An agency has this signing key already: make new keys and try again."
        )
    storage.put_keys(connection, row.agency, request.keys, now)
    note = enrolled_note(request.keys)
    recorded = administer(connection, index, "agency-enrolled", row.agency, note=note)
    key_entries.keep(connection, key, row.agency, recorded.intake)
    return enrolled
