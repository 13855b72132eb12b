"""The libsodium that the `rbcl` wheel carries, loaded without leaving a file anywhere.

`rbcl` itself is never imported, since that would write a library to the temporary directory and
leave it there; why and what else was tried: docs/decisions/ristretto255.md.
"""

import binascii
import ctypes
import errno
import importlib.util
import os
from functools import cache
from pathlib import Path

# linux/memfd.h; Python names it from 3.14 on. Kernels before 6.3 refuse it as unknown (EINVAL).
_MFD_NOEXEC_SEAL = 0x8


@cache
def sodium() -> ctypes.CDLL:
    """Return this process's libsodium, loaded at the first call. Raises ImportError as `load`."""
    return load(carried_library())


def carried_library() -> bytes:
    """Read the shared library out of the installed `rbcl`, where it is one literal in hexadecimal.

    Raises ImportError when `rbcl` is missing or does not hold the library in that form.
    """
    package = importlib.util.find_spec("rbcl")
    if package is None or package.origin is None:
        raise ImportError("rbcl, which carries libsodium, is not installed: pip install rbcl")
    source = Path(package.origin).with_name("_sodium.py")
    try:
        literal = source.read_bytes().partition(b"bytes.fromhex('")[2].partition(b"'")[0]
        library = binascii.unhexlify(literal)
    except (OSError, ValueError) as cause:
        raise ImportError(f"cannot read libsodium from {source}: reinstall rbcl") from cause
    if not library.startswith(b"\x7fELF"):
        raise ImportError(f"{source} holds no library for Linux: install rbcl 1.1.2 from a wheel")
    return library


def load(library: bytes) -> ctypes.CDLL:
    """Load `library` from memory and start libsodium. Calls through the result release the GIL.

    Raises ImportError when the system does not allow it, with what to change.
    """
    try:
        descriptor = _anonymous_file()
    except OSError as cause:
        raise ImportError(f"cannot load libsodium: memfd_create: {cause.strerror}") from cause
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(library)
        # The linker knows a loaded library again by the text of its path, and the number may have
        # been another's before: the dot makes this text our own.
        sodium = ctypes.CDLL(f"/proc/self/./fd/{descriptor}")
    except OSError as cause:
        raise ImportError(
            f"cannot load libsodium from memory ({cause}): /proc must be mounted, and the service "
            "unit or security module must allow memfd_create and mapping it executable"
        ) from cause
    finally:
        os.close(descriptor)  # the mapping stays, in forked children too
    if sodium.sodium_init() < 0:
        raise ImportError("libsodium does not start: sodium_init failed")
    return sodium


def _anonymous_file() -> int:
    try:
        return os.memfd_create("libsodium", os.MFD_CLOEXEC | _MFD_NOEXEC_SEAL)
    except OSError as refusal:
        if refusal.errno != errno.EINVAL:
            raise
        return os.memfd_create("libsodium", os.MFD_CLOEXEC)
