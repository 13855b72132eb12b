"""Serves every agency's page, and tells how to sign in."""

from concurrent.futures import ThreadPoolExecutor

from deploy.demo.involvements import DEAN
from deploy.demo.members import PUBLISHERS, Member
from deploy.demo.partnership import Partnership
from deploy.demo.programs import Services
from deploy.demo.telling import Telling


def start_pages(partnership: Partnership, services: Services, telling: Telling) -> None:
    """Start the page of every agency that checks names; print addresses and sign-in tokens."""

    def start(member: Member) -> tuple[str, str, str]:
        home = partnership.home(member)
        token = partnership.connector(member, "token", "--file", str(home / "my.token"))
        page = services.start(member.id, "agency-connector", "--home", home, "run")
        return member.name, page.address, token.strip()

    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(start, PUBLISHERS))
    telling.step("The pages")
    telling.line("Open one in a browser on this machine and sign in with its local token:")
    telling.rows(rows)
    telling.line("")
    telling.line(
        f"Try {DEAN.given} {DEAN.family}, born 14 3 1983, or type a reference from above at"
    )
    telling.line("the agency that was to be phoned.")
