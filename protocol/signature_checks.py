"""Checking what is signed in entries in processes beside the one that reads the log.

Signatures take more than half of the time that verifying takes, and none depends on another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final

from protocol.testimony import BadTestimony, Signed, check_signed
from schemas.envelopes import Envelope, Signature

PORTION: Final = 500
"""How many are handed over at once; as many wait, at most, as eight times this for each process."""

_WAITING: Final = 8
_Part = tuple[int, str, str, str, str, bytes, str]
"""The number of the entry, and what a `Signed` is made of."""
_Bad = tuple[int, str]


class SignatureChecks:
    """What was handed over and is not known to be good yet; use `running` to make one."""

    def __init__(self, pool: ProcessPoolExecutor, processes: int) -> None:
        self._pool = pool
        self._most = _WAITING * processes
        self._portion: list[_Part] = []
        self._under_way: deque[Future[_Bad | None]] = deque()

    def put(self, number: int, signed: Signed) -> _Bad | None:
        """Hand over what is signed in entry `number`; numbers never go down.

        Returns the first bad one, its number and what is wrong with it, if that is known by now.
        """
        told, [signature] = signed.envelope, signed.envelope.signatures
        self._portion.append(
            (number, told.payload_type, told.payload, signature.keyid, signature.sig,
             signed.public, signed.agency)
        )  # fmt: skip
        if len(self._portion) < PORTION:
            return None
        self._send()
        return self._next() if len(self._under_way) > self._most else None

    def finish(self) -> _Bad | None:
        """Wait until everything is checked; return the first bad one."""
        self._send()
        while self._under_way:
            if (bad := self._next()) is not None:
                return bad
        return None

    def _send(self) -> None:
        if self._portion:
            self._under_way.append(self._pool.submit(_first_bad, self._portion))
            self._portion = []

    def _next(self) -> _Bad | None:
        return self._under_way.popleft().result()


@contextmanager
def running(processes: int) -> Iterator[SignatureChecks]:
    """Yield checks by so many processes, which end with this."""
    # Not forked: a copy of a process that holds a connection to a database would hold it too.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        yield SignatureChecks(pool, processes)
    finally:
        pool.shutdown(cancel_futures=True)


def _first_bad(portion: list[_Part]) -> _Bad | None:
    for number, kind, payload, keyid, sig, public, agency in portion:
        envelope = Envelope(
            payload_type=kind, payload=payload, signatures=(Signature(keyid=keyid, sig=sig),)
        )
        try:
            check_signed(Signed(envelope, public, agency))
        except BadTestimony as error:
            return number, str(error)
    return None
