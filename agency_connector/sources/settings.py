"""How an agency describes a source: its kind, its columns and the policy that goes with it."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from agency_connector.policy.settings import HOW_TO_WRITE, Policy
from agency_connector.sources.dates import DateOrder

Column = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(min_length=1)]
SourceName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{1,31}\Z")]

IDENTIFIER_KINDS: Final = {
    "nhs_number": "nhs",
    "pnc_id": "pnc",
    "cro_number": "cro",
    "nino": "nin",
    "upn": "upn",
}
"""The strong identifiers that a source may have: our field -> kind (`matching.identifiers`)."""


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Our field -> the source's column. Columns that are not named here are not looked at.

    `agreed`: the person's agreement, or the recorded reason why they were not asked. `aliases`:
    whole further names, `former_family`: former or other surnames; several are parted by `;`.
    """

    local_id: Column
    status: Column
    born: Column
    given: Column | None = None
    middle: Column | None = None
    family: Column | None = None
    full_name: Column | None = None
    aliases: Column | None = None
    former_family: Column | None = None
    postcode: Column | None = None
    sex: Column | None = None
    role: Column | None = None
    opened: Column | None = None
    reviewed: Column | None = None
    category: Column | None = None
    lawful_basis: Column | None = None
    agreed: Column | None = None
    nhs_number: Column | None = None
    pnc_id: Column | None = None
    cro_number: Column | None = None
    nino: Column | None = None
    upn: Column | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if no row could be published with these columns."""
        if self.full_name is None and (self.given is None or self.family is None):
            raise ValueError("name the columns given and family, or full_name")
        if self.opened is None and self.reviewed is None:
            raise ValueError(
                "name the column opened or reviewed (or both): a flag ends a set time after the "
                "latest of these dates"
            )

    def named(self) -> dict[str, str]:
        """Return the columns in use: our field -> the source's column."""
        pairs = ((field, getattr(self, field)) for field in self.__struct_fields__)
        return {field: column for field, column in pairs if column is not None}


class _Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    name: SourceName
    columns: Columns
    policy: Policy | None = None
    dates: DateOrder = "day-first"

    def __post_init__(self) -> None:
        """Raise ValueError, saying what to do, if policy and columns do not fit each other."""
        _check_policy(self.columns, self.policy)


class CsvSource(_Source, frozen=True, kw_only=True, tag="csv"):
    """A file of separated values whose first line holds the column names (RFC 4180)."""

    path: Text
    encoding: Literal["utf-8-sig", "cp1252"] = "utf-8-sig"
    delimiter: Annotated[str, Meta(pattern=r"^[,;|\t:~^]\Z")] = ","


class SqlSource(_Source, frozen=True, kw_only=True, tag="sql"):
    """One SELECT in a database that SQLAlchemy can reach.

    `url_file` names a file that holds the URL alone, readable by the connector's user only; `url`
    is for a URL without a password.
    """

    query: Annotated[str, Meta(pattern=r"^\s*(?i:select|with)\b")]
    url: Text | None = None
    url_file: Text | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the address is missing, doubled or holds a password."""
        super().__post_init__()
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either url or url_file")
        if self.url is not None and _holds_password(self.url):
            raise ValueError(
                "url holds a password: write the URL into a file of its own, mode 0600, and name "
                "that file as url_file"
            )


class ExcelSource(_Source, frozen=True, kw_only=True, tag="excel"):
    """One sheet of an .xlsx workbook whose first row holds the column names."""

    path: Text
    sheet: Text | None = None


class ProgramSource(_Source, frozen=True, kw_only=True, tag="program"):
    """A program that prints one JSON object to a line; run without a shell.

    `timeout_seconds`: how long the connector waits for the next output, and for the end.
    """

    command: Annotated[tuple[Text, ...], Meta(min_length=1)]
    timeout_seconds: Annotated[int, Meta(ge=1, le=3600)] = 60


SourceSettings = CsvSource | SqlSource | ExcelSource | ProgramSource
"""`[[sources]]` in the connector's settings; `kind` is csv, sql, excel or program."""


def _check_policy(columns: Columns, policy: Policy | None) -> None:
    if policy is None:
        raise ValueError(HOW_TO_WRITE)
    if columns.role is not None and not policy.roles:
        raise ValueError(
            "the source has a role column: add [sources.policy.roles] and say what each value means"
        )
    if columns.role is None and policy.roles:
        raise ValueError("policy.roles is given: name the source's column in columns.role")
    if policy.categories is not None and columns.category is None:
        raise ValueError("policy.categories is given: name the source's column in columns.category")
    if policy.protected is not None and columns.agreed is None:
        raise ValueError(
            "policy.protected is given: name in columns.agreed the column that records the "
            "person's agreement, or why they were not asked"
        )
    if (columns.lawful_basis is None) == bool(policy.row_lawful_bases):
        raise ValueError(
            "columns.lawful_basis and policy.row_lawful_bases go together: name the column and "
            "list the values it may have, or leave out both"
        )


def _holds_password(url: str) -> bool:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("url is not a database URL: write it as SQLAlchemy documents") from None
    return parsed.password is not None or any("passw" in key.lower() for key in parsed.query)
