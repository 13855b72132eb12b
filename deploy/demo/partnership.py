"""Brings a partnership up as its people would: enrol, found, hand over by phone, publish."""

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, TypeVar

from deploy.demo.members import (
    AGREEMENTS,
    EVALUATOR_HOST,
    FOUNDER,
    MEMBERS,
    PARTNERSHIP,
    PUBLISHERS,
    PURPOSES,
    STEWARD,
    Member,
    equip,
)
from deploy.demo.programs import CommandFailed, Ended, Service, Services, done
from deploy.demo.sources import write_sources
from deploy.demo.telling import Telling

T = TypeVar("T")
R = TypeVar("R")

_DIGITS: Final = re.compile(r"[0-9]{5}(?: [0-9]{5}){7}")
_CODE: Final = re.compile(r"^[0-9A-Z]{2,4}(?:-[0-9A-Z]{2,4})+$", re.MULTILINE)
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Partnership:
    """The running partnership: where each agency's connector has its home."""

    folder: Path

    def home(self, member: Member) -> Path:
        """Return the home folder of the member's connector."""
        return self.folder / member.id

    def connector(self, member: Member, *words: str, answers: tuple[str, ...] = ()) -> str:
        """Run a command of the member's connector that must succeed; return what it printed."""
        return self.ended(member, *words, answers=answers).out

    def ended(self, member: Member, *words: str, answers: tuple[str, ...] = ()) -> Ended:
        """Run a command of the member's connector that must succeed; return how it ended."""
        return done("agency-connector", "--home", self.home(member), *words, answers=answers)


def bring_up(folder: Path, services: Services, telling: Telling, today: date) -> Partnership:
    """Start index and evaluator below `folder`, and bring up every agency until it has published.

    Raises CommandFailed, naming the command, if one does not succeed.
    """
    partnership = Partnership(folder)
    write_sources(folder / "sources", today)
    telling.step("The index and the evaluator start")
    index, evaluator, evaluator_digits = _start(folder, services)
    telling.rows(
        [
            ("index", index.address, f"run by {STEWARD}"),
            ("evaluator", evaluator.address, f"run by {EVALUATOR_HOST}"),
        ]
    )
    telling.step("Each agency makes its connector and enrols with the steward's one-time code")
    digits = _enrol(partnership, index, evaluator, today)
    telling.rows([(member.name, f"reads {member.source}") for member in MEMBERS])
    telling.step("Keys are compared by phone, 40 digits at a time, and handed over by people")
    _found(partnership, telling, evaluator_digits)
    _hand_over(partnership, telling, digits)
    telling.step("Each agency signs its desks and publishes whom its policy lets it flag")
    _publish(partnership, telling)
    return partnership


def _start(folder: Path, services: Services) -> tuple[Service, Service, str]:
    """Start both services; return them with the digits of the evaluator's keys for epoch 1."""
    index, evaluator = folder / "index", folder / "evaluator"

    def start_index() -> Service:
        done(
            "index-service", "init", "--home", index, "--seal", "unsealed",
            "--partnership", PARTNERSHIP, "--organisation", STEWARD,
            "--accountable-officer", "Morgan Rowan-Leigh, invented",
            "--data-protection-contact", "data.protection@eastmere.example",
            "--bind", "127.0.0.1:0", "--workers", "1",
        )  # fmt: skip
        return services.start("index", "index-service", "run", "--home", index)

    def start_evaluator() -> tuple[Service, str]:
        done(
            "index-service", "evaluator", "init", "--home", evaluator,
            "--partnership", PARTNERSHIP, "--seal", "unsealed", "--bind", "127.0.0.1:0",
            "--workers", "1",
        )  # fmt: skip
        opened = done("index-service", "evaluator", "epoch", "open", "1", "--home", evaluator).out
        started = services.start(
            "evaluator", "index-service", "evaluator", "run", "--home", evaluator
        )
        return started, _the(_DIGITS, opened)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(start_index), pool.submit(start_evaluator)
        started, digits = other.result()
        return one.result(), started, digits


def _enrol(
    partnership: Partnership, index: Service, evaluator: Service, today: date
) -> dict[Member, str]:
    """Make every connector and enrol it; return the digits of each agency's keys."""
    with ThreadPoolExecutor(1) as steward:
        codes = steward.submit(_register, partnership.folder / "index")

        def make(member: Member) -> str:
            partnership.connector(
                member, "init", "--agency", member.id, "--name", member.name,
                "--index", index.address, "--evaluator", evaluator.address, "--seal", "unsealed",
            )  # fmt: skip
            equip(member, partnership.home(member), partnership.folder / "sources")
            printed = partnership.connector(member, "keys")
            keys = dict(re.findall(r"^(signing|sealing) +(\S+)$", printed, re.MULTILINE))
            done(
                "index-service", "evaluator", "agency", "add", member.id,
                "--home", partnership.folder / "evaluator", "--name", member.name,
                "--signing-key", keys["signing"], "--sealing-key", keys["sealing"],
            )  # fmt: skip
            return _the(_DIGITS, printed)

        digits = dict(zip(MEMBERS, _side_by_side(make, MEMBERS), strict=True))
        issued = codes.result()

        def enrol(member: Member) -> str:
            return partnership.connector(member, "enrol", answers=(issued[member],))

        agreed = steward.submit(_agree, partnership.folder / "index", today)
        _side_by_side(enrol, MEMBERS)
        agreed.result()
    return digits


def _register(index: Path) -> dict[Member, str]:
    """As the steward: register every agency; return the one-time codes."""
    codes = {}
    for member in MEMBERS:
        printed = done(
            "index-service", "agency", "add", member.id,
            "--home", index, "--name", member.name, "--role", member.role,
        ).out  # fmt: skip
        codes[member] = _the(_CODE, printed)
    return codes


def _agree(index: Path, today: date) -> None:
    """As the steward: list the purposes and put the agreements in force."""
    for code, words in PURPOSES.items():
        done("index-service", "purpose", "add", code, words, "--home", index)
    for agreed in AGREEMENTS:
        parties = [word for party in agreed.parties for word in ("--party", party.id)]
        done(
            "index-service", "agreement", "add", agreed.id, "--home", index,
            "--title", agreed.title, *parties, "--purpose", agreed.purpose,
            "--from", f"{today - timedelta(days=30)}", "--until", f"{today + timedelta(days=335)}",
        )  # fmt: skip


def _found(partnership: Partnership, telling: Telling, evaluator_digits: str) -> None:
    printed = done("index-service", "fingerprint", "--home", partnership.folder / "index").out
    index_digits = _the(_DIGITS, printed)
    telling.line(f"{STEWARD} reads to {FOUNDER.name}:")
    telling.line(f"    {index_digits}")
    telling.line(f"{EVALUATOR_HOST} reads to {FOUNDER.name}:")
    telling.line(f"    {evaluator_digits}")
    partnership.connector(FOUNDER, "epoch", "found", answers=(index_digits, evaluator_digits))
    telling.line(f"Both are right: {FOUNDER.name} makes the partnership key and founds epoch 1.")


def _hand_over(partnership: Partnership, telling: Telling, digits: dict[Member, str]) -> None:
    newcomers = [member for member in MEMBERS if member is not FOUNDER]
    telling.line(f"{FOUNDER.name} reads to each newcomer:")
    telling.line(f"    {digits[FOUNDER]}")
    telling.line(f"and each newcomer to {FOUNDER.name}:")
    telling.rows([(f"    {digits[newcomer]}", newcomer.name) for newcomer in newcomers])

    def receive(newcomer: Member) -> None:
        partnership.connector(newcomer, "handover", "receive", answers=(digits[FOUNDER],))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        received = []
        for newcomer in newcomers:
            partnership.connector(
                FOUNDER, "handover", "send", newcomer.id, answers=(digits[newcomer],)
            )
            received.append(pool.submit(receive, newcomer))
        for one in received:
            one.result()
    telling.line("All digits agree: four hand-overs, each sealed to its recipient, are taken.")


def _publish(partnership: Partnership, telling: Telling) -> None:
    def publish(member: Member) -> Ended:
        partnership.connector(member, "desk", "sign")
        return partnership.ended(member, "sync")

    for member, ended in zip(PUBLISHERS, _side_by_side(publish, PUBLISHERS), strict=True):
        telling.heading(member.name)
        # What is to be mended in the case system goes to standard error, a line for each record.
        telling.quote("\n".join([*ended.out.splitlines()[:1], *ended.err.splitlines()]))

    def status(member: Member) -> str:
        return partnership.connector(member, "status")

    _side_by_side(status, MEMBERS)
    telling.good("Every connector's status: index, evaluator, keys, desks and partners are well.")


def _side_by_side(work: Callable[[T], R], over: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, over))


def _the(pattern: re.Pattern[str], printed: str) -> str:
    found = pattern.search(printed)
    if found is None:
        raise CommandFailed("a program printed neither the code nor the digits that were expected")
    return found.group()
