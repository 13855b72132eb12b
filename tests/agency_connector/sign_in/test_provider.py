"""Signing in at a real identity provider over loopback: what is taken, and each thing refused."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from agency_connector.sign_in import provider as provider_module
from agency_connector.sign_in import trail
from protocol.encoding import b64u_encode
from tests.agency_connector.pages.browser import forms
from tests.agency_connector.sign_in.conftest import Connector
from tests.agency_connector.sign_in.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.conftest import FakeClock

MakeApp = Callable[..., Flask]
ROLE_TO_SUPERVISE = ["IFI officers", "IFI supervisors"]


def to_provider(client: FlaskClient, path: str = "/sign-in/begin") -> str:
    """Begin at the connector; go through the provider; return where it sends the browser back."""
    begun = client.get(path)
    assert begun.status_code == 303
    with requests.Session() as browser:
        browser.trust_env = False
        answer = browser.get(begun.location, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}" == "http://127.0.0.1:8300"
    return f"{back.path}?{back.query}"


def forged(header: dict[str, str], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token made by hand, as no library of good faith makes one."""
    signed = ".".join(b64u_encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{b64u_encode(sign(signed.encode()))}"


def sign_in(client: FlaskClient, path: str = "/sign-in/begin") -> TestResponse:
    """Sign in; return what the connector answers in the end."""
    return client.get(to_provider(client, path))


def refusals(connector: Connector) -> list[str]:
    return [
        event.because for event in trail.events(connector.installation) if event.kind == "refused"
    ]


def test_somebody_signs_in_and_is_known_by_issuer_and_subject(
    by_provider: MakeApp, provider: IdentityProvider, connector: Connector
) -> None:
    client = by_provider().test_client()
    page = client.get("/sign-in")
    assert "Sign in with Borsetshire sign-in" in page.text
    answer = sign_in(client)
    assert answer.status_code == 200
    assert answer.headers["Refresh"] == "0; url=/"
    [asked] = provider.asked
    assert asked["code_challenge_method"] == "S256"
    assert asked["response_type"] == "code"
    assert asked["max_age"] == "43200"
    assert len(asked["state"]) == len(asked["nonce"]) == 43
    assert SECRET not in str(asked)
    told = client.get("/session").text
    assert "Phoebe Archer" in told
    assert f"{provider.address}#archer-17" in told
    [event] = trail.events(connector.installation)
    assert (event.kind, event.roles) == ("signed-in", "officer")
    assert trail.name_of(connector.installation, f"{provider.address}#archer-17") == "Phoebe Archer"


def test_cookies_of_a_sign_in_are_kept_from_scripts(by_provider: MakeApp) -> None:
    client = by_provider().test_client()
    begun = client.get("/sign-in/begin").headers["Set-Cookie"]
    assert begun.startswith("sign-in-police=")
    assert "HttpOnly" in begun
    assert "SameSite=Lax" in begun
    session = sign_in(client).headers.getlist("Set-Cookie")[0]
    assert session.startswith("session-police=")
    assert "SameSite=Strict" in session


@pytest.mark.parametrize(
    ("claims", "because"),
    [
        ({"iss": "https://other.example"}, "iss"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": [CLIENT, "another-client"]}, "aud"),
        ({"azp": "another-client"}, "azp"),
        ({"exp": 1_768_478_300}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"iat": 1_768_478_400 + 3600}, "iat"),
        ({"iat": 1_768_478_400 - 3600}, "iat"),
        ({"nbf": 1_768_478_400 + 3600}, "nbf"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": 7}, "nonce"),
        ({"auth_time": None}, "auth_time"),
        ({"auth_time": 1_768_478_400 - 13 * 3600}, "auth_time"),
        ({"auth_time": 1_768_478_400 + 3600}, "auth_time"),
        ({"amr": ["pwd"]}, "amr"),
        ({"amr": None}, "amr"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "sub"),
    ],
)
def test_a_wrong_claim_is_refused(
    by_provider: MakeApp,
    provider: IdentityProvider,
    connector: Connector,
    claims: dict[str, Any],
    because: str,
) -> None:
    client = by_provider().test_client()
    provider.claims = claims
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "You are not signed in" in answer.text
    assert client.get("/").location == "/sign-in"
    assert refusals(connector) == [f"claim-{because}"]


def test_a_wrong_acr_is_refused(by_provider: MakeApp, provider: IdentityProvider) -> None:
    client = by_provider('acr = ["phrh"]').test_client()
    provider.claims = {"acr": "pwd"}
    assert sign_in(client).status_code == 403
    assert provider.asked[-1]["acr_values"] == "phrh"
    provider.claims = {}
    assert sign_in(client).status_code == 200


@pytest.mark.parametrize("kind", ["another key", "no signature", "the public key as a secret"])
def test_a_token_that_the_provider_did_not_sign_is_refused(
    by_provider: MakeApp, provider: IdentityProvider, connector: Connector, kind: str
) -> None:
    client = by_provider().test_client()
    honest = provider.signing_key
    if kind == "another key":
        provider.signing_key = RSAKey.generate_key(2048, {"kid": honest.kid})
    elif kind == "no signature":
        provider.forge = lambda told: forged({"alg": "none"}, told, lambda _: b"")
    else:
        secret = honest.as_pem(private=False)
        provider.forge = lambda told: forged(
            {"alg": "HS256", "kid": "first"},
            told,
            lambda signed: hmac.digest(secret, signed, hashlib.sha256),
        )
    provider.keys = [honest]
    answer = sign_in(client)
    assert answer.status_code == 403
    assert client.get("/").location == "/sign-in"
    assert refusals(connector) == ["provider-refused"]


def test_a_new_key_of_the_provider_is_fetched_but_not_again_and_again(
    by_provider: MakeApp, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = by_provider().test_client()
    assert sign_in(client).status_code == 200
    provider.rotate()
    assert sign_in(client).status_code == 403
    assert provider.fetched.count("keys") == 1
    monkeypatch.setattr(provider_module, "ANEW_AFTER_S", 0)
    assert sign_in(client).status_code == 200
    assert provider.fetched.count("keys") == 2
    assert provider.fetched.count("discovery") == 1


def test_a_state_is_good_once_and_in_its_own_browser(
    by_provider: MakeApp, connector: Connector, provider: IdentityProvider, clock: FakeClock
) -> None:
    app = by_provider()
    client, other = app.test_client(), app.test_client()
    back = to_provider(client)
    cookie = client.get_cookie("sign-in-police")
    assert cookie is not None
    assert other.get(back).status_code == 403
    to_provider(other)
    assert other.get(back).status_code == 403
    assert client.get(back).status_code == 200
    client.set_cookie("sign-in-police", cookie.value)
    assert client.get(back).status_code == 403
    late = to_provider(client)
    clock.advance(10 * 60_000)
    assert client.get(late).status_code == 403
    assert set(refusals(connector)) == {"no-such-attempt"}


def test_a_code_is_good_once_and_only_with_its_verifier(
    by_provider: MakeApp, connector: Connector, provider: IdentityProvider
) -> None:
    """The provider refuses another browser's code, which was asked for with another verifier."""
    app = by_provider()
    victim, thief = app.test_client(), app.test_client()
    stolen = parse_qs(urlsplit(to_provider(victim)).query)["code"][0]
    own = parse_qs(urlsplit(to_provider(thief)).query)
    answer = thief.get("/sign-in/callback", query_string={"state": own["state"], "code": stolen})
    assert answer.status_code == 403
    used = own["code"][0]
    provider.codes.clear()
    again = parse_qs(urlsplit(to_provider(thief)).query)
    answer = thief.get("/sign-in/callback", query_string={"state": again["state"], "code": used})
    assert answer.status_code == 403
    assert refusals(connector) == ["provider-refused", "provider-refused"]


def test_an_answer_of_another_provider_is_refused(
    by_provider: MakeApp, provider: IdentityProvider, connector: Connector
) -> None:
    """RFC 9207: `iss` must be right if it is there, and there if the provider says it sends it."""
    client = by_provider().test_client()
    assert client.get(to_provider(client) + "&iss=https://evil.example").status_code == 403
    assert client.get(f"{to_provider(client)}&iss={provider.address}").status_code == 200
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    strict = by_provider().test_client()
    assert sign_in(strict).status_code == 403
    assert strict.get(f"{to_provider(strict)}&iss={provider.address}").status_code == 200


def test_a_refusal_of_the_provider_is_told(by_provider: MakeApp, connector: Connector) -> None:
    client = by_provider().test_client()
    state = parse_qs(urlsplit(to_provider(client)).query)["state"][0]
    answer = client.get(
        "/sign-in/callback", query_string={"state": state, "error": "access_denied<script>"}
    )
    assert answer.status_code == 403
    assert "did not let you in" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "http://idp.example/token"},
        {"jwks_uri": "ftp://127.0.0.1/keys"},
        {"authorization_endpoint": None},
        {"end_session_endpoint": "http://idp.example/end"},
    ],
)
def test_a_discovery_document_that_is_not_the_issuers_is_refused(
    by_provider: MakeApp, provider: IdentityProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    answer = by_provider().test_client().get("/sign-in/begin")
    assert answer.status_code == 503
    assert "You are not signed in" in answer.text


def test_a_provider_that_failed_is_not_asked_at_once_again(
    by_provider: MakeApp, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each sign-in would hold a thread that officers' pages need."""
    provider.metadata = {"issuer": "https://other.example"}
    client = by_provider().test_client()
    for _ in range(3):
        assert client.get("/sign-in/begin").status_code == 503
    assert provider.fetched == ["discovery"]
    provider.metadata = {}
    monkeypatch.setattr(provider_module, "AGAIN_AFTER_S", 0)
    assert client.get("/sign-in/begin").status_code == 303


def test_without_the_provider_there_is_one_clear_page_and_local_things_go_on(
    by_provider: MakeApp, provider: IdentityProvider, connector: Connector
) -> None:
    client = by_provider().test_client()
    assert sign_in(client).status_code == 200
    provider.address = "http://127.0.0.1:1"
    town_app = by_provider()
    down = town_app.test_client().get("/sign-in/begin")
    assert down.status_code == 503
    assert "does not answer" in down.text
    assert town_app.test_client().get("/sign-in").status_code == 200
    # Whoever has signed in goes on.
    assert client.get("/session").status_code == 200


def test_somebody_without_a_role_is_told_so_and_recorded(
    by_provider: MakeApp, provider: IdentityProvider, connector: Connector
) -> None:
    provider.claims = {"roles": ["Canteen"]}
    client = by_provider().test_client()
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "gives you no role" in answer.text
    assert refusals(connector) == ["no-role"]


def test_a_change_of_roles_is_recorded(
    by_provider: MakeApp, provider: IdentityProvider, connector: Connector
) -> None:
    client = by_provider().test_client()
    sign_in(client)
    provider.claims = {"roles": ROLE_TO_SUPERVISE}
    sign_in(client)
    told = [(each.kind, each.roles, each.because) for each in trail.events(connector.installation)]
    assert ("roles-changed", "officer, supervisor", "before: officer") in told


def test_training_has_to_be_recent(
    by_provider: MakeApp, provider: IdentityProvider, connector: Connector
) -> None:
    client = by_provider('trained_claim = "trained"', "training_months = 12").test_client()
    for trained, status in (
        (None, 403), ("never", 403), ("2025-01-14", 403), ("2026-02-01", 403),
        ("2025-01-15", 200), ("2025-12-01", 200),
    ):  # fmt: skip
        provider.claims = {"trained": trained}
        assert sign_in(client).status_code == status, trained
    assert refusals(connector) == ["not-trained", "not-trained", "training-too-old", "not-trained"]


def test_a_managed_device_is_wanted_if_the_settings_say_so(
    by_provider: MakeApp, provider: IdentityProvider, connector: Connector
) -> None:
    client = by_provider('managed_device_claim = "device.managed"').test_client()
    for told, status in ((None, 403), ({"managed": False}, 403), ({"managed": "yes"}, 403),
                         ({"managed": True}, 200)):  # fmt: skip
        provider.claims = {"device": told}
        assert sign_in(client).status_code == status, told
    assert refusals(connector) == ["not-from-here"] * 3


@pytest.mark.parametrize(
    ("given", "led_to"),
    [
        ("/references", "/references"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/%2fevil.example", "/"),
        ("/../x", "/"),
        ("/a//b", "/"),
        ("javascript:alert(1)", "/"),
        ("/sign-in/begin", "/"),
        ("/x?then=//evil.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_one_goes_on_at_a_path_of_ours_alone(by_provider: MakeApp, given: str, led_to: str) -> None:
    client = by_provider().test_client()
    begun = client.get("/sign-in/begin", query_string={"then": given})
    assert begun.status_code == 303
    with requests.Session() as browser:
        browser.trust_env = False
        back = urlsplit(
            browser.get(begun.location, allow_redirects=False, timeout=10).headers["Location"]
        )
    answer = client.get(f"{back.path}?{back.query}")
    assert answer.headers["Refresh"] == f"0; url={led_to}"


def test_a_name_of_300_characters_and_markup_does_no_harm(
    by_provider: MakeApp, provider: IdentityProvider
) -> None:
    provider.claims = {"name": "<b>" + "x" * 300 + "\u202e\x00", "sub": "s" * 255}
    client = by_provider().test_client()
    assert sign_in(client).status_code == 200
    page = client.get("/session").text
    assert "<b>" not in page
    assert "\u202e" not in page


def test_signing_out_leads_on_to_sign_out_at_the_provider_too(
    by_provider: MakeApp, provider: IdentityProvider
) -> None:
    """RP-Initiated Logout 1.0 §2; nothing of the person stands in the address."""
    provider.metadata["end_session_endpoint"] = f"{provider.address}/end?tenant=1"
    client = by_provider().test_client()
    sign_in(client)
    csrf = next(iter(forms(client.get("/session")).values()))["csrf"]
    page = client.post("/sign-out", data={"csrf": csrf})
    assert page.status_code == 200
    onward = page.headers["Refresh"].removeprefix("0; url=")
    assert onward.startswith(f"{provider.address}/end?tenant=1&")
    assert parse_qs(urlsplit(onward).query) == {
        "tenant": ["1"],
        "client_id": [CLIENT],
        "post_logout_redirect_uri": ["http://127.0.0.1:8300/sign-in"],
    }
    assert "Phoebe" not in page.text
    assert "sign out of Borsetshire sign-in" in page.text
    assert client.get("/session").status_code == 303, "whatever becomes of it there"


def test_without_its_end_session_endpoint_one_is_signed_out_here(
    by_provider: MakeApp,
) -> None:
    client = by_provider().test_client()
    sign_in(client)
    csrf = next(iter(forms(client.get("/session")).values()))["csrf"]
    answer = client.post("/sign-out", data={"csrf": csrf})
    assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_a_supervisors_act_wants_a_fresh_and_strong_sign_in(
    by_provider: MakeApp, provider: IdentityProvider, clock: FakeClock
) -> None:
    app = by_provider('supervisor_acr = ["phrh"]')
    client = app.test_client()
    provider.claims = {"roles": ROLE_TO_SUPERVISE, "acr": "pwd"}
    assert sign_in(client).status_code == 200
    begun = client.get("/sign-in/begin?again=1&then=/session")
    query = parse_qs(urlsplit(begun.location).query)
    assert query["prompt"] == ["login"]
    assert query["max_age"] == ["0"]
    assert query["acr_values"] == ["phrh"]
    # The same weak sign-in again will not do, nor one from before the question, nor another person.
    assert sign_in(client, "/sign-in/begin?again=1").status_code == 403
    provider.claims = {"roles": ROLE_TO_SUPERVISE, "auth_time": clock() // 1000 - 600}
    assert sign_in(client, "/sign-in/begin?again=1").status_code == 403
    provider.claims = {"roles": ROLE_TO_SUPERVISE, "sub": "somebody-else"}
    assert sign_in(client, "/sign-in/begin?again=1").status_code == 403
    provider.claims = {"roles": ROLE_TO_SUPERVISE}
    before = client.get_cookie("session-police")
    assert sign_in(client, "/sign-in/begin?again=1").status_code == 200
    after = client.get_cookie("session-police")
    assert before is not None
    assert after is not None
    assert before.value != after.value


def test_the_session_before_a_new_sign_in_ends_though_the_browser_cannot_send_it(
    by_provider: MakeApp, connector: Connector
) -> None:
    """Coming back from the provider's site a browser sends no Strict cookie."""
    app = by_provider()
    client, thief = app.test_client(), app.test_client()
    sign_in(client)
    stolen = client.get_cookie("session-police")
    assert stolen is not None
    thief.set_cookie("session-police", stolen.value)
    assert thief.get("/session").status_code == 200
    back = to_provider(client, "/sign-in/begin?again=1")
    client.delete_cookie("session-police")
    assert client.get(back).status_code == 200
    assert thief.get("/session").status_code == 303
    assert trail.events(connector.installation)[-1].kind == "signed-in-again"
