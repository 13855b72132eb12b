"""protocol.libsodium: the library comes out of the wheel, and nothing stays behind."""

import errno
import importlib.machinery
import os
import subprocess
import sys
from pathlib import Path

import pytest

from protocol import libsodium

USE = """
import sys
from protocol import ristretto
assert len(ristretto.random_scalars(2)) == 64
assert "rbcl" not in sys.modules, "importing rbcl writes a library that stays"
"""


def rbcl_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that `rbcl` is installed in `folder`; give the file that holds its library."""
    spec = importlib.machinery.ModuleSpec("rbcl", None, origin=str(folder / "__init__.py"))
    monkeypatch.setattr(libsodium.importlib.util, "find_spec", lambda _: spec)
    return folder / "_sodium.py"


def test_import_leaves_no_file_in_the_temporary_directory(tmp_path: Path) -> None:
    environment = os.environ | dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(tmp_path))
    subprocess.run([sys.executable, "-c", USE], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


def test_loading_leaves_no_descriptor_open() -> None:
    before = set(os.listdir("/proc/self/fd"))
    library = libsodium.load(libsodium.carried_library())
    assert library.sodium_init() == 1, "started already, by load"
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_forked_child_can_go_on_using_it() -> None:
    """The server loads the application, then forks its workers."""
    script = (
        "import os, sys\nfrom protocol import ristretto\n"
        "child = os.fork()\n"
        "if not child: os._exit(len(ristretto.random_scalars(1)) - 32)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_missing_rbcl_is_said_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libsodium.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match="pip install rbcl"):
        libsodium.carried_library()


@pytest.mark.parametrize("text", [None, "bytes.fromhex('7f4')", "bytes.fromhex('xy')"])
def test_an_rbcl_that_cannot_be_read_is_said_with_the_mend(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = rbcl_at(tmp_path, monkeypatch)
    if text is not None:
        file.write_text(text)
    with pytest.raises(ImportError, match="reinstall rbcl"):
        libsodium.carried_library()


@pytest.mark.parametrize("text", ["", "bytes.fromhex('cffaedfe')"])
def test_an_rbcl_for_another_system_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rbcl_at(tmp_path, monkeypatch).write_text(text)
    with pytest.raises(ImportError, match="no library for Linux"):
        libsodium.carried_library()


def test_a_damaged_library_is_refused_and_its_descriptor_closed() -> None:
    script = (
        "import os\nfrom protocol import libsodium\n"
        "before = os.listdir('/proc/self/fd')\n"
        "try: libsodium.load(b'\\x7fELF' + bytes(100))\n"
        "except ImportError as refusal: assert 'from memory' in str(refusal)\n"
        "else: raise SystemExit('it was loaded')\n"
        "assert os.listdir('/proc/self/fd') == before\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_another_library_loaded_from_memory_is_not_taken_for_it() -> None:
    """The linker knows a library again by its path, and descriptors' numbers come back."""
    script = (
        "import _ctypes, ctypes, os, pathlib\n"
        "decoy = os.memfd_create('decoy')\n"
        "os.write(decoy, pathlib.Path(_ctypes.__file__).read_bytes())\n"
        "ctypes.CDLL(f'/proc/self/fd/{decoy}')\n"
        "os.close(decoy)\n"
        "from protocol import ristretto\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_kernel_that_does_not_know_the_flag_is_asked_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Linux before 6.3, as in Debian 12."""
    honest = os.memfd_create

    def older(name: str, flags: int) -> int:
        if flags & ~os.MFD_CLOEXEC:
            raise OSError(errno.EINVAL, "Invalid argument")
        return honest(name, flags)

    monkeypatch.setattr(os, "memfd_create", older)
    assert libsodium.load(libsodium.carried_library()).sodium_init() == 1


def test_a_system_that_forbids_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def forbidden(name: str, flags: int) -> int:
        asked.append(flags)
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "memfd_create", forbidden)
    with pytest.raises(ImportError, match="memfd_create: Operation not permitted"):
        libsodium.load(b"")
    assert len(asked) == 1, "only an unknown flag is a reason to ask again"


def test_a_libsodium_that_does_not_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unwilling:
        def __init__(self, path: str) -> None:
            self.path = path

        def sodium_init(self) -> int:
            return -1

    monkeypatch.setattr(libsodium.ctypes, "CDLL", Unwilling)
    with pytest.raises(ImportError, match="sodium_init"):
        libsodium.load(b"")
