"""A county: a real index that can be made to lie, a real evaluator, and several connectors."""

import dataclasses
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select
from werkzeug.test import Client
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response as HttpResponse

from agency_connector.database import LOCATION
from agency_connector.evaluation.tokeniser import Tokeniser
from agency_connector.installation import (
    HANDLES,
    JOURNAL,
    PADDING,
    SEALING,
    SIGNING,
    Installation,
)
from agency_connector.lookups import asking
from agency_connector.matching.normalise import normalise
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Person
from agency_connector.matching.scheme import record_keys
from agency_connector.publishing.storage import published
from agency_connector.trust import enrolment, epochs, handover, own_desks
from agency_connector.trust.comparing import fingerprint_of
from foundation.database import Database, migrate
from foundation.keyring import Keyring, seal_from_setting
from index_service.agencies import enrolment as registry
from index_service.agreements import storage as agreements
from index_service.app import create_app as create_index_app
from index_service.audit.intake import intake
from index_service.audit.sequencing import sequence
from index_service.evaluation import storage as evaluator_storage
from index_service.evaluation.app import create_app as evaluator_app
from index_service.evaluation.installation import Evaluator, EvaluatorKeys
from index_service.evaluation.settings import EvaluatorSettings, KeySettings
from index_service.installation import Installation as IndexInstallation
from protocol import canonical, documents, voprf
from protocol.encoding import b64u_encode
from protocol.entries import read_entry
from protocol.fingerprints import fingerprint40
from protocol.http_signatures import sign_response
from protocol.keys import SealingKey, SigningKey
from protocol.publications import items_root
from protocol.signature_base import Request, Response
from protocol.tokens import pad_record
from protocol.verifier_keys import read_verifier_key
from schemas.agencies import AgencyRole
from schemas.agreements import Agreement, Purpose
from schemas.checks import CheckAnswer, CheckRequest, TypedParticulars, WiderRequest
from schemas.entries import Consultation
from schemas.flags import Flag, FlagBatch, PublicationMark, PublicationStatement
from schemas.operations import (
    DIRECTORY,
    FETCH_CONTACTS,
    LOOK_UP,
    MARK,
    PUBLISH,
    RESOLVE,
    SEND_CONTACT,
)
from tests.agency_connector.wsgi import WsgiAdapter, reaching
from tests.conftest import FakeClock
from tests.index_service.partnership import DAY_MS, PARTNERSHIP, Partnership, new_index

INDEX_URL = "http://127.0.0.1:8001"
EVALUATOR_URL = "http://127.0.0.1:8002"
REASON = "Welfare visit planned for tonight"
OFFICER = "pc-archer"
NAMES = {
    "police": "Borsetshire Police",
    "council": "Borchester Council",
    "health": "Felpersham Health",
    "housing": "Ambridge Housing",
    "oversight": "Borsetshire Oversight Panel",
}
TOML = """
[agency]
id = "{agency}"
name = "{name}"
[index]
url = "{index}"
[evaluator]
url = "{evaluator}"
[keys]
seal = "unsealed"
file = "keys.json"
[checks]
justify_one_in = 0
"""
DESK = """
[[desks]]
id = "{id}"
name = "{name}"
phone = "{phone}"
{more}
"""
_PHONES = {
    "police": "01632 960100",
    "council": "01632 960200",
    "health": "01632 960300",
    "housing": "01632 960400",
    "oversight": "01632 960500",
}
_ANSWERS = {
    one.path: one.response for one in (LOOK_UP, RESOLVE, SEND_CONTACT, FETCH_CONTACTS, DIRECTORY)
}


@dataclass
class LyingIndex:
    """The real index's app; `lies` turn an honest answer at a path into another, signed anew."""

    app: Any
    key: SigningKey
    clock: FakeClock
    lies: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        http = HttpRequest(environ)
        lie = self.lies.get(http.path)
        if lie is None:
            return self.app(environ, start_response)
        wire = Request(http.method, http.path, "", tuple(http.headers), http.get_data())
        honest = Client(self.app).open(
            http.path, method=http.method, headers=list(http.headers), data=wire.body
        )
        assert honest.status_code == 200, honest.data
        told = lie(msgspec.json.decode(honest.data, type=_ANSWERS[http.path]))
        body = canonical.encode(told)
        headers = sign_response(
            Response(200, (), body), wire, self.key, created_s=self.clock() // 1000
        )
        answer = HttpResponse(body, 200, headers, content_type="application/json")
        return answer(environ, start_response)


@dataclass
class County:
    """The services and the connectors by agency; police has founded the partnership."""

    folder: Path
    clock: FakeClock
    partnership: Partnership
    evaluator: Evaluator
    lying: LyingIndex
    index: WsgiAdapter
    evaluation: WsgiAdapter
    connectors: dict[str, Installation] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)

    @property
    def police(self) -> Installation:
        """The connector that asks."""
        return self.connectors["police"]

    def join(
        self, agency: str, more: str = "", *extra_desks: str, role: AgencyRole = "member"
    ) -> Installation:
        """Make a connector with a front desk, enrol it, and found or take the hand-over."""
        home = self.folder / agency
        self.configure(agency, more, *extra_desks)
        keyring = Keyring.create(home / "keys.json", seal_from_setting("unsealed"))
        keyring.put(SIGNING, SigningKey.generate().to_bytes())
        keyring.put(SEALING, SealingKey.generate().to_bytes())
        for secret in (PADDING, HANDLES, JOURNAL):
            keyring.put(secret, secrets.token_bytes(32))
        (home / "state").mkdir()
        database = Database(self.database_url(agency))
        migrate(database, LOCATION)
        database.close()
        made = Installation.open(home, clock=self.clock)
        self.connectors[agency] = made
        index = self.partnership.index
        with index.database.write() as connection:
            registry.register(connection, index, agency, NAMES[agency], role)
            code = registry.issue_code(connection, index, agency)
        with self.evaluator.database.write() as connection:
            evaluator_storage.add_agency(connection, agency, NAMES[agency], 0)
            public = made.signing_key
            evaluator_storage.give_key(connection, agency, public.key_id, public.public, 0)
        enrolment.enrol(made, lambda _: code)
        if len(self.connectors) == 1:
            log = read_verifier_key(index.log.verifier_key)[1]
            keys = self.evaluator.keys
            answers = iter(
                [
                    fingerprint40(index.signing_key.public, log),
                    fingerprint40(keys.signing.public, keys.epochs[1].public_key),
                ]
            )
            epochs.found(made, lambda _: next(answers), self.clock() + 365 * DAY_MS)
        else:
            handover.send(self.police, agency, None, lambda _: fingerprint_of(made.keys))
            handover.receive(made, None, lambda _: fingerprint_of(self.police.keys))
        if role == "member":
            own_desks.sign_all(made)
        return made

    def number(self) -> None:
        """Let the index's worker number the entries and sign the log."""
        index, more = self.partnership.index, True
        while more:
            with index.database.write() as connection:
                more = sequence(connection, index, self.clock()).more

    def database_url(self, agency: str) -> str:
        """The connector's database, a file."""
        return f"sqlite:///{self.folder / agency / 'state' / 'connector.db'}"

    def configure(self, agency: str, more: str = "", *extra_desks: str, demo: bool = False) -> None:
        """Write connector.toml."""
        home = self.folder / agency
        home.mkdir(parents=True, exist_ok=True)
        text = TOML.format(
            agency=agency, name=NAMES[agency], index=INDEX_URL, evaluator=EVALUATOR_URL
        )  # fmt: skip
        if demo:
            text = text.replace("[index]", "demo = true\n[index]", 1)
        text += DESK.format(id="front", name="Front desk", phone=_PHONES[agency], more=more)
        (home / "connector.toml").write_text(text + "".join(extra_desks))

    def sign_again(self, agency: str, more: str = "", *extra_desks: str) -> None:
        """Sign the desks anew after a change of the settings."""
        self.configure(agency, more, *extra_desks)
        self.connectors[agency].close()
        self.connectors[agency] = Installation.open(self.folder / agency, clock=self.clock)
        own_desks.sign_all(self.connectors[agency])

    def agree(self, *parties: str, purpose: str = "safeguarding", name: str = "all") -> None:
        """Put an agreement in force between `parties`, or all connectors."""
        now = self.clock()
        with self.partnership.index.database.write() as connection:
            agreements.add_purpose(connection, Purpose(code=purpose, words="Keeping a person safe"))
            agreements.put_agreement(
                connection,
                Agreement(
                    agreement=name,
                    title=f"Agreement {name}",
                    parties=parties or tuple(self.connectors),
                    purposes=(purpose,),
                    starts_at=now - DAY_MS,
                    ends_at=now + 365 * DAY_MS,
                ),
            )

    def publish(
        self,
        agency: str,
        local_id: str,
        full_name: str,
        born: str,
        desk: str = "front",
        copies: int = 1,
        **told: str,
    ) -> None:
        """Publish a flag about a person, or several of one name, as a sync would."""
        made = self.connectors[agency]
        person = normalise(
            Particulars(full_name=full_name, born=born, **told), today=date(2026, 1, 15)
        )
        assert isinstance(person, Person), person
        keys = record_keys(person)
        anchor = made.anchors().epochs[0]
        tokeniser = Tokeniser(anchor, made.evaluator(anchor), "publish")
        tokens = tokeniser.tokens([*keys.names, *keys.identifiers])
        batch = secrets.token_bytes(16)
        handles = [secrets.token_bytes(16) for _ in range(copies)]
        padding = made.keyring.get(PADDING)
        flags = tuple(
            Flag(
                handle=b64u_encode(handle),
                tokens=b64u_encode(pad_record(tokens, padding, handle, anchor.epoch)),
                desk=desk,
                ends_at=self.clock() + 90 * DAY_MS,
            )
            for handle in handles
        )
        self.sequences[agency] = self.sequences.get(agency, 0) + 1
        statement = PublicationStatement(
            partnership=PARTNERSHIP,
            agency=agency,
            epoch=anchor.epoch,
            batch=b64u_encode(batch),
            sequence=self.sequences[agency],
            kind="collection",
            count=copies,
            root=b64u_encode(items_root(flags)),
            signed_at=self.clock(),
        )
        signed = documents.sign(statement, made.signing_key)
        made.index().call(PUBLISH, FlagBatch(statement=signed, flags=flags, withdrawals=()))
        with made.database.write() as connection:
            for number, handle in enumerate(handles):
                values = {
                    "epoch": anchor.epoch, "source": "cases", "handle": handle, "digest": None,
                    "local_id": local_id if number == 0 else f"{local_id}-{number}",
                    "batch": batch, "withdrawn": False,
                }  # fmt: skip
                connection.execute(insert(published).values(**values))
        self.mark(agency)

    def mark(self, agency: str, state: str = "complete", age: int = 0) -> None:
        """Say how fresh an agency's flags are."""
        mark = PublicationMark(epoch=1, state=state, read_at=self.clock() - age)  # type: ignore[arg-type]  # a test's word
        self.connectors[agency].index().call(MARK, mark)

    def check(
        self,
        full_name: str = "Shula Hebden",
        born: str = "8 8 1958",
        check: str | None = None,
        user: str = OFFICER,
        purpose: str = "safeguarding",
        reason: str = REASON,
        **told: Any,
    ) -> CheckAnswer:
        """Check a name at the police's connector."""
        request = CheckRequest(
            check=check or new_id(),
            particulars=TypedParticulars(full_name=full_name, born=born, **told),
            purpose=purpose,
            reason=reason,
        )
        return asking.check(self.police, user, request)

    def wider(self, follows: str, check: str | None = None, user: str = OFFICER) -> CheckAnswer:
        """Look wider at the police's connector."""
        return asking.look_wider(
            self.police, user, WiderRequest(check=check or new_id(), follows=follows)
        )

    def lookups_sent(self) -> list[bytes]:
        """The bodies of the lookups that reached the index."""
        return [body for path, body in self.index.bodies if path == LOOK_UP.path]

    def consultations(self) -> list[Consultation]:
        """The lookups that are in the index's record."""
        with self.partnership.index.database.read() as connection:
            rows = connection.execute(select(intake.c.entry).order_by(intake.c.id)).all()
        read = [read_entry(row.entry) for row in rows]
        return [entry for entry in read if isinstance(entry, Consultation)]


def new_id() -> str:
    """A fresh check id."""
    return b64u_encode(secrets.token_bytes(16))


@dataclass(frozen=True)
class Template:
    """A county that was made once: its folder, which tests copy, and the services' keys."""

    folder: Path
    index: IndexInstallation
    evaluator: Evaluator
    agencies: tuple[str, ...]
    sequences: dict[str, int]

    @contextmanager
    def copied(self, folder: Path, clock: FakeClock) -> Iterator[County]:
        """Yield a copy of the county in `folder`, at the time of `clock`."""
        copy = folder / "county"
        shutil.copytree(self.folder, copy)
        index = dataclasses.replace(
            self.index, database=Database(f"sqlite:///{copy / 'index.db'}"), clock=clock,
            head_file=copy / "log.head",
        )  # fmt: skip
        evaluator = dataclasses.replace(
            self.evaluator, database=Database(f"sqlite:///{copy / 'evaluator.db'}"), clock=clock,
            keys=dataclasses.replace(
                self.evaluator.keys, epochs=dict(self.evaluator.keys.epochs)
            ),
        )  # fmt: skip
        with _serving(copy, clock, index, evaluator) as made:
            made.sequences = dict(self.sequences)
            for agency in self.agencies:
                made.connectors[agency] = Installation.open(copy / agency, clock=clock)
            yield made


@contextmanager
def county(folder: Path, clock: FakeClock, *agencies: str) -> Iterator[County]:
    """Yield police, who found the partnership, and `agencies`, all in one agreement."""
    index = new_index(Database(f"sqlite:///{folder / 'index.db'}"), clock)
    evaluator = Evaluator(
        settings=EvaluatorSettings(partnership=PARTNERSHIP, keys=KeySettings(seal="unsealed")),
        database=Database(f"sqlite:///{folder / 'evaluator.db'}"),
        keys=EvaluatorKeys(
            signing=SigningKey.generate(),
            epochs={1: voprf.derive_key_pair(secrets.token_bytes(32), b"test")},
        ),
        clock=clock,
    )
    migrate(evaluator.database, evaluator_storage.LOCATION)
    with _serving(folder, clock, index, evaluator) as made:
        for agency in ("police", *agencies):
            made.join(agency)
        made.agree()
        yield made


@contextmanager
def _serving(
    folder: Path, clock: FakeClock, index: IndexInstallation, evaluator: Evaluator
) -> Iterator[County]:
    partnership = Partnership(index, create_index_app(index).test_client())
    lying = LyingIndex(partnership.client.application, index.signing_key, clock)
    index_adapter, evaluation = WsgiAdapter(lying), WsgiAdapter(evaluator_app(evaluator))
    made = County(folder, clock, partnership, evaluator, lying, index_adapter, evaluation)
    with reaching({INDEX_URL: index_adapter, EVALUATOR_URL: evaluation}):
        try:
            yield made
        finally:
            for connector in made.connectors.values():
                connector.close()
            index.database.close()
            evaluator.database.close()
