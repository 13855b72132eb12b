"""`[sign_in]` of connector.toml: where the pages are reached, from where, and who may use them."""

import ipaddress
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from agency_connector.sign_in.roles import Role
from schemas.fields import Line

Address = Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+\Z", max_length=300)]
Issuer = Annotated[str, Meta(pattern=r"^https?://[^\s?#@]+\Z", max_length=500)]
Word = Annotated[str, Meta(min_length=1, max_length=300)]
Header = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}\Z")]

_LOOPBACK_NAME: Final = "localhost"


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key that is not known is an error, never a default."""


class RolesSettings(_Table, frozen=True):
    """`[sign_in.provider.roles]`: which values of the roles claim give which role."""

    officer: tuple[Word, ...] = ()
    desk: tuple[Word, ...] = ()
    supervisor: tuple[Word, ...] = ()
    auditor: tuple[Word, ...] = ()
    administrator: tuple[Word, ...] = ()

    def of(self, values: frozenset[str]) -> frozenset[Role]:
        """Return the roles that these values of the claim give."""
        return frozenset(role for role in Role if values & set(getattr(self, role.value)))


class ProviderSettings(_Table, frozen=True):
    """`[sign_in.provider]`: the agency's identity provider (OpenID Connect Core 1.0).

    `acr`, `amr`: the token must have one of these `acr` values and one of these `amr` values; at
    least one of the two lists says what shows a second factor. `supervisor_acr`: what supervisors'
    acts want beyond that. `public`: the client has no secret (PKCE alone). A claim's name may be a
    path, `realm_access.roles`.
    """

    issuer: Issuer
    client_id: Word
    roles: RolesSettings
    name: Line = "your agency's sign-in service"
    public: bool = False
    scopes: tuple[Word, ...] = ("profile",)
    acr: tuple[Word, ...] = ()
    amr: tuple[Word, ...] = ()
    supervisor_acr: tuple[Word, ...] = ()
    roles_claim: Word = "roles"
    trained_claim: Word | None = None
    managed_device_claim: Word | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if it would be insecure or give nobody a role."""
        _require_secure(self.issuer, "issuer")
        if not (self.acr or self.amr):
            raise ValueError(
                "neither acr nor amr says what shows a second factor: write the provider's values, "
                'such as amr = ["mfa"]'
            )
        if not any(getattr(self.roles, role.value) for role in Role):
            raise ValueError("the roles give nobody a role: write values of the roles claim")


class SignInSettings(_Table, frozen=True):
    """`[sign_in]`: people sign in, at `provider`, with local `accounts`, or either.

    `address` is where browsers reach the pages; without it on this machine over plain http.
    `trusted_proxies` is how many proxies before us each add to X-Forwarded-For and -Proto; with 0
    those fields are ignored. If `networks` or a managed device is asked for, a request needs one
    of them: an address in a network, or `managed_device_header` (a field that the proxy sets, and
    strips from what comes in) with the value `managed_device_value`, or the provider's claim.
    `training_months`: a person's training may be no older. `fresh_minutes`: a supervisor's act
    needs a sign-in no older.
    """

    address: Address | None = None
    accounts: bool = False
    provider: ProviderSettings | None = None
    trusted_proxies: Annotated[int, Meta(ge=0, le=10)] = 0
    networks: tuple[Word, ...] = ()
    managed_device_header: Header | None = None
    managed_device_value: Word = "true"
    training_months: Annotated[int, Meta(ge=1, le=120)] | None = None
    fresh_minutes: Annotated[int, Meta(ge=1, le=720)] = 15

    def __post_init__(self) -> None:
        """Raise ValueError if nobody could sign in, or the settings contradict one another."""
        if not self.accounts and self.provider is None:
            raise ValueError("nobody could sign in: add [sign_in.provider], or accounts = true")
        if self.address is not None:
            _require_secure(self.address, "address")
        if self.provider is not None and self.address is None:
            raise ValueError("the provider needs an address to come back to: add address")
        if self.is_https and not self.trusted_proxies:
            raise ValueError(
                "an https address means that a proxy ends TLS: say how many with trusted_proxies"
            )
        if self.managed_device_header and not self.trusted_proxies:
            raise ValueError(
                "managed_device_header is believed only from a trusted proxy: set trusted_proxies"
            )
        if self.training_months and self.provider and self.provider.trained_claim is None:
            raise ValueError("training_months needs the claim with the date: add trained_claim")
        for network in self.networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(
                    "one of networks is not a network: write it like 10.20.0.0/16"
                ) from None

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the pages over TLS."""
        return self.address is not None and self.address.startswith("https://")


def _require_secure(url: str, what: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or is_loopback(parts.hostname):
        return
    raise ValueError(f"{what} is not https: http is allowed only for this machine")


def is_loopback(host: str | None) -> bool:
    """Return whether `host` names this machine: localhost, 127.0.0.0/8 or ::1."""
    if host == _LOOPBACK_NAME:
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
