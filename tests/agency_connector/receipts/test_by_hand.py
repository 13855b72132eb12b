"""docs/audit-log.md: what it tells a third party to do works as it stands, and finds lies."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from agency_connector.receipts import evidence as making
from agency_connector.receipts import following
from protocol import evidence
from tests.agency_connector.receipts.conftest import Log
from tests.docs.problem_codes import ROOT

TEXT = (ROOT / "docs" / "audit-log.md").read_text(encoding="utf-8")
Spoil = Callable[[dict[str, Any]], None]


def block(name: str) -> str:
    """The fenced block of this name."""
    found = re.search(rf"^```\w+ {re.escape(name)}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def run(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a block in `folder` with the system's Python, which has none of our packages."""
    own = str(Path(sys.prefix) / "bin")
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if p != own)
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": path, **environment},
    )  # fmt: skip


@pytest.fixture
def folder(log: Log, tmp_path: Path) -> Path:
    """What a third party has: the file, and the script of the document."""
    check = log.town.check().check
    log.grow(300)
    following.follow(log.police)
    made = making.make(log.police, check)
    handed = tmp_path / "third-party"
    handed.mkdir()
    (handed / "evidence.json").write_bytes(evidence.write(made))
    (handed / "split.py").write_text(block("split.py"))
    return handed


def test_the_documented_commands_check_evidence(folder: Path) -> None:
    done = run(folder, block("check.sh"))
    assert done.returncode == 0, done.stdout + done.stderr
    parts = {path.stem for path in (folder / "parts").glob("*.msg")}
    assert parts == {"log", "statement", "witness-police", "witness-council", "witness-health"}
    assert done.stdout.endswith("Nothing failed.\n")
    assert done.stdout.count("Signature Verified Successfully") == len(parts)
    assert '"agency": "police"' in done.stdout
    leaf = run(folder, block("leaf")).stdout.split()[0]
    assert f"with leaf hash {leaf}" in done.stdout


def _other_entry(told: dict[str, Any]) -> None:
    told["entry"]["entry"] = told["keys"][0]["entry"]


def _other_key(told: dict[str, Any]) -> None:
    told["keys"][0]["public"] = "A" * 43


def _other_statement(told: dict[str, Any]) -> None:
    told["statement"]["payload"] = "e30="


def _other_agency(told: dict[str, Any]) -> None:
    told["agency"] = "council"


def _other_root(told: dict[str, Any]) -> None:
    origin, size, _, rest = told["checkpoint"].split("\n", 3)
    told["checkpoint"] = "\n".join([origin, size, "A" * 43 + "=", rest])


def _shorter_proof(told: dict[str, Any]) -> None:
    told["entry"]["proof"].pop()


def _other_log(told: dict[str, Any]) -> None:
    """The whole file is right, but for another key than the one that signed."""
    name, _, _ = told["log"].split("+", 2)
    from protocol.keys import SigningKey
    from protocol.verifier_keys import verifier_key

    told["log"] = verifier_key(name, SigningKey.generate().public)


@pytest.mark.parametrize(
    "spoil",
    [_other_entry, _other_key, _other_statement, _other_agency, _other_root, _shorter_proof,
     _other_log],
)  # fmt: skip
def test_the_documented_commands_and_ours_find_a_lie(folder: Path, spoil: Spoil) -> None:
    told = json.loads((folder / "evidence.json").read_text())
    spoil(told)
    (folder / "evidence.json").write_text(json.dumps(told))
    done = run(folder, block("check.sh"))
    assert done.returncode == 1, done.stdout
    with pytest.raises(evidence.BadEvidence):
        evidence.check(evidence.read_evidence(json.dumps(told).encode()))


def test_a_forged_signature_is_found_by_openssl(folder: Path) -> None:
    """The proofs are right and the signature is not: the script leaves that to openssl."""
    told = json.loads((folder / "evidence.json").read_text())
    text, _, lines = told["checkpoint"].rpartition("\n\n")
    told["checkpoint"] = f"{text}\n\n{lines.replace('A', 'B')}"
    (folder / "evidence.json").write_text(json.dumps(told))
    assert run(folder, block("check.sh")).returncode == 1


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None: ...


def test_the_documented_script_makes_the_root_of_the_whole_log(log: Log, tmp_path: Path) -> None:
    log.grow(600)
    (tmp_path / "tree.py").write_text(block("tree.py"))
    with make_server("127.0.0.1", 0, log, handler_class=_Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        done = run(tmp_path, block("tree"), INDEX=address)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{log.kept.published().size} leaves" in done.stdout
        log.instead["/log/tile/0/000"] = lambda tile: tile[:-1] + bytes([tile[-1] ^ 1])
        assert run(tmp_path, block("tree"), INDEX=address).returncode == 1
        server.shutdown()
