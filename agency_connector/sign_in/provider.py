"""The agency's identity provider: what it says of itself, its keys, and codes for ID tokens.

Authlib speaks OAuth 2.0 to it (authorization code with PKCE, RFC 6749 §4.1, RFC 7636); joserfc, on
which Authlib stands, checks signatures. What a token has to say is in `claims`.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from agency_connector.sign_in.attempts import Attempt
from agency_connector.sign_in.claims import LONGEST_AUTHENTICATION_S
from agency_connector.sign_in.settings import ProviderSettings, is_loopback
from foundation import logs
from foundation.operator import PlainError

CALLBACK: Final = "/sign-in/callback"
SIGNED_OUT: Final = "/sign-in"
"""Where the provider sends the browser back to after it has signed somebody out."""

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
                     "ES256", "ES384", "ES512", "Ed25519", "EdDSA")  # fmt: skip
"""Signatures that are taken: asymmetric ones alone, so that no public key serves as a secret."""

KEPT_S: Final = 60 * 60
AGAIN_AFTER_S: Final = 5
"""A provider that failed is asked again only after this, so that no thread waits for it in vain."""

ANEW_AFTER_S: Final = 30
"""Keys are fetched anew for an unknown key id, but not more often than this."""

CONNECT_S: Final = 3.05
READ_S: Final = 5.0
WHOLE_S: Final = 10.0
LARGEST: Final = 512 * 1024
_DOWN: Final = (
    "Your agency's sign-in service does not answer. Try again in a few minutes; if you must know "
    "now, phone the partners."
)


class ProviderUnavailable(PlainError):
    """The provider does not answer, or not as one does; nobody can sign in there now."""


class ProviderRefused(PlainError):
    """The provider gives no token for a code, or a token that is not signed by it."""


class Metadata(msgspec.Struct, frozen=True):
    """What the provider says of itself (OpenID Connect Discovery 1.0 §3), as far as needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Provider:
    """One provider as this process knows it; for several threads.

    `secret` returns the client's secret when it is needed (OperatorError without one); `address` is
    where browsers reach the pages.
    """

    def __init__(self, settings: ProviderSettings, address: str, secret: Callable[[], str]) -> None:
        self._settings = settings
        self._redirect_uri = f"{address.rstrip('/')}{CALLBACK}"
        self._signed_out_uri = f"{address.rstrip('/')}{SIGNED_OUT}"
        self._secret = secret
        self._lock = threading.Lock()
        self._failed_at: float | None = None
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def address_for(self, attempt: Attempt) -> str:
        """Return where the browser goes to sign in; ProviderUnavailable.

        For somebody who has to prove anew who they are it asks for that (`prompt=login`,
        `max_age=0`), and for `supervisor_acr`.
        """
        settings = self._settings
        again = bool(attempt.again_for)
        values = settings.supervisor_acr if again and settings.supervisor_acr else settings.acr
        asked: dict[str, str] = {
            "nonce": attempt.nonce,
            "max_age": "0" if again else str(LONGEST_AUTHENTICATION_S),
        }
        if again:
            asked["prompt"] = "login"
        if values:
            asked["acr_values"] = " ".join(values)
        endpoint = self.metadata().authorization_endpoint
        with OAuth2Session(
            settings.client_id,
            scope=" ".join(("openid", *settings.scopes)),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        ) as session:
            url, _ = session.create_authorization_url(
                endpoint, state=attempt.state, code_verifier=attempt.verifier, **asked
            )
        return str(url)

    def address_to_sign_out(self) -> str | None:
        """Return where the browser goes to sign out there too; None if the provider offers nothing.

        RP-Initiated Logout 1.0 §2, without `id_token_hint`: it holds the person's name, and would
        stand in an address. A provider may ask the person to confirm it. ProviderUnavailable.
        """
        endpoint = self.metadata().end_session_endpoint
        if endpoint is None:
            return None
        asked = {
            "client_id": self._settings.client_id,
            "post_logout_redirect_uri": self._signed_out_uri,
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    def require_own_answer(self, answered_by: str | None) -> None:
        """Raise ProviderRefused if another provider answered (RFC 9207 §2.4)."""
        wanted = self.metadata().authorization_response_iss_parameter_supported
        if answered_by != self._settings.issuer and (wanted or answered_by is not None):
            raise ProviderRefused("the answer is not from the provider that was asked")

    def id_token_for(self, code: str, attempt: Attempt) -> Mapping[str, Any]:
        """Return the claims of the ID token that the provider gives for a code, signature checked.

        Raises ProviderUnavailable, or ProviderRefused if it takes the code for bad (it was used
        before, or is another browser's) or the token is not signed with one of its keys.
        """
        metadata = self.metadata()
        method = _method(metadata, public=self._settings.public)
        secret = None if self._settings.public else self._secret()
        try:
            with OAuth2Session(
                self._settings.client_id,
                secret,
                token_endpoint_auth_method=method,
                redirect_uri=self._redirect_uri,
            ) as session:
                session.trust_env = not _is_here(metadata.token_endpoint)
                token = session.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                    timeout=(CONNECT_S, READ_S),
                    allow_redirects=False,
                )
        except AuthlibBaseError as error:
            raise ProviderRefused("the provider did not take the code") from error
        except (requests.RequestException, ValueError) as error:
            raise _unavailable(error) from error
        told = token.get("id_token")
        if not isinstance(told, str):
            raise ProviderRefused("the provider gave no ID token")
        return self._verified(told)

    def metadata(self) -> Metadata:
        """Return what the provider says of itself, an hour old at most; ProviderUnavailable."""
        with self._lock:
            now = time.monotonic()
            if self._metadata is None or now - self._metadata[0] >= KEPT_S:
                if self._failed_at is not None and now - self._failed_at < AGAIN_AFTER_S:
                    raise ProviderUnavailable(_DOWN)
                self._failed_at = now
                self._metadata = (now, self._discovered())
                self._failed_at = None
            return self._metadata[1]

    def _discovered(self) -> Metadata:
        issuer = self._settings.issuer
        told = _fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = msgspec.json.decode(told, type=Metadata)
        except msgspec.DecodeError as error:
            raise _unavailable(error) from error
        endpoints = [metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri]
        if metadata.end_session_endpoint is not None:
            endpoints.append(metadata.end_session_endpoint)
        # Discovery §4.3: otherwise whoever answers here could speak for another provider.
        if metadata.issuer != issuer or not all(_is_safe(each) for each in endpoints):
            logs.get_logger().error("provider.discovery_refused")
            raise ProviderUnavailable(
                "the identity provider names another issuer than connector.toml, or an address "
                "without TLS: `agency-connector sign-in check` says more"
            )
        return metadata

    def _verified(self, token: str) -> Mapping[str, Any]:
        for anew in (False, True):
            keys = self._key_set(anew=anew)
            try:
                return jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
            except InvalidKeyIdError:
                continue  # it may have a new key
            except (JoseError, ValueError) as error:
                raise ProviderRefused("the ID token is not signed by the provider") from error
        raise ProviderRefused("the ID token is signed with a key that the provider does not name")

    def _key_set(self, *, anew: bool) -> KeySet:
        address = self.metadata().jwks_uri
        with self._lock:
            now = time.monotonic()
            age = KEPT_S if self._keys is None else now - self._keys[0]
            if self._keys is None or age >= (ANEW_AFTER_S if anew else KEPT_S):
                self._keys = (now, _keys(_fetched(address)))
            return self._keys[1]


def _keys(document: bytes) -> KeySet:
    """Return the keys for signatures in a JWK set (RFC 7517); no symmetric one."""
    try:
        told = msgspec.json.decode(document, type=dict[str, Any]).get("keys")
        listed = [
            key
            for key in told or ()
            if key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
        ]
        return KeySet.import_key_set({"keys": listed})
    except (msgspec.DecodeError, JoseError, ValueError, AttributeError, TypeError) as error:
        raise _unavailable(error) from error


def _method(metadata: Metadata, *, public: bool) -> str:
    if public:
        return "none"
    offered = metadata.token_endpoint_auth_methods_supported
    return "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"


def _fetched(url: str) -> bytes:
    """Return the document at `url`, within ten seconds and 512 KiB; ProviderUnavailable."""
    deadline = time.monotonic() + WHOLE_S
    body = bytearray()
    try:
        with requests.Session() as session:
            session.trust_env = not _is_here(url)
            with session.get(
                url, timeout=(CONNECT_S, READ_S), allow_redirects=False, stream=True
            ) as response:
                if response.status_code != requests.codes.ok:
                    raise requests.RequestException
                for chunk in response.iter_content(8192):
                    body += chunk
                    if len(body) > LARGEST or time.monotonic() > deadline:
                        raise requests.RequestException
    except requests.RequestException as error:
        raise _unavailable(error) from error
    return bytes(body)


def _unavailable(error: Exception) -> ProviderUnavailable:
    logs.get_logger().error("provider.unavailable", exc_info=error)
    return ProviderUnavailable(_DOWN)


def _is_here(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname)


def _is_safe(url: str) -> bool:
    return urlsplit(url).scheme == "https" or (urlsplit(url).scheme == "http" and _is_here(url))
