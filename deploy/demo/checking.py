"""Has the names checked with the real commands, prints the answers, and collects differences."""

import csv
import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Final

from deploy.demo.checks import (
    Expected,
    NameCheck,
    differences_from,
    read_answer,
    shown_in_full,
    told_alike,
    without_times,
)
from deploy.demo.involvements import DEAN
from deploy.demo.members import HEALTH, HOUSING, POLICE, PROBATION, PURPOSES, SAFEGUARDING, Member
from deploy.demo.partnership import Partnership
from deploy.demo.programs import command
from deploy.demo.sources import POLICE_FILE
from deploy.demo.telling import Telling
from protocol.encoding import b64u_encode

_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class _Asked:
    """The words of an answer, and those of the wider one if that was wanted."""

    narrow: str
    wide: str | None


class Checking:
    """Checks names in a partnership; `differences` are those from what the answers should be."""

    def __init__(self, partnership: Partnership, telling: Telling) -> None:
        """Check in `partnership`, and tell of it with `telling`."""
        self._partnership: Final = partnership
        self._telling: Final = telling
        self.differences: Final[list[str]] = []

    def all(self, today: date) -> None:
        """Check every name, refuse what is to be refused, and resolve a reference."""
        checks, alike = shown_in_full(), told_alike(today)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            pending = [pool.submit(self._ask, check) for check in (*checks, *alike)]
            self._telling.step("Names are checked, and answered as an officer reads it")
            answers = []
            for check, one in zip(checks, pending, strict=False):
                answers.append(one.result())
                self._show(check, answers[-1])
            self._telling.step("What is not shown")
            self._telling.line(f"Each of these answers has to be that about {checks[-1].name},")
            self._telling.line("word for word but for the time:")
            for check, one in zip(alike, pending[len(checks) :], strict=True):
                self._compare_alike(check, one.result().narrow, answers[-1].narrow)
        self._telling.step("What is refused")
        self._refused()
        self._telling.step("The team that is phoned types the reference")
        self._resolve(answers[0].narrow)

    def _ask(self, check: NameCheck) -> _Asked:
        """Check a name, and look wider if that is wanted."""
        check_id = b64u_encode(secrets.token_bytes(16))
        asked = json.dumps(
            {
                "check": check_id,
                "particulars": {"full_name": check.name, "born": check.born},
                "purpose": check.purpose,
                "reason": check.reason,
            }
        )
        narrow = self._partnership.connector(check.asker, "lookup", "--json", "-", answers=(asked,))
        if check.wider is None:
            return _Asked(narrow, None)
        return _Asked(
            narrow, self._partnership.connector(check.asker, "lookup", "--wider", check_id)
        )

    def _show(self, check: NameCheck, asked: _Asked) -> None:
        telling = self._telling
        telling.line("")
        telling.heading(f"{check.asker.name} checks {check.name}, born {check.born}")
        telling.line(f"Purpose: {PURPOSES[check.purpose]}. Reason: {check.reason}.")
        if asked.wide is None or check.wider is None:
            telling.quote(asked.narrow)
            self._note(check, check.expected, asked.narrow, check.because)
            return
        telling.quote(asked.narrow.splitlines()[0])
        self._note(check, check.expected, asked.narrow, "So they look wider:")
        telling.quote(asked.wide)
        self._note(check, check.wider, asked.wide, check.because)

    def _note(self, check: NameCheck, expected: Expected, answer: str, because: str) -> None:
        found = differences_from(expected, read_answer(answer))
        for difference in found:
            self._differs(f"{check.asker.name} on {check.name}: {difference}")
        if not found:
            self._telling.good(because)

    def _compare_alike(self, check: NameCheck, answer: str, other: str) -> None:
        about = f"{check.name}: {check.because}"
        self._note(check, check.expected, answer, about)
        if without_times(answer) != without_times(other):
            self._differs(f"{check.name}: the answer reads otherwise than that about a stranger")

    def _refused(self) -> None:
        asked = {
            "particulars": {"full_name": f"{DEAN.given} {DEAN.family}", "born": "14/3/1983"},
            "purpose": SAFEGUARDING,
            "reason": "Appointment missed",
        }
        self._must_fail(
            PROBATION,
            ("lookup", "--json", "-"),
            json.dumps(asked),
            f"checks {DEAN.given} {DEAN.family}, to keep somebody safe",
            "no information sharing agreement",
        )
        few = {"particulars": {"full_name": "Dean"}, "purpose": SAFEGUARDING, "reason": "Asked for"}
        self._must_fail(
            HOUSING,
            ("lookup", "--json", "-"),
            json.dumps(few),
            "checks a first name alone",
            "not enough to find a person",
        )

    def _resolve(self, answer: str) -> None:
        # The police stand last in the answer: what follows their name holds their reference alone.
        found = re.search(
            rf"Involved: {POLICE.name}$.*?quote: (\S+)", answer, re.DOTALL | re.MULTILINE
        )
        if found is None:
            self._differs("there is no reference that the police could resolve")
            return
        reference = found[1]
        self._telling.line(f"{HOUSING.name} phones {POLICE.name} and quotes {reference}.")
        printed = self._partnership.connector(POLICE, "resolve", reference)
        self._telling.quote(printed)
        wanted = (self._police_record(), HOUSING.name, "01632 960201")
        missing = [words for words in wanted if words not in printed]
        for words in missing:
            self._differs(f"the police should read {words!r} for the reference, and do not")
        if not missing:
            self._telling.good("Their own record, who asked, and where to ring back.")
        self._must_fail(
            HEALTH, ("resolve", reference), "", f"types {reference}", "not one of this agency"
        )

    def _must_fail(
        self, asker: Member, words: tuple[str, ...], typed: str, doing: str, because: str
    ) -> None:
        ended = command(
            "agency-connector", "--home", self._partnership.home(asker), *words, answers=(typed,)
        )
        self._telling.heading(f"{asker.name} {doing}")
        self._telling.quote(ended.err)
        if ended.code != 1 or not ended.err.startswith("error: ") or because not in ended.err:
            self._differs(f"{asker.name} {doing}: it should be refused, with a line that says why")
        else:
            self._telling.good("Refused.")

    def _police_record(self) -> str:
        """Return the case system's own reference of the record about Dean."""
        path = self._partnership.home(POLICE) / "export" / POLICE_FILE
        with path.open(encoding="utf-8", newline="") as file:
            return next(
                row["OCC_REF"]
                for row in csv.DictReader(file)
                if row["SURNAME"] == DEAN.family.upper()
            )

    def _differs(self, difference: str) -> None:
        self._telling.bad(difference)
        self.differences.append(difference)
