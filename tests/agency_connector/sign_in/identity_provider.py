"""A real OpenID provider on loopback: Authlib's own server side, with claims that a test may bend.

It checks redirect address, client secret and PKCE itself, and a code is good once.
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from werkzeug.serving import make_server

from tests.conftest import FakeClock

CLIENT = "interest-flag-index"
SECRET = "the-secret-of-the-client"
CALLBACK = "http://127.0.0.1:8300/sign-in/callback"


class _Client(ClientMixin):
    """The one client that the provider knows."""

    def __init__(self, callback: str) -> None:
        self.callback = callback

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.callback

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.callback

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, SECRET)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class _Code:
    """A code with what it was asked for with."""

    code: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str
    nonce: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@cache
def _first_key() -> Any:
    return RSAKey.generate_key(2048, {"kid": "first"})


@dataclass
class IdentityProvider:
    """The provider. `claims` replace those of an honest token (None removes one)."""

    clock: FakeClock
    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    forge: Callable[[dict[str, Any]], str] | None = None
    signing_key: Any = None
    keys: list[Any] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    codes: dict[str, _Code] = field(default_factory=dict)
    subject: str = "archer-17"
    callback: str = CALLBACK

    def __post_init__(self) -> None:
        self.signing_key = _first_key()
        self.keys = [self.signing_key]

    def begin_anew(self, clock: FakeClock, address: str) -> None:
        """Be an honest provider again that nobody has asked anything."""
        fresh = IdentityProvider(clock, address)
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

    def rotate(self) -> None:
        """Sign with a new key, and name it alone."""
        self.signing_key = ECKey.generate_key("P-256", {"kid": "second"})
        self.keys = [self.signing_key]

    def id_token(self, nonce: str) -> str:
        """An ID token, honest but for what the test bent."""
        now = self.clock() // 1000
        told = {
            "iss": self.address, "sub": self.subject, "aud": CLIENT, "exp": now + 300, "iat": now,
            "auth_time": now, "nonce": nonce, "acr": "phrh", "amr": ["pwd", "otp"],
            "name": "Phoebe Archer", "given_name": "Phoebe", "family_name": "Archer",
            "roles": ["IFI officers"], **self.claims,
        }  # fmt: skip
        key = self.signing_key
        algorithm = {"RSA": "RS256", "EC": "ES256"}[key.key_type]
        wanted = {name: value for name, value in told.items() if value is not None}
        if self.forge is not None:
            return self.forge(wanted)
        return jwt.encode({"alg": algorithm, "kid": key.kid}, wanted, key, algorithms=[algorithm])

    def app(self) -> Flask:
        """The provider's endpoints."""
        app = Flask("identity-provider", static_folder=None)
        provider = self

        class Grant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types for it
            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

            def save_authorization_code(self, code: str, request: Any) -> None:
                told = request.payload.data
                provider.codes[code] = _Code(
                    code, told["redirect_uri"], told["scope"], told["code_challenge"],
                    told["code_challenge_method"], told["nonce"],
                )  # fmt: skip

            def query_authorization_code(self, code: str, client: Any) -> _Code | None:
                return provider.codes.get(code)

            def delete_authorization_code(self, authorization_code: _Code) -> None:
                del provider.codes[authorization_code.code]

            def authenticate_user(self, authorization_code: _Code) -> str:
                return provider.subject

        class IdToken:
            def __call__(self, grant: Any) -> None:
                grant.register_hook("after_create_token_response", self.add)

            def add(self, grant: Any, response: Any) -> Any:
                token = response[1]
                token["id_token"] = provider.id_token(grant.request.authorization_code.nonce)
                return token

        server = AuthorizationServer(
            app, query_client=lambda _: _Client(provider.callback), save_token=lambda *_: None
        )
        server.register_grant(Grant, [CodeChallenge(required=True), IdToken()])

        @app.get("/.well-known/openid-configuration")
        def discovery() -> Response:
            provider.fetched.append("discovery")
            return jsonify(
                {
                    "issuer": provider.address,
                    "authorization_endpoint": f"{provider.address}/authorize",
                    "token_endpoint": f"{provider.address}/token",
                    "jwks_uri": f"{provider.address}/keys",
                    **provider.metadata,
                }
            )

        @app.get("/keys")
        def keys() -> Response:
            provider.fetched.append("keys")
            return jsonify(KeySet(provider.keys).as_dict(private=False))

        @app.get("/authorize")
        def authorize() -> Any:
            provider.asked.append(request.args.to_dict())
            return server.create_authorization_response(
                grant=server.get_consent_grant(end_user=provider.subject),
                grant_user=provider.subject,
            )

        @app.get("/end")
        def end() -> Any:
            return redirect(request.args["post_logout_redirect_uri"])

        @app.post("/token")
        def token() -> Any:
            return server.create_token_response()

        return app


@contextmanager
def serving(provider: IdentityProvider) -> Iterator[IdentityProvider]:
    """Serve the provider on a free port of loopback until the end of the block."""
    server = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
