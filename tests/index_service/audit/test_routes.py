"""The log of a running index, as others fetch it: verified by software that is not ours."""

import secrets
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from index_service.app import create_app
from index_service.audit import storage
from index_service.audit.reading_grants import reading_grants
from protocol.log.bundles import unpack
from protocol.log.tiles import Bundle, bundles_of, tiles_of
from protocol.merkle import leaf_hash
from schemas.operations import AUDIT_ENTRIES, Operation
from tests.conftest import FakeClock
from tests.index_service.audit.logs import Kept
from tests.index_service.audit.readers import READER, SECOND, everything
from tests.index_service.partnership import Agency, Partnership
from tests.protocol.log import sumdb
from tests.protocol.signed_calls import signed


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return sumdb.build(tmp_path_factory.mktemp("sumdb"))
    except sumdb.SumdbMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture
def partnership(kept: Kept) -> Partnership:
    """The partnership whose log is `kept`."""
    return Partnership(kept.index, create_app(kept.index).test_client())


def fetch(agency: Agency, path: str, nonce: bytes | None = None) -> TestResponse:
    """Fetch `path`, signed by `agency`."""
    operation = Operation("log", "GET", path, "enrolled", None, None, "")  # type: ignore[arg-type]  # no message
    request = signed(
        operation,
        b"",
        agency.key,
        at=agency.index.clock(),
        nonce=nonce or secrets.token_bytes(16),
        audience=agency.index.audience,
    )
    return agency.client.get(path, headers=list(request.headers))


def test_gos_sumdb_verifies_the_log_of_a_running_index(
    kept: Kept, partnership: Partnership, program: Path, tmp_path: Path
) -> None:
    """Everything as fetched by an auditor after a scan, at sizes on both sides of a full tile."""
    police = partnership.member("police")
    auditor = partnership.member("auditor", introducer=police, role="auditor")
    folder = tmp_path / "fetched"
    (folder / "older").mkdir(parents=True)
    for more in (3, 250, 40):
        kept.take_in(more)
        kept.sequence()
        checkpoint = partnership.client.get("/log/checkpoint")
        (folder / "older" / str(more)).write_bytes(checkpoint.data)
    size = kept.published().size
    assert size > 256
    scan(auditor)
    (folder / "checkpoint").write_bytes(checkpoint.data)
    for tile in tiles_of(size):
        put(folder / tile.path, partnership.client.get(f"/log/{tile.path}"))
    for bundle in bundles_of(size):
        put(folder / bundle.path, fetch(auditor, f"/log/{bundle.path}"))
    counted = sumdb.verify(program, folder, kept.index.log.verifier_key)
    assert counted["size"] == size
    assert counted["older"] == 3


def put(file: Path, fetched: TestResponse) -> None:
    assert fetched.status_code == 200, file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(fetched.data)


def scan(auditor: Agency, **changed: int) -> None:
    """Let two people of the auditor's make a complete scan."""
    answer = auditor.call(AUDIT_ENTRIES, everything(auditor, READER, SECOND, **changed))
    assert answer.status == 200, answer.content


def test_tiles_may_be_cached_for_good_and_checkpoints_may_not(
    kept: Kept, partnership: Partnership
) -> None:
    kept.take_in(5)
    kept.sequence()
    tile = partnership.client.get("/log/tile/0/000.p/5")
    assert "immutable" in tile.headers["Cache-Control"]
    assert len(tile.data) == 5 * 32
    assert partnership.client.get("/log/tile/0/000.p/3").data == tile.data[:96]
    assert partnership.client.get("/log/checkpoint").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["0/000", "0/000.p/6", "0/001.p/1", "1/000.p/1", "00/000.p/5", "0/0", "64/000", "0/x000/000",
     "0/000.p/0", "0/000.p/999", "-1/000", "0/000.p/5/"],
)  # fmt: skip
def test_what_is_not_signed_yet_or_no_path_is_not_there(
    kept: Kept, partnership: Partnership, path: str
) -> None:
    assert partnership.client.get("/log/checkpoint").status_code == 404
    kept.take_in(5)
    kept.sequence()
    assert partnership.client.get(f"/log/tile/{path}").status_code == 404


def test_only_an_auditor_reads_entries_and_a_refusal_is_an_entry(
    kept: Kept, partnership: Partnership
) -> None:
    police = partnership.member("police")
    auditor = partnership.member("auditor", introducer=police, role="auditor")
    kept.sequence()
    size = kept.published().size
    scan(auditor)
    path = f"/log/{Bundle(0, size).path}"
    assert partnership.client.get(path).status_code == 401
    assert fetch(police, path).status_code == 403
    nonce = secrets.token_bytes(16)
    got = fetch(auditor, path, nonce)
    assert got.status_code == 200
    assert got.headers["Cache-Control"] == "private, no-store"
    assert fetch(auditor, path, nonce).status_code == 401
    leaves = b"".join(leaf_hash(entry) for entry in unpack(Bundle(0, size), got.data))
    assert partnership.client.get(f"/log/tile/0/000.p/{size}").data == leaves
    kept.sequence()
    assert kept.published().size == size + 2
    with kept.index.database.read() as connection:
        content = storage.bundle(connection, Bundle(0, size + 2))
    assert content is not None
    assert b"not-an-auditor" in unpack(Bundle(0, size + 2), content)[-1]
    partnership.suspend(auditor)
    assert fetch(auditor, path).status_code == 403


def test_an_auditor_fetches_only_what_a_scan_by_two_people_has_covered(
    kept: Kept, partnership: Partnership
) -> None:
    """Without one, beyond it, and with another auditor's it is refused, and that is an entry."""
    police = partnership.member("police")
    auditor = partnership.member("auditor", introducer=police, role="auditor")
    other = partnership.member("other", introducer=police, role="auditor")
    kept.take_in(300)
    kept.sequence()
    path = f"/log/{Bundle(0).path}"

    def refused(caller: Agency, bundle: str) -> None:
        answer = fetch(caller, bundle)
        assert answer.status_code == 403
        assert answer.json is not None
        assert answer.json["type"] == "urn:ifi:problem:two-people-needed"
        assert "two people" in answer.json["detail"]
        kept.sequence()
        size = kept.published().size
        last = Bundle((size - 1) // 256, (size - 1) % 256 + 1)
        with kept.index.database.read() as connection:
            content = storage.bundle(connection, last)
        assert content is not None
        assert b'"code":"two-people-needed"' in unpack(last, content)[-1]

    refused(auditor, path)
    for part in ({"end": 255}, {"first": 1}):
        scan(auditor, **part)
        refused(auditor, path)
    size = kept.published().size
    scan(auditor)
    assert fetch(auditor, path).status_code == 200
    refused(other, path)
    assert kept.published().size > size
    refused(auditor, f"/log/{Bundle(1, kept.published().size - 256).path}")
    assert fetch(auditor, f"/log/{Bundle(1, size - 256).path}").status_code == 200


def test_what_a_scan_opened_is_closed_after_a_day(
    kept: Kept, partnership: Partnership, clock: FakeClock
) -> None:
    police = partnership.member("police")
    auditor = partnership.member("auditor", introducer=police, role="auditor")
    kept.sequence()
    path = f"/log/{Bundle(0, kept.published().size).path}"
    scan(auditor)
    clock.advance(86_400_000 - 1)
    assert fetch(auditor, path).status_code == 200
    clock.advance(1)
    assert fetch(auditor, path).status_code == 403
    scan(auditor, end=1)
    with kept.index.database.read() as connection:
        kept_rows = connection.execute(reading_grants.select()).all()
    assert [(row.agency, row.first, row.end) for row in kept_rows] == [("auditor", 0, 1)]
