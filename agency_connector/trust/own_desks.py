"""Our own desks: what connector.toml says, signed and laid before the index."""

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from agency_connector.installation import Installation
from agency_connector.receipts import acknowledged
from agency_connector.settings import FILE_NAME, DeskSettings
from agency_connector.transport import Refused, SignedClient
from agency_connector.trust import storage
from agency_connector.trust.storage import OwnDeskRow
from foundation.operator import OperatorError
from protocol import documents
from protocol.desk_names import category_word
from schemas.agencies import Desk, OpenHours, Signed
from schemas.operations import SIGN_DESK

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class SignedDesk:
    """One desk after `sign_all`; `outcome` says whether anything had to be done."""

    desk: Desk
    outcome: Literal["signed", "unchanged"]


def sign_all(installation: Installation) -> tuple[SignedDesk, ...]:
    """Sign every desk of connector.toml that changed and lay it before the index.

    May be repeated after a crash. Raises OperatorError, before anything is signed, if a desk's
    name names a category, its hours make no sense, or a signed desk is no longer in the file.
    """
    wanted, signed = _wanted(installation), _signed(installation)
    gone = [
        desk for desk, row in signed.items()
        if not row.desk.withdrawn and desk not in {want.desk for want in wanted}
    ]  # fmt: skip
    if gone:
        raise OperatorError(
            f"the desk {gone[0]} is signed and no longer in {FILE_NAME}: keep it there with "
            "withdrawn = true to withdraw it"
        )
    client = installation.index()
    try:
        return tuple(_sign(installation, client, want, signed.get(want.desk)) for want in wanted)
    finally:
        client.close()


def unsigned(installation: Installation) -> tuple[str, ...]:
    """Return the ids of the desks that `sign_all` would lay before the index."""
    signed = _signed(installation)
    return tuple(
        want.desk
        for want in _wanted(installation)
        if (row := signed.get(want.desk)) is None
        or row.acknowledged_at is None
        or not _is_as_signed(installation, want, row)
    )


def _wanted(installation: Installation) -> list[Desk]:
    partnership = installation.anchors().partnership
    return [_desk(installation, partnership, told) for told in installation.settings.desks]


def _signed(installation: Installation) -> dict[str, OwnDeskRow]:
    with installation.database.read() as connection:
        return {row.desk.desk: row for row in storage.own_desks(connection)}


def _is_as_signed(installation: Installation, want: Desk, row: OwnDeskRow) -> bool:
    """Return whether `row` says what `want` does and is signed with the key we have now."""
    same = msgspec.structs.replace(want, version=row.desk.version, signed_at=row.desk.signed_at)
    return same == row.desk and documents.signer(row.envelope) == installation.signing_key.key_id


def _sign(
    installation: Installation, client: SignedClient, want: Desk, before: OwnDeskRow | None
) -> SignedDesk:
    if before is not None:
        if _is_as_signed(installation, want, before):
            if before.acknowledged_at is not None:
                return SignedDesk(before.desk, "unchanged")
            return SignedDesk(_lay(installation, client, before), "signed")
        want = msgspec.structs.replace(want, version=before.desk.version + 1)
    envelope = documents.sign(want, installation.signing_key)
    row = OwnDeskRow(desk=want, envelope=envelope, acknowledged_at=None)
    with installation.database.write() as connection:
        storage.keep_own_desk(connection, row)
    return SignedDesk(_lay(installation, client, row), "signed")


def _lay(installation: Installation, client: SignedClient, row: OwnDeskRow) -> Desk:
    """Lay a signed desk before the index and keep that it was taken."""
    try:
        told = client.call(SIGN_DESK, Signed(document=row.envelope))
    except Refused as refused:
        if refused.code != "not-newer":
            raise
        # It arrived before a crash or a restored backup of ours: a higher version settles both.
        higher = msgspec.structs.replace(
            row.desk, version=row.desk.version + 1, signed_at=installation.clock()
        )
        row = OwnDeskRow(higher, documents.sign(higher, installation.signing_key), None)
        told = client.call(SIGN_DESK, Signed(document=row.envelope))
    acknowledged.keep(installation, "desk", row.envelope, told)
    with installation.database.write() as connection:
        storage.keep_own_desk(connection, OwnDeskRow(row.desk, row.envelope, installation.clock()))
    return row.desk


def _desk(installation: Installation, partnership: str, told: DeskSettings) -> Desk:
    word = category_word(told.name)
    if word is not None and told.visibility == "visible":
        raise OperatorError(
            f'the desk {told.id} may not be called that: "{word}" tells what a person is known '
            f"for; give it a neutral name in {FILE_NAME}, such as Front desk, or make it hidden"
        )
    return Desk(
        partnership=partnership,
        agency=installation.agency,
        desk=told.id,
        version=1,
        name=told.name,
        phone=told.phone,
        email=told.email,
        hours=tuple(hours for line in told.hours for hours in _hours(told.id, line)),
        time_zone=told.time_zone,
        out_of_hours_phone=told.out_of_hours_phone,
        purposes=told.purposes,
        agencies=told.agencies,
        visibility=told.visibility,
        withdrawn=told.withdrawn,
        signed_at=installation.clock(),
    )


def _hours(desk: str, line: str) -> tuple[OpenHours, ...]:
    """Return the days of a line such as `mon-fri 09:00-17:00`."""
    days, _, times = line.partition(" ")
    first, _, last = days.partition("-")
    opens, _, closes = times.partition("-")
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    if start > end or opens >= closes:
        raise OperatorError(
            f"the hours of the desk {desk} end before they begin ({line}): write a line for each "
            "part, such as fri-sun 09:00-17:00"
        )
    return tuple(OpenHours(day=day, opens=opens, closes=closes) for day in range(start, end + 1))
