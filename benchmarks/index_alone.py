"""An index by itself, served as it ships, with agencies whose requests are signed beforehand."""

from __future__ import annotations

import io
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from click.testing import CliRunner

from benchmarks.load_generator import Load, Took
from benchmarks.memory import Use, uses
from deploy.demo.programs import Service, Services
from foundation.clock import now_ms
from index_service.app import create_app
from index_service.cli import main as index_main
from index_service.installation import Installation
from protocol.encoding import b64u_encode
from schemas import operations
from schemas.flags import Flag
from schemas.operations import Operation
from tests.index_service.partnership import PARTNERSHIP, Agency, Partnership
from tests.index_service.publishing import batch, flag, lookup, mark
from tests.protocol.signed_calls import signed

AGENCIES = tuple(f"agency-{number}" for number in range(1, 9))
OFFICERS = 50
"""Officers per agency who look up: each has a row of counts that a lookup locks."""
TOKENS_HIT = 3
"""Tokens that a lookup shares with the flag it finds."""
_LIMITS = "agency_per_hour", "agency_per_day", "officer_per_hour", "officer_per_day"


@dataclass(slots=True)
class IndexAlone:
    """The running index; `published` are some tokens of every flag, for lookups to find."""

    folder: Path
    index: Installation
    agencies: list[Agency]
    service: Service
    published: list[list[bytes]] = field(default_factory=list)
    sequence: int = 0

    def used(self) -> dict[int, Use]:
        """What its processes have used so far."""
        return uses(self.service.process.pid)

    def batches(self, flags: int, size: int = 1000) -> tuple[tuple[bytes, ...], ...]:
        """Per agency the requests that publish its share of `flags` new flags."""
        share = flags // len(self.agencies)
        lanes: list[tuple[bytes, ...]] = [() for _ in self.agencies]
        for start in range(0, share, size):
            self.sequence += 1
            for place, agency in enumerate(self.agencies):
                items = [self._flag(agency) for _ in range(min(size, share - start))]
                told = batch(agency, *items, sequence=self.sequence)
                lanes[place] += (self._request(agency, operations.PUBLISH, told),)
        return tuple(lanes)

    def lookups(self, count: int, clients: int, tokens: int = 128) -> tuple[tuple[bytes, ...], ...]:
        """`count` lookups of `tokens` tokens, every second of which finds a flag, by client."""
        lanes: list[tuple[bytes, ...]] = []
        for client in range(clients):
            lane = []
            for number in range(count // clients):
                agency = self.agencies[(client + number) % len(self.agencies)]
                found = secrets.choice(self.published) if number % 2 else ()
                officer = secrets.randbelow(OFFICERS).to_bytes(16, "big")
                told = lookup(agency, *found, size=tokens, officer=b64u_encode(officer))
                lane.append(self._request(agency, operations.LOOK_UP, told))
            lanes.append(tuple(lane))
        return tuple(lanes)

    def send(self, lanes: Sequence[Sequence[bytes]]) -> Took:
        """Have the load generator send the requests; raises SystemExit if one is refused."""
        path = self.folder / "load"
        path.write_bytes(msgspec.msgpack.encode(Load(tuple(map(tuple, lanes)))))
        port = self.service.address.rpartition(":")[2]
        words = [sys.executable, "-m", "benchmarks.load_generator", port, str(path)]
        said = subprocess.run(words, check=True, stdout=subprocess.PIPE)
        took = msgspec.json.decode(said.stdout, type=Took)
        if took.refused:
            raise SystemExit(f"{len(took.refused)} requests were refused: {took.refused[0]}")
        if took.reopened:
            print(f"{took.reopened} connections were closed without an answer", file=sys.stderr)
        return took

    def say_complete(self) -> None:
        """Mark every agency's publication as complete, so that it counts as searched."""
        with _quiet():
            statuses = {mark(agency).status for agency in self.agencies}
        if statuses != {200}:
            raise SystemExit(f"the index did not take a mark: {statuses}")

    def _flag(self, agency: Agency) -> Flag:
        shared = [secrets.token_bytes(16) for _ in range(TOKENS_HIT)]
        self.published.append(shared)
        return flag(agency, *shared)

    def _request(self, agency: Agency, operation: Operation, told: msgspec.Struct) -> bytes:
        request = signed(
            operation, msgspec.json.encode(told), agency.key, at=now_ms(),
            nonce=secrets.token_bytes(16), audience=self.index.audience,
        )  # fmt: skip
        fields = [*request.headers, ("Host", "index"), ("Content-Length", str(len(request.body)))]
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"{request.method} {request.path} HTTP/1.1\r\n{head}\r\n".encode() + request.body


def _quiet() -> redirect_stderr[io.StringIO]:
    """Keep the log of what is done here, in set-up, from between the figures."""
    return redirect_stderr(io.StringIO())


@contextmanager
def running(
    folder: Path, database: str, workers: int = 2, threads: int = 4
) -> Iterator[IndexAlone]:
    """Yield an index on `database`, served by gunicorn, in which eight agencies are members."""
    home = folder / "index"
    words = [
        "init", "--home", home, "--seal", "unsealed", "--partnership", PARTNERSHIP,
        "--organisation", "Trust",
        "--accountable-officer", "A", "--data-protection-contact", "B", "--database", database,
        "--bind", "127.0.0.1:0", "--workers", workers,
    ]  # fmt: skip
    done = CliRunner().invoke(index_main, [str(word) for word in words])
    if done.exit_code != 0:
        raise SystemExit(done.output)
    settings = home / "index.toml"
    lines = [
        f"{line.partition(' = ')[0]} = 100000000" if line.startswith(_LIMITS)
        else f"threads = {threads}" if line.startswith("threads = ") else line
        for line in settings.read_text().splitlines()
    ]  # fmt: skip
    settings.write_text("\n".join(lines) + "\n")
    index = Installation.open(home)
    services = Services(folder / "logs")
    try:
        with _quiet():
            partnership = Partnership(index, create_app(index).test_client())
            founder = partnership.member(AGENCIES[0])
            members = [founder, *(partnership.member(name, founder) for name in AGENCIES[1:])]
            partnership.agree(*members)
            founder.open_epoch()
        service = services.start("index", "index-service", "run", "--home", home)
        yield IndexAlone(folder, index, members, service)
    finally:
        services.stop()
        index.database.close()
