"""The program that ships: `agency-connector run` as a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import requests

from agency_connector.pages import local_users
from tests.agency_connector.lookups.county import County


def test_run_serves_the_pages_on_this_machine_until_it_is_stopped(town: County) -> None:
    """It says where, signs a user in, keeps the last seen purposes, and logs nothing of them."""
    token = local_users.new_token(town.police, "pc-archer")
    program = Path(sys.executable).parent / "agency-connector"
    home = town.folder / "police"
    with subprocess.Popen(
        [program, "--home", home, "run", "--bind", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        try:
            line = running.stdout.readline()
            assert line.startswith("Check a name at http://127.0.0.1:")
            address = line.removeprefix("Check a name at ").partition(". ")[0]
            with requests.Session() as browser:
                browser.trust_env = False
                signed_in = browser.post(f"{address}/sign-in", data={"token": token}, timeout=20)
                assert "pc-archer" in signed_in.text
                assert "Keeping a person safe" in signed_in.text
                rebound = browser.get(address, headers={"Host": "evil.example"}, timeout=20)
                assert rebound.status_code == 421
        finally:
            running.send_signal(signal.SIGTERM)
            _, printed = running.communicate(timeout=30)
    assert running.returncode == 0
    assert token not in printed
    assert "pc-archer" not in printed
