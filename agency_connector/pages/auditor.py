"""The auditor's pages: who queried whom, by person, by agency, pseudonym, purpose and time.

What is asked, verified and recorded is agency_connector.auditing's, as for the command `audit`.
Every reading is a POST that ends in a redirect to a page under a random id; nothing of a person
stands in an address or a title.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from flask import Flask, Response, g, request

from agency_connector.auditing import printing, reading
from agency_connector.auditing.reading import Report
from agency_connector.installation import Installation
from agency_connector.lookups import partnership
from agency_connector.lookups.errors import problem_of
from agency_connector.pages import auditor_tables, cells
from agency_connector.pages.access import Caller
from agency_connector.pages.auditor_form import MOST_SCANNED, AuditForm, DoesNotFit, Kind
from agency_connector.pages.forms import IDENTIFIER_KINDS, Wrong
from agency_connector.pages.kept_readings import KeptReading, KeptReadings
from agency_connector.pages.record_state import state_of
from agency_connector.pages.screens import Screens, to
from agency_connector.pages.second_person import NotTheSecond, SecondPerson
from agency_connector.pages.sessions import Session
from agency_connector.pages.waiting_scans import WAITING_MS, WaitingScans
from agency_connector.sign_in.kept_forms import KeptForm
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Guard

_TEMPLATES: Final[dict[Kind, str]] = {
    "person": "audit_person.html",
    "lookups": "audit_lookups.html",
    "everything": "audit_everything.html",
}
_TITLES: Final[dict[Kind, str]] = {
    "person": "Lookups that could have found this person",
    "lookups": "Lookups",
    "everything": "Every entry",
}
_LEFT: Final = "There is more than is shown here: read again, with fewer days."
_LATE: Final = "You were signed out before this was sent: nothing was read. Send it now"


class AuditorPages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens, second: SecondPerson) -> None:
        self._installation = installation
        self._screens = screens
        self._kept = KeptReadings(installation.clock)
        self._second = second
        self._waiting = WaitingScans(installation.clock)

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, view in (
            ("/audits/scans/<scan>", "GET", self.audit_scan),
            ("/audits/scans/<scan>", "POST", self.audit_scan_read),
            ("/audits", "GET", self.audit_person_form),
            ("/audits/person", "POST", self.audit_person),
            ("/audits/lookups", "GET", self.audit_lookups_form),
            ("/audits/lookups", "POST", self.audit_lookups),
            ("/audits/everything", "GET", self.audit_everything_form),
            ("/audits/everything", "POST", self.audit_everything),
            ("/audits/<kept>", "GET", self.audit_result),
            ("/audits/<kept>/entries/<number>", "GET", self.audit_entry),
            ("/audits/<kept>/table.csv", "GET", self.audit_csv),
            ("/audits/<kept>/proofs.json", "GET", self.audit_json),
        ):
            guard.route(app, rule, (method,), may=Caller.AUDITOR, endpoint=view.__name__)(view)
        # Whoever confirms vouches for it: not a browser that was left open.
        guard.route(
            app, "/audits/scans/<scan>/confirm", ("POST",), may=Caller.AUDITOR_NOW,
            endpoint=self.audit_scan_confirm.__name__,
        )(self.audit_scan_confirm)  # fmt: skip

    def forms_again(self) -> dict[str, Callable[[KeptForm], Response]]:
        """Return, by the path a form is sent to, what shows it again after a late sign-in."""

        def shows(kind: Kind) -> Callable[[KeptForm], Response]:
            return lambda kept: self._form(AuditForm.of(kind, kept.values), Wrong("", _LATE))

        return {f"/audits/{kind}": shows(kind) for kind in _TEMPLATES}

    def audit_person_form(self) -> Response:
        """Ask for the person and the ground."""
        return self._form(AuditForm.of("person", {}))

    def audit_lookups_form(self) -> Response:
        """Ask for agency, purpose, pseudonym and time."""
        return self._form(AuditForm.of("lookups", {}))

    def audit_everything_form(self) -> Response:
        """Ask for the ground, and for the second person."""
        return self._form(AuditForm.of("everything", {}))

    def audit_person(self) -> Response:
        """Read every lookup that could have found the person."""

        def read(form: AuditForm) -> Report:
            since, until = form.range()
            return reading.person(
                self._installation, _session().user, form.particulars(),
                form.values["ground"], since=since, until=until,
            )  # fmt: skip

        return self._read("person", read)

    def audit_lookups(self) -> Response:
        """Read the lookups of an agency, a purpose or a pseudonym."""
        return self._read(
            "lookups",
            lambda form: reading.lookups(
                self._installation, _session().user, form.filter(), first=form.first()
            ),
        )

    def audit_everything(self) -> Response:
        """Read every entry of a range, once a second person has confirmed it.

        They do so here, with a local account, or in a browser of their own: until then it waits.
        """
        if request.form.get("second") == "elsewhere":
            return self._wait_for_second(AuditForm.of("everything", request.form))

        def read(form: AuditForm) -> Report:
            first = form.first()
            # Before the code is used up: it is good once.
            _require_ground(form)
            second = self._second.confirm(_session().user, form.values["user_name"])
            return self._scanned(form, first, second)

        return self._read("everything", read)

    def audit_scan(self, scan: str) -> Response:
        """Show to the auditor who asked for a scan whether a second has confirmed it."""
        found = self._waiting.of(_session().user, scan)
        if found is None:
            raise _nothing_there()
        return self._screens.render(
            "audit_scan.html", scan=found, until=cells.moment(found.asked_at + WAITING_MS)
        )

    def audit_scan_confirm(self, scan: str) -> Response:
        """Keep that the auditor at this browser confirms another's scan."""
        session = _session()
        if not self._waiting.confirm(session.user, session.name, scan):
            raise _nothing_there()
        return to("audit_everything_form", confirmed="yes")

    def audit_scan_read(self, scan: str) -> Response:
        """Read every entry of a scan that was confirmed; it is good once."""
        found = self._waiting.take(_session().user, scan)
        if found is None:
            raise _nothing_there()
        sent = {"ground": found.ground, "first": str(found.first)}
        return self._read(
            "everything", lambda form: self._scanned(form, found.first, found.second), sent
        )

    def _wait_for_second(self, form: AuditForm) -> Response:
        try:
            _require_ground(form)
            first = form.first()
        except DoesNotFit as error:
            return self._form(form, error.wrong, status=422)
        session = _session()
        scan = self._waiting.ask(session.user, session.name, form.values["ground"], first)
        return to("audit_scan", scan=scan)

    def _scanned(self, form: AuditForm, first: int, second: str) -> Report:
        return reading.everything(
            self._installation, _session().user, second, form.values["ground"],
            first=first, end=first + MOST_SCANNED,
        )  # fmt: skip

    def audit_result(self, kept: str) -> Response:
        """Show what a reading brought."""
        told = self._find(kept)
        left = told.report.next is not None and not told.go_on
        return self._screens.render(
            "audit_result.html",
            told=told,
            asked=cells.summary(told.asked),
            table=auditor_tables.table_of(told, kept),
            closing=(
                *printing.closing(replace(told.report, next=None)),
                *([_LEFT] if left else []),
            ),
            read_at=cells.moment(told.read_at),
            kept=kept,
        )

    def audit_entry(self, kept: str, number: str) -> Response:
        """Show one entry with its proof and what was compared."""
        told = self._find(kept)
        entry = auditor_tables.entry_of(told, number)
        if entry is None:
            raise _nothing_there()
        return self._screens.render("audit_entry.html", told=told, entry=entry, kept=kept)

    def audit_csv(self, kept: str) -> Response:
        """Give the rows as a table that a spreadsheet opens."""
        told = self._find(kept)
        content = io.StringIO()
        printing.table(told.report, content)
        return _download(content.getvalue().encode(), "text/csv", "who-queried-whom.csv")

    def audit_json(self, kept: str) -> Response:
        """Give everything with entries, proofs and checkpoint, to be kept."""
        content = printing.as_json(self._find(kept).report)
        return _download(content, "application/json", "who-queried-whom.json")

    def _read(
        self,
        kind: Kind,
        read: Callable[[AuditForm], Report],
        sent: Mapping[str, str] | None = None,
    ) -> Response:
        """Read, keep what came of it for this auditor, and lead to it.

        `sent` are the form's fields, if not those of the request.
        """
        form = AuditForm.of(kind, request.form if sent is None else sent)
        try:
            report = read(form)
        except DoesNotFit as error:
            return self._form(form, error.wrong, status=422)
        except NotTheSecond as error:
            return self._form(form, Wrong("user_name", str(error)), status=403)
        except OperatorError as error:
            problem = problem_of(error)
            wrong = Wrong(form.field_of(problem.detail), problem.detail)
            return self._form(form, wrong, status=problem.status)
        names = self._names()
        last = MOST_SCANNED + form.first() if kind == "everything" else None
        told = KeptReading(
            title=_TITLES[kind],
            asked=auditor_tables.asked_of(form, names, last),
            report=report,
            whole=state_of(self._installation, report),
            names=names,
            go_on=_go_on(form, report),
            read_at=self._installation.clock(),
        )
        return to("audit_result", kept=self._kept.keep(_session().user, told))

    def _form(self, form: AuditForm, wrong: Wrong | None = None, status: int = 200) -> Response:
        agencies, purposes = self._names(), self._purposes()
        return self._screens.render(
            _TEMPLATES[form.kind],
            status=status,
            holds_input=True,
            sent=form.values,
            wrong=wrong,
            complaint=lambda name: (
                {"text": wrong.sentence} if wrong is not None and wrong.field == name else None
            ),
            agencies=_options(agencies),
            purposes=_options(purposes),
            number_kinds=_options(dict(IDENTIFIER_KINDS)),
            second_signs_in_here=self._second.can_sign_in,
            waiting=[
                {"scan": scan, "asked": cells.moment(scan.asked_at)}
                for scan in self._waiting.for_second(_session().user)
            ],
            confirmed="confirmed" in request.args,
            most_scanned=MOST_SCANNED,
        )

    def _find(self, kept: str) -> KeptReading:
        found = self._kept.find(_session().user, kept)
        if found is None:
            raise _nothing_there()
        return found

    def _names(self) -> dict[str, str]:
        """Return the agencies' names by id; nothing if the partnership was never seen."""
        try:
            view = partnership.seen(self._installation)
        except OperatorError:
            return {}
        return {agency: view.name_of(agency) for agency in sorted(view.agencies)}

    def _purposes(self) -> dict[str, str]:
        try:
            listed = partnership.seen(self._installation).purposes
        except OperatorError:
            return {}
        return {purpose.code: purpose.words for purpose in listed}


def _require_ground(form: AuditForm) -> None:
    if not form.values["ground"]:
        raise DoesNotFit("ground", "Enter the reference")


def _go_on(form: AuditForm, report: Report) -> dict[str, str]:
    """Return the fields of the form that reads what follows; none if nothing was left."""
    if form.kind != "lookups" or report.next is None:
        return {}
    return {**form.values, "first": str(report.next)}


def _options(named: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"value": "", "text": "Choose"},
        *({"value": value, "text": said} for value, said in named.items()),
    ]


def _download(content: bytes, kind: str, name: str) -> Response:
    response = Response(content, mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _session() -> Session:
    session: Session = g.principal
    return session


def _nothing_there() -> Problem:
    return Problem(
        404,
        "not-found",
        "There is no such reading here, it is another auditor's, or an hour has passed since it "
        "was made: read anew.",
    )
