"""Index and evaluator answer whatever is sent by whomever as their OpenAPI documents say."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from werkzeug.test import TestResponse

from foundation.database import Database
from index_service.evaluation import storage as evaluator_storage
from index_service.evaluation.app import create_app as evaluator_app
from protocol.keys import SigningKey
from schemas import operations
from schemas.operations import EVALUATOR_OPERATIONS, INDEX_OPERATIONS, Operation
from tests.conftest import FakeClock
from tests.index_service.evaluation.evaluators import new_evaluator
from tests.index_service.partnership import Partnership
from tests.schemas.callers import Callers, Standing, with_open_envelopes
from tests.schemas.conformance import Contract

EXAMPLES = 20
KNOWN = (Standing.MEMBER, Standing.AUDITOR, Standing.SUSPENDED)


@dataclass(frozen=True)
class Service:
    """A service with its callers and its OpenAPI document; `schema` makes requests up."""

    callers: Callers
    contract: Contract
    schema: Any
    standings: tuple[Standing, ...]

    @classmethod
    def of(cls, callers: Callers, name: str, standings: Iterable[Standing] = Standing) -> "Service":
        contract = Contract(name)
        schema = schemathesis.openapi.from_dict(with_open_envelopes(contract.document))
        return cls(callers, contract, schema, tuple(standings))

    def cases(self, operation: Operation) -> st.SearchStrategy[Case]:
        """Made-up requests: as the schema has them, and in ways that it does not."""
        modes = list(GenerationMode) if operation.request else [GenerationMode.POSITIVE]
        told = self.schema[operation.path][operation.method]
        return st.one_of([told.as_strategy(generation_mode=mode) for mode in modes])

    def check(self, operation: Operation, answers: Sequence[TestResponse]) -> None:
        """Raise unless each answer is as documented, and no 5xx."""
        for answer in answers:
            self.contract.check(operation, answer)

    def stands_up_to(self, operation: Operation) -> None:
        """Send 20 made-up requests in each standing; the same ones in every run."""

        @hypothesis.settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate],
        )
        @hypothesis.given(self.cases(operation), st.booleans())
        def answers(case: Case, fits: bool) -> None:
            for standing in self.standings:
                body = b""
                if operation.request is not None:
                    body = self.callers.body(operation, case.body, standing, fits=fits)
                hypothesis.note(f"{operation.name}, {standing}: {body[:2000]!r}")
                self.check(operation, self.callers.send(operation, body, standing))

        answers()


@contextmanager
def serving_index(database: Database, standings: Iterable[Standing]) -> Iterator[Service]:
    """An index with a founder, a member, an auditor and a suspended member."""
    clock = FakeClock()
    partnership = Partnership.on(database, clock)
    founder = partnership.member("oakshire")
    assert founder.open_epoch().status == 200
    member = partnership.member("elmham", founder)
    auditor = partnership.member("oversight", founder, role="auditor")
    suspended = partnership.member("ashford", founder)
    partnership.agree(founder, member)
    partnership.suspend(suspended)
    agencies = zip(KNOWN, (member, auditor, suspended), strict=True)
    callers = Callers(
        partnership.client.application,
        partnership.index.audience,
        partnership.index.partnership,
        clock,
        {standing: (agency.name, agency.key) for standing, agency in agencies},
    )
    yield Service.of(callers, "index.openapi.json", standings)
    database.close()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The index on SQLite, called in every standing."""
    folder = tmp_path_factory.mktemp("index")
    with serving_index(Database(f"sqlite:///{folder / 'index.db'}"), Standing) as service:
        yield service


@pytest.fixture(scope="module")
def index_on_postgresql(postgres: Any) -> Iterator[Service]:
    """The index on PostgreSQL, called by a member: only that reaches the database's own types."""
    name = postgres.create()
    with serving_index(Database(postgres.url(name)), [Standing.MEMBER]) as service:
        yield service
    postgres.drop(name)


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The evaluator on SQLite, called in every standing that it knows of: it has no roles."""
    clock = FakeClock()
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('evaluator') / 'evaluator.db'}")
    made = new_evaluator(database, clock)
    known = {standing: (f"agency-{n}", SigningKey.generate()) for n, standing in enumerate(KNOWN)}
    with database.write() as connection:
        for name, key in known.values():
            evaluator_storage.add_agency(connection, name, name.title(), clock())
            evaluator_storage.give_key(connection, name, key.key_id, key.public, clock())
        evaluator_storage.set_status(connection, known[Standing.SUSPENDED][0], "suspended")
    callers = Callers(evaluator_app(made), made.audience, made.partnership, clock, known)
    yield Service.of(callers, "evaluator.openapi.json")
    database.close()


def by_name(operation: Operation) -> str:
    return operation.name


@pytest.mark.parametrize("operation", INDEX_OPERATIONS, ids=by_name)
def test_the_index_answers_as_documented(index: Service, operation: Operation) -> None:
    """Whatever comes from whomever: no 5xx, and a status, type and body that are documented."""
    index.stands_up_to(operation)


@pytest.mark.parametrize("operation", INDEX_OPERATIONS, ids=by_name)
def test_the_index_on_postgresql_answers_as_documented(
    index_on_postgresql: Service, operation: Operation
) -> None:
    """PostgreSQL takes no zero byte in a text and no number beyond 64 bits; nor may the API."""
    index_on_postgresql.stands_up_to(operation)


@pytest.mark.parametrize("operation", EVALUATOR_OPERATIONS, ids=by_name)
def test_the_evaluator_answers_as_documented(evaluator: Service, operation: Operation) -> None:
    evaluator.stands_up_to(operation)


ODD_BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"\xff": 1}',
    "half a surrogate pair": b'{"\\ud800": 1}',
    "nested too deep": b'{"statement": ' + b"[" * 100_000,
    "no object": b"[]",
    "NaN": b'{"epoch": NaN}',
    "a huge number": b'{"epoch": 1' + b"0" * 5000 + b"}",
    "beyond the largest body": b'"' + b"x" * 2**21 + b'"',
}
REFUSED = {400, 413, 415, 422}


@pytest.mark.parametrize("standing", [Standing.MEMBER, Standing.UNSIGNED])
@pytest.mark.parametrize("odd", ODD_BODIES)
def test_a_body_that_is_no_message_is_refused_as_documented(
    index: Service, evaluator: Service, odd: str, standing: Standing
) -> None:
    for service, operation in ((index, operations.LOOK_UP), (evaluator, operations.EVALUATE)):
        answers = service.callers.send(operation, ODD_BODIES[odd], standing)
        service.check(operation, answers)
        if standing is Standing.MEMBER:
            assert answers[0].status_code in REFUSED, answers[0].data


@pytest.mark.parametrize(
    "operation", [o for o in INDEX_OPERATIONS if o.request is None], ids=by_name
)
def test_a_body_where_none_belongs_is_refused(index: Service, operation: Operation) -> None:
    answers = index.callers.send(operation, b"{}", Standing.MEMBER)
    assert answers[0].status_code == 400
    index.check(operation, answers)
