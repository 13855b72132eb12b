"""Evaluations: ours against a bare libsodium loop in the same run, with proofs, and on both cores.

Rounds of each are taken in turn and the ratio is of sums over all rounds, so that what else the
machine does falls on both alike.
"""

from __future__ import annotations

import ctypes
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

from benchmarks.figures import Figures
from protocol import ristretto, voprf

BATCH = 1024
ROUNDS = 12
LANES = 2


def measure(figures: Figures) -> None:
    """Measure in this process, then on two threads and in two processes."""
    pair = voprf.derive_key_pair(secrets.token_bytes(32), b"benchmark")
    key = pair.private_key
    elements = ristretto.elements_from_uniform(secrets.token_bytes(64 * BATCH))
    if _bare(key, elements) != voprf.evaluate(key, elements):
        raise SystemExit("the bare loop and ours do not make the same")

    def proved() -> None:
        voprf.prove(key, elements, voprf.evaluate(key, elements))

    bare, ours, with_proof = _in_turn(
        lambda: _bare(key, elements), lambda: voprf.evaluate(key, elements), proved
    )
    told = f"batches of {BATCH}, {ROUNDS} rounds in turn, one thread, CPU time"
    figures.add("evaluations, bare libsodium loop", BATCH / bare, "per CPU second", told)
    figures.add("evaluations", BATCH / ours, "per CPU second", told)
    figures.add("evaluations against the bare loop", bare / ours, "of its rate", told)
    figures.add("evaluations with a proof", BATCH / with_proof, "per CPU second", told)
    figures.add("evaluations with a proof, against without", ours / with_proof, "of its rate", told)
    with ThreadPoolExecutor(LANES) as threads:
        _on(figures, threads, "threads", key, elements)
    with ProcessPoolExecutor(LANES, mp_context=get_context("spawn")) as processes:
        _on(figures, processes, "processes", key, elements)


def _on(figures: Figures, pool: Executor, kind: str, key: bytes, elements: bytes) -> None:
    """Time LANES at once against one alone, by wall clock, in turn."""
    for one in [pool.submit(voprf.evaluate, key, elements) for _ in range(LANES * 2)]:
        one.result()  # so that each has started and loaded the library
    alone = together = 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        pool.submit(voprf.evaluate, key, elements).result()
        alone += time.perf_counter() - started
        started = time.perf_counter()
        for one in [pool.submit(voprf.evaluate, key, elements) for _ in range(LANES)]:
            one.result()
        together += time.perf_counter() - started
    told = f"batches of {BATCH}, {ROUNDS} rounds in turn, wall clock"
    name = f"evaluations on {LANES} {kind}"
    figures.add(name, BATCH * LANES * ROUNDS / together, "per second", told)
    figures.add(f"{name}, against one", LANES * alone / together, "times its rate", told)


def _in_turn(*works: Callable[[], object]) -> list[float]:
    """CPU seconds that each takes once, averaged over ROUNDS turns."""
    spent = [0.0 for _ in works]
    for work in works:
        work()
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            started = time.process_time()
            work()
            spent[place] += time.process_time() - started
    return [seconds / ROUNDS for seconds in spent]


def _bare(key: bytes, elements: bytes) -> bytes:
    """What libsodium does and nothing else: no check of ours, one call an element."""
    multiply = ristretto._scalarmult
    size = ristretto.ELEMENT_BYTES
    out = ctypes.create_string_buffer(len(elements))
    scalar, source = ctypes.create_string_buffer(key, size), ctypes.create_string_buffer(elements)
    at, here, there = ctypes.addressof(scalar), ctypes.addressof(source), ctypes.addressof(out)
    for offset in range(0, len(elements), size):
        multiply(there + offset, at, here + offset)
    return out.raw
