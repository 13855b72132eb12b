"""What a failing network does to each request, from a seed."""

import random
import threading
from typing import Final, get_args

from tests.faults.proxy import Fault, Kind, Plan

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_LONGEST: Final = 6_000


def failing(chance: random.Random, share: float) -> Plan:
    """Return a plan by which a `share` of requests meets a fault, each kind as often.

    Where it happens is anywhere in the first 6,000 bytes; a quarter is at the very beginning or in
    the head.
    """
    lock = threading.Lock()

    def plan() -> Fault | None:
        with lock:
            if chance.random() >= share:
                return None
            most = 300 if chance.random() < 0.25 else _LONGEST
            return Fault(chance.choice(KINDS), after=chance.randrange(most))

    return plan
