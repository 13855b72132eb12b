"""Who takes part in the demo's partnership, and what they have agreed."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from deploy.demo import probation_caseload
from deploy.demo.sources import build_housing_database

PARTNERSHIP: Final = "eastmere"
STEWARD: Final = "Eastmere Partnership Office"
EVALUATOR_HOST: Final = "Eastmere University"
SAFEGUARDING: Final = "safeguarding"
REOFFENDING: Final = "reoffending"

NO_DRAW: Final = "justify_one_in = 0"
_SETTINGS: Final = Path(__file__).parent / "settings"


@dataclass(frozen=True, slots=True)
class Member:
    """An agency: its short name, its name on pages, its role, and what kind of source it has."""

    id: str
    name: str
    role: Literal["member", "auditor"]
    source: str


POLICE: Final = Member("police", "Eastmere Police", "member", "a CSV export")
HOUSING: Final = Member("housing", "Eastmere Council Housing", "member", "an SQL database")
HEALTH: Final = Member("health", "Eastmere Health Trust", "member", "an Excel workbook")
PROBATION: Final = Member(
    "probation", "Eastmere Probation", "member", "a program that prints JSON lines"
)
OVERSIGHT: Final = Member("oversight", "Eastmere Oversight Panel", "auditor", "nothing")

FOUNDER: Final = POLICE
PUBLISHERS: Final = (POLICE, HOUSING, HEALTH, PROBATION)
MEMBERS: Final = (*PUBLISHERS, OVERSIGHT)

PURPOSES: Final = {
    SAFEGUARDING: "Keeping somebody safe from harm",
    REOFFENDING: "Working with somebody on an order or licence",
}


@dataclass(frozen=True, slots=True)
class Agreed:
    """An information sharing agreement: its short name, title, parties and purpose."""

    id: str
    title: str
    parties: tuple[Member, ...]
    purpose: str


AGREEMENTS: Final = (
    Agreed("isa-1", "Safeguarding in Eastmere", (POLICE, HOUSING, HEALTH), SAFEGUARDING),
    Agreed("isa-2", "Fewer reoffences", (POLICE, HOUSING, PROBATION), REOFFENDING),
)


def equip(member: Member, home: Path, sources: Path) -> None:
    """Do what the agency's IT does after `init`: put the source there and complete the settings.

    `sources` holds the agencies' sources as `deploy.demo.sources` writes them.
    """
    path = home / "connector.toml"
    # Any free port; the real default is 8300, which somebody may be using.
    text = path.read_text(encoding="utf-8").replace(
        'bind = "127.0.0.1:8300"', 'bind = "127.0.0.1:0"'
    )
    # The people are made up: their codes may be printed by `account code`.
    text = text.replace("\n[index]\n", "demo = true\n\n[index]\n", 1)
    text += "\n[sign_in]\naccounts = true\n"
    # The demo's own checks are to be answered; whoever signs in meets the draw (deploy.demo.pages).
    text += f"\n[checks]\n{NO_DRAW}\n"
    # A request to phone, and its answer, is to be seen while somebody tries it out.
    text = text.replace("\n[schedule]\n", "\n[schedule]\ncontacts_seconds = 5\n", 1)
    if member.role == "member":
        shutil.copytree(sources / member.id, home / "export")
        own = (_SETTINGS / f"{member.id}.toml").read_text(encoding="utf-8")
        text += own.replace('"python3"', json.dumps(sys.executable))
    path.write_text(text, encoding="utf-8")
    if member is HOUSING:
        build_housing_database(home / "export")
    elif member is PROBATION:
        shutil.copy(Path(probation_caseload.__file__), home / "export")
