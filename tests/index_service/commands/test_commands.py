"""The steward's commands: what they print and record, and one clear line when they refuse."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from agency_connector.cli import main as connector_main
from foundation.operator import OperatorError
from index_service.audit import storage
from index_service.audit.intake import intake
from index_service.audit.sequencing import sequence
from index_service.cli import main
from index_service.installation import Installation
from protocol.enrolment_code import read_code
from protocol.entries import read_entry
from protocol.keys import SigningKey
from schemas.entries import Administration


def run(home: Path, *words: str, group: int = 1) -> Result:
    """Run a command on the index in `home`; the option follows the first `group` words."""
    arguments = [*words[:group], "--home", str(home), *words[group:]]
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new index."""
    folder = tmp_path / "index"
    made = run(
        folder,
        "init",
        "--partnership=borsetshire",
        "--organisation=Borsetshire Data Trust",
        "--accountable-officer=A. Steward",
        "--data-protection-contact=dpo@steward.example",
        "--seal=unsealed",
        "--bind=127.0.0.1:0",
    )
    assert made.exit_code == 0, made.output
    return folder


def refusal(result: Result) -> str:
    """Return the one line of a command that must have refused."""
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def acts(home: Path) -> list[str]:
    """Return what the record says was done."""
    with Installation.open(home).database.read() as connection:
        rows = connection.execute(select(intake.c.entry).order_by(intake.c.id))
        entries = [read_entry(row.entry) for row in rows]
    return [entry.act for entry in entries if isinstance(entry, Administration)]


def test_init_makes_a_private_home_and_says_who_should_not_host_it(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    words = ("init", "--partnership=b1", "--organisation=O", "--accountable-officer=A",
             "--data-protection-contact=D", "--seal=unsealed")  # fmt: skip
    made = run(folder, *words)
    assert "A partner should not host the index" in made.output
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}
    assert "there is an index already" in refusal(run(folder, *words))


def test_a_registered_agency_gets_a_code_that_names_this_index(home: Path) -> None:
    made = run(home, "agency", "add", "police", "--name=Northgate Police", group=2)
    code, index_key = read_code(made.output.splitlines()[1])
    assert len(code) == 16
    assert index_key == Installation.open(home).signing_key.key_id
    again = run(home, "agency", "add", "police", "--name=Northgate Police", group=2)
    assert "police is registered" in refusal(again)
    listed = run(home, "agency", "list", group=2).output
    assert "police  Northgate Police  member  active" in listed
    assert "has not enrolled" in listed


def test_every_act_of_the_steward_is_recorded(home: Path) -> None:
    agreement = ("agreement", "add", "isa", "--title=Safeguarding", "--party=police",
                 "--party=council", "--purpose=safeguarding", "--from=2026-01-01",
                 "--until=2027-01-01")  # fmt: skip
    for words in (
        ("agency", "add", "police", "--name=Police"),
        ("agency", "add", "council", "--name=Council"),
        ("purpose", "add", "safeguarding", "Safeguarding a person at risk"),
        agreement,
        ("agency", "suspend", "council"),
        ("agency", "resume", "council"),
        ("agreement", "end", "isa"),
        ("purpose", "remove", "safeguarding"),
    ):
        done = run(home, *words, group=2)
        assert done.exit_code == 0, done.output
    assert acts(home) == [
        "log-opened",
        "agency-registered",
        "code-issued",
        "agency-registered",
        "code-issued",
        "purpose-added",
        "agreement-signed",
        "agency-suspended",
        "agency-resumed",
        "agreement-ended",
        "purpose-removed",
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("agency", "add", "Police", "--name=P"), "agency: write 2 to 32 lower-case letters"),
        (("agency", "code", "police"), "`agency add police` first"),
        (("agency", "suspend", "police"), "`agency list` shows who is"),
        (("purpose", "remove", "x"), "`purpose list` shows it"),
        (("agreement", "end", "x"), "`agreement list` shows all"),
        (("agreement", "add", "isa", "--title=T", "--party=police", "--party=council",
          "--purpose=safeguarding", "--from=2026-01-01", "--until=2027-01-01"),
         "council is not registered"),
        (("agreement", "add", "isa", "--title=T", "--party=police", "--party=council",
          "--purpose=safeguarding", "--from=01/02/2026", "--until=2027-01-01"),
         "write it as 2026-01-31"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line_that_says_what_to_do(
    home: Path, words: tuple[str, ...], says: str
) -> None:
    assert says in refusal(run(home, *words, group=2))


def test_a_keyring_that_others_can_read_stops_every_command(home: Path) -> None:
    (home / "keys.json").chmod(0o640)
    assert "chmod 600" in refusal(run(home, "fingerprint"))
    assert "chmod 600" in refusal(run(home, "run"))


def test_a_missing_home_is_told_of(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(run(tmp_path / "nowhere", "fingerprint"))


def test_the_fingerprint_is_of_both_keys(home: Path) -> None:
    printed = run(home, "fingerprint").output
    assert "borsetshire.ifi-log+" in printed
    digits = printed.splitlines()[1].replace(" ", "")
    assert len(digits) == 40
    assert digits.isdigit()


def test_no_secret_is_printed(home: Path) -> None:
    index = Installation.open(home)
    printed = "".join(
        run(home, *words, group=group).output
        for words, group in ((("fingerprint",), 1), (("agency", "list"), 2))
    )
    for key in (index.signing_key, index.log.key):
        assert isinstance(key, SigningKey)
        assert key.to_bytes().hex() not in printed


def test_the_real_program_serves_and_stops_when_asked(home: Path) -> None:
    program = subprocess.Popen(
        [Path(sys.executable).with_name("index-service"), "run", "--home", home],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert program.stdout is not None
        line = program.stdout.readline()
        assert line.startswith("The index is at http://127.0.0.1:")

        answer = requests.get(line.split()[4].rstrip(".") + "/v1/identity", timeout=10)
        assert answer.json()["partnership"] == "borsetshire"
    finally:
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=20) == 0
        if program.stdout is not None:
            program.stdout.close()


def test_verify_says_what_it_verified_and_names_what_is_bad(home: Path) -> None:
    """On the index's own database, and on any copy with nothing but the log's public key."""
    run(home, "purpose", "add", "safeguarding", "Safeguarding", group=2)
    index = Installation.open(home)
    for _ in range(3):
        with index.database.write() as connection:
            sequence(connection, index, 0)
    said = run(home, "verify")
    assert said.output.startswith("2 entries and 1 tiles verified.")
    assert "safeguarding" not in said.output
    copied = ["verify", f"--database={index.settings.database.url.replace('///', f'///{home}/')}"]
    assert "has to come from somewhere else" in refusal(CliRunner().invoke(main, copied))
    copied.append(f"--log-key={index.log.verifier_key}")
    assert CliRunner().invoke(main, copied).output == said.output
    with index.database.write() as connection:
        connection.execute(update(intake).values(leaf=bytes(32)))
    assert "entry 0: its bytes" in refusal(run(home, "verify"))


def test_an_export_is_verified_with_one_command_and_no_database(home: Path, tmp_path: Path) -> None:
    """By either program; whoever changes one byte of it is told where."""
    sequence_all(home)
    file, moved = tmp_path / "log.ifi-export", tmp_path / "elsewhere"
    said = run(home, "export", str(file))
    assert said.exit_code == 0, said.output
    assert said.output.startswith(f"Entries 0 to 0 of 1 written to {file}.")
    assert acts(home)[-1] == "log-exported"
    assert "exists already" in refusal(run(home, "export", str(file)))
    key = said.output.split()[-1]
    home.rename(moved)
    words = ["verify", f"--export={file}", f"--log-key={key}"]
    assert CliRunner().invoke(main, words).output.startswith("All 1 entries of borsetshire.ifi-log")
    assert refusal(CliRunner().invoke(main, words[:2])).startswith("error: --log-key goes with")
    connector = ["verify-export", str(file), f"--log-key={key}"]
    done = CliRunner().invoke(connector_main, connector)
    assert done.output.startswith("All 1 entries of borsetshire.ifi-log verified")
    content = file.read_bytes()
    file.write_bytes(content.replace(b"log-opened", b"log-openea"))
    assert "does not verify. " in refusal(CliRunner().invoke(main, words))
    assert "does not verify. " in refusal(CliRunner().invoke(connector_main, connector))


def test_a_person_opens_a_successor_to_a_closed_log(home: Path) -> None:
    words = ("log-successor", "--why=The disk broke", "--yes")
    assert "a log that can go on has no successor" in refusal(run(home, *words))
    sequence_all(home)
    index = Installation.open(home)
    with index.database.write() as connection:
        storage.close(connection, storage.state(connection).head, "lost")
    assert "the log is closed: lost" in refusal(run(home, "log-head"))
    said = run(home, *words)
    assert said.exit_code == 0, said.output
    assert "has ended at 1 entries; 1 of them are kept, 0 are lost." in said.output
    assert "borsetshire.ifi-log-2+" in said.output
    sequence_all(home)
    assert run(home, "verify").output.startswith("2 entries and 1 tiles verified.")
    assert run(home, "log-head").output.startswith("borsetshire.ifi-log-2\n2\n")
    assert {path.name for path in home.glob("log.head*")} == {"log.head", "log.head-2"}


def sequence_all(home: Path) -> None:
    """Sequence until nothing is left to do, as the worker would."""
    index = Installation.open(home)
    more = True
    while more:
        with index.database.write() as connection:
            more = sequence(connection, index, 0).more


def test_log_head_prints_the_checkpoint_and_accepts_a_lost_file(home: Path) -> None:
    index = Installation.open(home)
    with index.database.write() as connection:
        sequence(connection, index, 0)
    said = run(home, "log-head")
    assert said.output.startswith("borsetshire.ifi-log\n0\n")
    (home / "log.head").unlink()
    with pytest.raises(OperatorError), index.database.write() as connection:
        sequence(connection, index, 0)
    assert "log-head --accept" in refusal(run(home, "log-head"))
    assert run(home, "log-head", "--accept").exit_code == 0
    assert (home / "log.head").exists()


def test_a_failed_init_can_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    words = ("init", "--partnership=b1", "--organisation=O", "--accountable-officer=A",
             "--data-protection-contact=D", "--seal=unsealed")  # fmt: skip
    closed = "--database=postgresql://nobody@127.0.0.1:1/none"
    assert "127.0.0.1" in refusal(run(folder, *words, closed))
    assert run(folder, *words).exit_code == 0


def test_a_password_on_the_command_line_is_refused_and_not_repeated(tmp_path: Path) -> None:
    words = ("init", "--partnership=b1", "--organisation=O", "--accountable-officer=A",
             "--data-protection-contact=D", "--seal=unsealed")  # fmt: skip
    said = refusal(run(tmp_path / "index", *words, "--database=postgresql://u:hunter2@h/n"))
    assert "passfile" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("brought", ["", "{}", "not json", "\xff"])
def test_what_is_no_signed_counts_is_refused_in_one_line(home: Path, brought: str) -> None:
    refused = CliRunner().invoke(
        main, ["counts", "add", "-", "--home", str(home)], input=brought.encode("latin-1")
    )
    assert "this is not what" in refusal(refused)
