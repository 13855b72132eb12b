"""Makes people with accounts at every agency, serves its pages, and tells how to sign in."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.demo.involvements import DEAN
from deploy.demo.members import NO_DRAW, POLICE, PUBLISHERS, Member
from deploy.demo.partnership import Partnership
from deploy.demo.programs import Services
from deploy.demo.telling import Telling

PASSWORD: Final = "all people here are made up"  # noqa: S105 - the demo's stated password
_DRAW: Final = "justify_one_in = 5"
CODE_SECRET: Final = "EASTMEREDEMOEASTMEREDEMOEASTMERE"  # noqa: S105 - the demo's stated secret


@dataclass(frozen=True, slots=True)
class _Invented:
    """Somebody who does not exist: their user name, which is their role, and their names."""

    role: str
    given: str
    family: str


_PEOPLE: Final = (
    _Invented("officer", "Robin", "Ashdown"),
    _Invented("desk", "Lee", "Marsh"),
    _Invented("supervisor", "Kim", "Oakley"),
    _Invented("auditor", "Jo", "Fenn"),
)


def start_pages(
    partnership: Partnership, services: Services, telling: Telling
) -> dict[Member, str]:
    """Start the pages of every agency that checks names; print addresses and who can sign in.

    Return the address of each agency's pages.
    """

    def start(member: Member) -> tuple[str, str]:
        for person in _PEOPLE:
            partnership.connector(
                member, "account", "add", person.role, "--role", person.role,
                "--given", person.given, "--family", person.family,
                answers=(PASSWORD, CODE_SECRET),
            )  # fmt: skip
        path = partnership.home(member) / "connector.toml"
        text = path.read_text(encoding="utf-8").replace(NO_DRAW, _DRAW)
        path.write_text(text, encoding="utf-8")
        page = services.start(
            member.id, "agency-connector", "--home", partnership.home(member), "run"
        )
        return member.name, page.address

    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(start, PUBLISHERS))
    addresses = {member: row[1] for member, row in zip(PUBLISHERS, rows, strict=True)}
    telling.step("The pages")
    telling.line("Open one in a browser on this machine:")
    telling.rows(rows)
    telling.line("")
    telling.line("and sign in as one of these, who are the same at each agency:")
    telling.rows([(each.role, f"{each.given} {each.family}") for each in _PEOPLE])
    telling.line(f"Password: {PASSWORD}")
    telling.line(f"Code: from an authenticator app with the secret {CODE_SECRET}, or by")
    program = os.path.relpath(Path(sys.executable).parent / "agency-connector")
    home = os.path.relpath(partnership.home(POLICE))
    telling.line(f"    {program} --home {home} account code officer")
    telling.line("A code is good once for each person: half a minute later there is another.")
    telling.line("")
    telling.line(
        f"Try {DEAN.given} {DEAN.family}, born 14 3 1983, as officer; as desk type a reference from"
    )
    telling.line("above at the agency that was to be phoned. Or ask them, as officer, to phone")
    telling.line("you, and answer there, as desk, under Requests to phone, some seconds later.")
    return addresses
