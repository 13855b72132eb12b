"""Has the record countersigned: the worker signs it, and each agency's connector is a witness."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from deploy.demo.members import FOUNDER, MEMBERS
from deploy.demo.partnership import Partnership
from deploy.demo.programs import Services
from deploy.demo.telling import Telling

_AGREED: Final = re.compile(
    r"^([0-9]+) of ([0-9]+) witnesses have agreed: the record is whole to ([0-9]+) entries\.$",
    re.MULTILINE,
)
_PATIENCE_S: Final = 30.0
_AT_ONCE: Final = 2


def countersign(partnership: Partnership, services: Services, telling: Telling) -> Iterator[str]:
    """Let every connector witness the record; yield what is not as it should be."""
    telling.step("The record of all this is numbered, signed, and countersigned by the partners")
    index = partnership.folder / "index"
    services.start("worker", "index-service", "worker", "--home", index, "--watch", "127.0.0.1:0")
    _wait_for_a_checkpoint(partnership)
    said = ""
    for _ in range(2):  # each declares its key, and then knows of the others'
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            told = pool.map(lambda member: partnership.connector(member, "witness"), MEMBERS)
            *_, said = told
    agreed = _AGREED.search(said)
    if agreed is None or int(agreed[2]) != len(MEMBERS):
        yield f"the record is not countersigned: {said}"
        return
    telling.good(
        f"The record is whole to {agreed[3]} entries: countersigned by more than half of "
        f"{', '.join(member.name for member in MEMBERS)}."
    )


def _wait_for_a_checkpoint(partnership: Partnership) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while "no checkpoint yet" in partnership.connector(FOUNDER, "witness"):
        if time.monotonic() > deadline:
            return
        time.sleep(0.5)
