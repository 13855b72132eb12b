"""Limits: how many contact requests an agency and an officer may make."""

from sqlalchemy import Connection

from foundation.problems import Problem
from index_service.contacts import storage
from index_service.settings import LimitSettings
from index_service.spans import DAY_MS, HOUR_MS


def require_within(
    connection: Connection, limits: LimitSettings, agency: str, officer: bytes, now: int
) -> None:
    """Raise Problem 429 if one more request would be one too many in the hour or day before `now`.

    Refused requests do not count. As many as are under way at once can pass a limit together.
    """
    for whose, span, most, who, name in (
        (officer, HOUR_MS, limits.contacts_officer_per_hour, "officer", "hour"),
        (officer, DAY_MS, limits.contacts_officer_per_day, "officer", "day"),
        (None, HOUR_MS, limits.contacts_agency_per_hour, "agency", "hour"),
        (None, DAY_MS, limits.contacts_agency_per_day, "agency", "day"),
    ):
        if storage.count_asked(connection, agency, whose, now - span) >= most:
            problem = Problem(
                429,
                "too-many-contacts",
                f"This {who} has asked {most} times to be phoned within one {name}, as often as is "
                "allowed: phone the team, or ask again later.",
                retry_after=HOUR_MS // 1000,
            )
            problem.headers["Retry-After"] = str(HOUR_MS // 1000)
            raise problem
