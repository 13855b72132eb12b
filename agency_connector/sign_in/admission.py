"""Whether somebody who has proved who they are may come in: a role, and training that is recent."""

from datetime import UTC, date, datetime
from typing import Final

from agency_connector.sign_in.roles import Person
from agency_connector.sign_in.settings import SignInSettings

_MONTHS: Final = 12
_LAST_DAY_OF_ANY: Final = 28


class NotAdmitted(Exception):
    """Somebody does not come in. `because` is a code for the trail; the message is for a page."""

    def __init__(self, because: str, sentence: str) -> None:
        super().__init__(sentence)
        self.because = because


def require_admitted(
    settings: SignInSettings, person: Person, trained_on: date | None, now: int
) -> None:
    """Raise NotAdmitted if the person has no role, or the training asked for is not recent.

    Training is good until the same day of the month, `training_months` later (UTC).
    """
    if not person.roles:
        raise NotAdmitted(
            "no-role",
            "Your sign-in works, but gives you no role in these pages: speak to whoever manages "
            "access at your agency.",
        )
    months = settings.training_months
    if months is None:
        return
    today = datetime.fromtimestamp(now / 1000, UTC).date()
    if trained_on is None or trained_on > today:
        raise NotAdmitted(
            "not-trained",
            "These pages need a training that is not on record for you: book it, or have its date "
            "entered.",
        )
    if today > _later(trained_on, months):
        raise NotAdmitted(
            "training-too-old",
            f"Your last training was more than {months} months ago: these pages open again when a "
            "new one is on record.",
        )


def _later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, _MONTHS)
    try:
        return day.replace(year=day.year + years, month=month + 1)
    except ValueError:  # no such day in that month
        return day.replace(year=day.year + years, month=month + 1, day=_LAST_DAY_OF_ANY)
