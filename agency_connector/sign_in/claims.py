"""What an ID token has to say before anybody is believed (OpenID Connect Core 1.0 §3.1.3.7)."""

import hmac
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from agency_connector.sign_in.roles import Person, Way
from agency_connector.sign_in.settings import ProviderSettings

LEEWAY_S: Final = 60
"""How far the provider's clock may be from ours."""

OLDEST_S: Final = 10 * 60
"""An ID token was issued no longer ago than a sign-in may take."""

LONGEST_AUTHENTICATION_S: Final = 12 * 60 * 60
"""The person proved who they are no longer ago than a session may last; sent as `max_age`."""

_LONGEST_SUBJECT: Final = 255  # OpenID Connect Core §2
_LONGEST_NAME: Final = 200


class ClaimRefused(Exception):
    """An ID token that does not hold; the message is the claim, or what is wrong, in one word."""


def require_fit(
    claims: Mapping[str, Any],
    provider: ProviderSettings,
    *,
    nonce: str,
    now_s: int,
    authenticated_after_s: int,
    supervisor: bool,
) -> None:
    """Raise ClaimRefused, with the name of the claim, unless the token is good for this sign-in.

    `authenticated_after_s`: the earliest `auth_time` (s UTC) that will do, before leeway.
    `supervisor`: it is for a supervisor's act, so `supervisor_acr` holds too.
    """
    _require(claims.get("iss") == provider.issuer, "iss")
    audience = claims.get("aud")
    _require(audience in (provider.client_id, [provider.client_id]), "aud")
    _require(claims.get("azp", provider.client_id) == provider.client_id, "azp")
    _require(_seconds(claims, "exp") > now_s - LEEWAY_S, "exp")
    issued = _seconds(claims, "iat")
    _require(now_s - OLDEST_S - LEEWAY_S < issued <= now_s + LEEWAY_S, "iat")
    if "nbf" in claims:
        _require(_seconds(claims, "nbf") <= now_s + LEEWAY_S, "nbf")
    told = claims.get("nonce")
    same = isinstance(told, str) and hmac.compare_digest(
        told.encode(errors="replace"), nonce.encode()
    )
    _require(same, "nonce")
    authenticated = _seconds(claims, "auth_time")
    _require(
        authenticated_after_s - LEEWAY_S <= authenticated <= now_s + LEEWAY_S,
        "auth_time",
    )
    acr = claims.get("acr")
    _require(not provider.acr or acr in provider.acr, "acr")
    if supervisor:
        _require(not provider.supervisor_acr or acr in provider.supervisor_acr, "acr")
    _require(not provider.amr or bool(_words(claims.get("amr")) & set(provider.amr)), "amr")
    subject = claims.get("sub")
    _require(isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT, "sub")


def person_of(claims: Mapping[str, Any], provider: ProviderSettings) -> tuple[Person, date | None]:
    """Return the person whom claims that fit tell of, and the date of their training.

    The stable name is `<issuer>#<subject>`. A claim of another form than expected counts as absent.
    """
    subject = str(claims["sub"])
    given, family = _line(claims.get("given_name")), _line(claims.get("family_name"))
    name = _line(claims.get("name")) or f"{given} {family}".strip() or _line(subject)
    managed = provider.managed_device_claim and _at(claims, provider.managed_device_claim)
    acr = claims.get("acr")
    person = Person(
        user=f"{provider.issuer}#{subject}",
        name=name,
        given_name=given,
        family_name=family,
        roles=provider.roles.of(_words(_at(claims, provider.roles_claim))),
        way=Way.PROVIDER,
        authenticated_at=_seconds(claims, "auth_time") * 1000,
        acr=acr if isinstance(acr, str) else "",
        managed_device=managed is True,
    )
    trained = provider.trained_claim and _at(claims, provider.trained_claim)
    return person, _day(trained)


def _require(holds: bool, claim: str) -> None:
    if not holds:
        raise ClaimRefused(claim)


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    """Return a claim that is a time in seconds; providers may write a fraction (RFC 7519 §2)."""
    told = claims.get(name)
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told < 2**40:
        raise ClaimRefused(name)
    return int(told)


def _at(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name, or by a path with dots."""
    if name in claims:
        return claims[name]
    told: Any = claims
    for part in name.split("."):
        if not isinstance(told, Mapping) or part not in told:
            return None
        told = told[part]
    return told


def _words(told: object) -> frozenset[str]:
    if isinstance(told, str):
        return frozenset(told.split())
    if isinstance(told, list):
        return frozenset(each for each in told if isinstance(each, str))
    return frozenset()


def _line(told: object) -> str:
    if not isinstance(told, str):
        return ""
    return "".join(each for each in " ".join(told.split()) if each.isprintable())[:_LONGEST_NAME]


def _day(told: object) -> date | None:
    try:
        return date.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
