"""From where a request comes, and whether pages may be used from there."""

import ipaddress
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.datastructures import Headers
from werkzeug.middleware.proxy_fix import ProxyFix

from agency_connector.sign_in.settings import SignInSettings

_FORWARDED: Final = ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def behind_proxies(app: Any, settings: SignInSettings | None) -> Any:
    """Return the WSGI application as seen through the stated number of proxies.

    Address and scheme are those that the outermost trusted proxy saw (werkzeug's ProxyFix). The
    host is never taken from a forwarded field: a proxy passes the Host field on.
    """
    count = settings.trusted_proxies if settings else 0
    return app if not count else ProxyFix(app, x_for=count, x_proto=count, x_host=0)


def came_through_a_proxy(headers: Headers) -> bool:
    """Return whether any proxy has left its mark on a request."""
    return any(name in headers for name in _FORWARDED)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the pages may be used from, as the settings say."""

    proxies: int
    networks: tuple[_Network, ...]
    header: str | None
    value: str
    by_claim: bool

    @classmethod
    def of(cls, settings: SignInSettings | None) -> "Doors":
        """Return those of the settings; without settings everything is open."""
        if settings is None:
            return cls(0, (), None, "", False)
        claim = settings.provider is not None and settings.provider.managed_device_claim is not None
        return cls(
            proxies=settings.trusted_proxies,
            networks=tuple(ipaddress.ip_network(each) for each in settings.networks),
            header=settings.managed_device_header,
            value=settings.managed_device_value,
            by_claim=claim,
        )

    def came_the_stated_way(self, headers: Headers) -> bool:
        """Return whether as many proxies as stated have each added an address and a scheme."""
        return all(len(_listed(headers.get(name, ""))) >= self.proxies for name in _FORWARDED[:2])

    def lets_in(self, address: str | None, headers: Headers, managed: bool | None) -> bool:
        """Return whether pages may be used from here.

        `managed` is what the provider said of the device; None while nobody has signed in, when a
        claim that may yet come must be waited for.
        """
        if not (self.networks or self.header or self.by_claim):
            return True
        if self._in_a_network(address):
            return True
        if self.header and headers.get(self.header, "") == self.value:
            return True
        return self.by_claim and managed is not False

    def _in_a_network(self, address: str | None) -> bool:
        try:
            told = ipaddress.ip_address((address or "").partition("%")[0])
        except ValueError:
            return False
        if isinstance(told, ipaddress.IPv6Address) and told.ipv4_mapped is not None:
            told = told.ipv4_mapped
        return any(told in network for network in self.networks)


def _listed(field: str) -> list[str]:
    return [part for part in field.split(",") if part.strip()]
