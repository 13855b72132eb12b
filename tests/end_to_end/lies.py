"""What a lying index lies with: keys of its own, and directories that it has changed."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from protocol.encoding import b64u_encode
from protocol.keys import SealingKey, SigningKey
from schemas.agencies import AgencyKeys, Directory
from tests.end_to_end.eastmere import Town

FAKE = SigningKey.from_bytes(b"\x07" * 32)
FAKE_SEALING = SealingKey.from_bytes(b"\x08" * 32)
FAKE_KEYS = AgencyKeys(signing=b64u_encode(FAKE.public), sealing=b64u_encode(FAKE_SEALING.public))
FALSE_NUMBER = "0999 999 9999"


def lie_in_directory(town: Town, **fields: Callable[[Any], Any]) -> None:
    """Have the index change these fields of the directory."""

    def lie(honest: Directory) -> Directory:
        return replace(honest, **{name: f(getattr(honest, name)) for name, f in fields.items()})

    town.index.lies["directory"] = lie


def swapped_keys(agency: str, keys: AgencyKeys = FAKE_KEYS) -> Callable[[Any], Any]:
    """Return what lists `keys` for `agency`."""
    return lambda listed: tuple(
        replace(one, keys=keys) if one.agency == agency else one for one in listed
    )
