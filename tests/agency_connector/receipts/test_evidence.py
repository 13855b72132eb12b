"""Evidence: one file about one entry, for somebody who trusts neither index nor agency."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agency_connector.auditing import printing, reading
from agency_connector.cli import main
from agency_connector.installation import Installation
from agency_connector.lookups import resolving
from agency_connector.receipts import evidence as making
from agency_connector.receipts import following
from agency_connector.trust import key_change
from foundation.operator import OperatorError
from index_service.evaluation import storage
from protocol import evidence
from schemas.entries import AuditReading, Consultation, Disclosure
from tests.agency_connector.lookups.county import OFFICER
from tests.agency_connector.receipts.conftest import Log


def command(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *words])


def test_it_proves_a_lookup_and_who_made_it(log: Log) -> None:
    check = log.town.check().check
    log.grow(300)
    following.follow(log.police)
    made = making.make(log.police, check)
    proved = evidence.check(evidence.read_evidence(evidence.write(made)))
    assert isinstance(proved.entry, Consultation)
    assert json.loads(proved.statement)["lookup"] == check
    assert proved.agency == "police"
    assert sorted(proved.cosigned) == ["council", "health", "police"]
    assert proved.enough


def test_it_holds_nothing_of_the_person_and_no_officer_in_clear(log: Log) -> None:
    check = log.town.check().check
    log.grow()
    following.follow(log.police)
    written = evidence.write(making.make(log.police, check))
    for word in (b"Hebden", b"Shula", b"1958", b"pc-archer", b"Welfare"):
        assert word not in written


def test_a_quoted_reference_names_it_at_both_ends(log: Log) -> None:
    hit = log.town.check().involved[0]
    council = log.town.connectors["council"]
    resolving.resolve(council, "mary", hit.reference)
    log.grow()
    for connector, kind in ((log.police, Consultation), (council, Disclosure)):
        following.follow(connector)
        proved = evidence.check(making.make(connector, hit.reference))
        assert isinstance(proved.entry, kind)
        assert proved.agency == connector.agency


def test_it_proves_that_the_record_was_read_and_by_whom(log: Log) -> None:
    log.town.check()
    log.grow()
    report = reading.own(log.police, OFFICER)
    assert report.every_alarm == ()
    log.grow()
    following.follow(log.police)
    (name,) = report.readings
    proved = evidence.check(making.make(log.police, name))
    assert isinstance(proved.entry, AuditReading)
    assert proved.agency == "police"
    assert json.loads(proved.statement)["of"] == "own"
    assert name in "\n".join(printing.closing(report))


def test_after_a_change_of_keys_the_chain_leads_to_the_key_that_signed(log: Log) -> None:
    key_change.change(log.police)
    log.town.connectors["police"] = Installation.open(log.police.home, clock=log.town.clock)
    key = log.police.signing_key
    with log.town.evaluator.database.write() as connection:
        storage.give_key(connection, "police", key.key_id, key.public, log.town.clock())
    check = log.town.check().check
    log.grow()
    following.follow(log.police)
    made = making.make(log.police, check)
    assert len(made.keys) == 2
    assert evidence.check(made).agency == "police"


def test_there_is_no_evidence_before_enough_have_countersigned(log: Log) -> None:
    log.witnessed = ("police",)
    check = log.town.check().check
    with pytest.raises(OperatorError, match="not been found in the log yet"):
        making.make(log.police, check)
    log.grow()
    following.follow(log.police)
    with pytest.raises(OperatorError, match="too few partners"):
        making.make(log.police, check)


def test_what_is_not_ours_is_not_there(log: Log) -> None:
    with pytest.raises(OperatorError, match="no check, resolution, batch, reading or reference"):
        making.make(log.police, "A" * 22)


def test_the_commands_write_and_check_a_file(log: Log, tmp_path: Path) -> None:
    check = log.town.check().check
    log.grow()
    following.follow(log.police)
    file = tmp_path / "evidence.json"
    file.write_bytes(evidence.write(making.make(log.police, check)))
    told = command(tmp_path, "verify-evidence", str(file))
    assert told.exit_code == 0, told.output
    assert "a statement signed by police" in told.output
    assert "Countersigned by 3 of 3 witnesses" in told.output
    file.write_bytes(file.read_bytes().replace(b'"index": ', b'"index": 1', 1))
    told = command(tmp_path, "verify-evidence", str(file))
    assert told.exit_code == 1
    assert "proves nothing" in told.output


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000, b" " * (5 << 20)])
def test_what_is_no_evidence_file_is_refused(content: bytes) -> None:
    with pytest.raises(evidence.BadEvidence):
        evidence.read_evidence(content)
