"""The supervisor's pages: the day's sample, red flags, justifications, opened checks, a month.

The first page tells of nobody who was checked. A check is opened by an act that is recorded before
anything of it is shown; what is shown then stands under a random id, for that supervisor alone and
for an hour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from flask import Flask, Response, request

from agency_connector.contacts import requests
from agency_connector.contacts.contact import Contact
from agency_connector.installation import Installation
from agency_connector.journal.journal import Check
from agency_connector.lookups import partnership
from agency_connector.pages import cells
from agency_connector.pages.access import Caller
from agency_connector.pages.contact_words import OF_THE_ASKER, OF_THE_DESK, Times, state_of
from agency_connector.pages.forms import IDENTIFIER_KINDS
from agency_connector.pages.ids import is_id, known_id, nothing_there, signed_in
from agency_connector.pages.screens import Screens, to
from agency_connector.sign_in import trail
from agency_connector.supervising import contacting, counting, reviewing
from agency_connector.supervising.red_flags import red_flags
from agency_connector.supervising.reviewing import (
    Because,
    Brief,
    CannotReview,
    Judged,
    Supervision,
    Verdict,
)
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Guard

VERDICTS: Final[Mapping[Verdict, tuple[str, str]]] = {
    "in-order": ("In order", "green"),
    "ask": ("Ask the officer", "yellow"),
    "not-in-order": ("Not in order", "red"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "spoke-useful": "Spoke to them, useful",
    "spoke-not-useful": "Spoke to them, not useful",
    "not-reached": "Could not reach them",
    "different-person": "Different person",
}
STATES: Final[Mapping[str, str]] = {
    "given": "Given", "pending": "Not given yet", "abandoned": "Check not made",
    "deferred": "Answered at once instead",
}  # fmt: skip
_BECAUSE: Final[Mapping[Because, str]] = {
    "sample": "the sample of the day",
    "red-flag": "a red flag",
    "justification": "its justification",
}
_MONTHS_BACK: Final = 12


@dataclass(frozen=True, slots=True)
class Item:
    """One check to look at: nothing in it tells whom it was about."""

    check: str
    officer: str
    when: str
    detail: str
    verdict: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request to phone that somebody has to look at: whose it is, how it stands, since when."""

    who: str
    said: str
    when: str


class SupervisorPages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens) -> None:
        self._installation = installation
        self._screens = screens

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, may, view in (
            ("/supervision", "GET", Caller.SUPERVISOR, self.supervision),
            (
                "/supervision/checks/<check>/open", "POST", Caller.SUPERVISOR_NOW,
                self.supervision_open,
            ),
            ("/supervision/openings/<opening>", "GET", Caller.SUPERVISOR, self.supervision_check),
            (
                "/supervision/openings/<opening>/verdict", "POST", Caller.SUPERVISOR_NOW,
                self.supervision_verdict,
            ),
            ("/supervision/months", "GET", Caller.SUPERVISOR, self.supervision_months),
            ("/supervision/months/<month>", "GET", Caller.SUPERVISOR, self.supervision_month),
        ):  # fmt: skip
            guard.route(app, rule, (method,), may=may, endpoint=view.__name__)(view)

    def supervision(self) -> Response:
        """Show what there is to look at, without opening anything."""
        settings, now = self._installation.settings.supervision, self._installation.clock()
        work = Supervision(self._installation)
        known = trail.everybody(self._installation)
        days = reviewing.days_back(now, settings.days_back)
        since = reviewing.ms_of(days[-1])
        checks = work.checks(since, now + 1)
        made = _Items({one.user: one.name for one in known}, work.verdicts(since), self._purposes())
        by_id = {brief.id: brief for brief in checks}
        return self._screens.render(
            "supervision.html",
            samples=[
                (f"{day:%A %-d %B}", [made.of(brief) for brief in drawn])
                for day in days
                if (drawn := work.sample(day, _of_day(checks, day)))
            ],
            flags=[
                (made.name(flag.user), flag.sentence, [made.of(by_id[one]) for one in flag.checks])
                for flag in red_flags(checks, known, settings, now)
            ],
            justifications=[
                (
                    made.name(told.user),
                    cells.moment(told.asked_at),
                    STATES[told.state],
                    told.state == "pending" and told.due_at is not None and told.due_at < now,
                    told.check,
                    made.verdict(told.check),
                )
                for told in work.justifications(since, now + 1)
            ],
            overdue=self._requests(requests.overdue(self._installation), made),
            crimes=self._requests(requests.crime_open(self._installation), made),
            count=len(checks),
            most=reviewing.MOST,
            days=settings.days_back,
        )

    def supervision_open(self, check: str) -> Response:
        """Record that the check is opened, and lead to it."""
        sent = request.form.get("because", "")
        because: Because = next((one for one in _BECAUSE if one == sent), "sample")
        try:
            opening = Supervision(self._installation).open(
                signed_in().user, known_id(check), because
            )
        except CannotReview as error:
            raise _refused(error) from error
        return to("supervision_check", opening=opening)

    def supervision_check(self, opening: str) -> Response:
        """Show a check that was opened within the hour."""
        return self._opened(opening)

    def supervision_verdict(self, opening: str) -> Response:
        """Keep a verdict and lead back to the list."""
        sent = request.form.get("verdict", "")
        verdict = next((one for one in VERDICTS if one == sent), None)
        said = " ".join(request.form.get("words", "").split())
        if verdict is None:
            return self._opened(opening, said, "verdict", "Choose what you say of this check")
        try:
            Supervision(self._installation).judge(
                signed_in().user, known_id(opening), verdict, said
            )
        except CannotReview as error:
            return self._opened(opening, said, "words", _sentence(error), verdict)
        return to("supervision")

    def supervision_months(self) -> Response:
        """Show the figures of this month."""
        return self._month(counting.this_month(self._installation.clock()))

    def supervision_month(self, month: str) -> Response:
        """Show the figures of a month such as 2026-11."""
        wanted = next((one for one in self._months() if f"{one:%Y-%m}" == month), None)
        if wanted is None:
            raise nothing_there()
        return self._month(wanted)

    def _month(self, first: date) -> Response:
        return self._screens.render(
            "supervision_month.html",
            month=counting.month_of(self._installation, first),
            contact=contacting.contacting_of(self._installation, first, counting.next_month(first)),
            asked_words={word: said for word, (said, _) in OF_THE_ASKER.items()},
            had_words={word: said for word, (said, _) in OF_THE_DESK.items()},
            months=[(f"{one:%Y-%m}", f"{one:%B %Y}") for one in self._months()],
            shown=f"{first:%Y-%m}",
            title=f"{first:%B %Y}",
            outcomes=OUTCOMES,
            states=STATES,
            verdicts={word: said for word, (said, _) in VERDICTS.items()},
        )

    def _months(self) -> tuple[date, ...]:
        """Return this month and those before it, the newest first."""
        found = [counting.this_month(self._installation.clock())]
        while len(found) <= _MONTHS_BACK:
            last = found[-1]
            found.append(
                last.replace(month=last.month - 1) if last.month > 1 else date(last.year - 1, 12, 1)
            )
        return tuple(found)

    def _opened(
        self, opening: str, said: str = "", field: str = "", wrong: str = "", verdict: str = ""
    ) -> Response:
        work = Supervision(self._installation)
        found = work.opened(signed_in().user, opening) if is_id(opening) else None
        if found is None:
            raise nothing_there()
        told, check = found
        at = check.asked.asked_at
        return self._screens.render(
            "supervision_check.html",
            status=422 if wrong else 200,
            holds_input=bool(wrong),
            opening=opening,
            officer=trail.name_of(self._installation, check.asked.user),
            opened=f"{cells.moment(told.at)}, for {_BECAUSE[told.because]}",
            facts=cells.summary(_facts(check, self._purposes())),
            justified=work.words_for(told.check, at),
            before=[
                (trail.name_of(self._installation, one.user), cells.moment(one.at),
                 *VERDICTS[one.verdict], one.words)
                for one in work.verdicts(at).get(told.check, ())
            ],
            verdicts=[{"value": word, "text": name} for word, (name, _) in VERDICTS.items()],
            verdict=verdict,
            said=said,
            wrong=wrong,
            field=field,
        )  # fmt: skip

    def _requests(self, found: Iterable[Contact], made: "_Items") -> list[Waiting]:
        """Return requests to phone as lines that tell of nobody whom they are about."""
        times = Times.of(self._installation)
        desks = {desk.id: desk.name for desk in self._installation.settings.desks}
        return [
            Waiting(
                who=made.name(told.user or "") if told.sent else desks.get(told.desk, told.partner),
                said=(
                    f"{'Asked ' if told.sent else ''}{told.partner}{'' if told.sent else ' asked'} "
                    f"{times.said(told.asked_at)}: {_state(told)}."
                ),
                when=times.said(told.closed_at or told.due_at or told.asked_at),
            )
            for told in found
        ]

    def _purposes(self) -> dict[str, str]:
        try:
            listed = partnership.seen(self._installation).purposes
        except OperatorError:
            return {}
        return {purpose.code: purpose.words for purpose in listed}


@dataclass(frozen=True, slots=True)
class _Items:
    """Makes items, with officers by name and purposes in words."""

    names: Mapping[str, str]
    verdicts: Mapping[str, tuple[Judged, ...]]
    purposes: Mapping[str, str]

    def name(self, user: str) -> str:
        return self.names.get(user, user)

    def verdict(self, check: str) -> tuple[str, str] | None:
        said = self.verdicts.get(check, ())
        return VERDICTS[said[-1].verdict] if said else None

    def of(self, brief: Brief) -> Item:
        asked = brief.asked
        return Item(
            check=brief.id,
            officer=self.name(asked.user),
            when=cells.moment(asked.asked_at),
            detail=self.purposes.get(asked.purpose, asked.purpose),
            verdict=self.verdict(brief.id),
        )


def _facts(check: Check, purposes: Mapping[str, str]) -> list[tuple[str, str]]:
    asked, typed = check.asked, check.asked.typed.particulars
    parts = (typed.full_name or " ".join(filter(None, (typed.given, typed.middle, typed.family))),)
    shown = "No answer"
    if check.kept is not None:
        shown = ", ".join(hit.partner for hit in check.kept.findings.found) or "Nobody recorded"
    outcome = OUTCOMES.get(check.came_of_it[-1].outcome, "") if check.came_of_it else "Nothing said"
    return [
        ("Recorded as", asked.user),
        ("When", cells.moment(asked.asked_at)),
        ("Name", *parts),
        ("Date of birth", typed.born),
        ("Postcode", typed.postcode),
        *((IDENTIFIER_KINDS[number.kind], number.value) for number in typed.identifiers),
        ("Purpose", purposes.get(asked.purpose, asked.purpose)),
        ("Reason", asked.typed.reason),
        ("Case reference", asked.beside.case_reference or "None"),
        ("On behalf of", asked.beside.on_behalf_of),
        ("At once", "Immediate risk of serious harm" if asked.beside.at_once else ""),
        ("Searched for", "Wider" if asked.breadth == "wide" else ""),
        ("Involved", shown),
        ("What came of it", outcome),
    ]


def _state(told: Contact) -> str:
    """Return how a request stands, within a sentence."""
    return "no answer yet" if told.state == "asked" else state_of(told)[0].lower()


def _of_day(checks: tuple[Brief, ...], day: date) -> list[Brief]:
    begin = reviewing.ms_of(day)
    end = begin + 86_400_000
    return [brief for brief in checks if begin <= brief.asked.asked_at < end]


def _refused(error: CannotReview) -> Problem:
    return Problem(404, "not-found", f"{_sentence(error)}.")


def _sentence(error: CannotReview) -> str:
    said = str(error)
    return said[:1].upper() + said[1:]
