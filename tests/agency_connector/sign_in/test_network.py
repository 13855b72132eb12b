"""From where the pages may be used: networks, proxies, devices, TLS, and the API's own machine."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from agency_connector.app import create_app
from agency_connector.commands.run import require_fit
from agency_connector.pages import local_users
from foundation.operator import OperatorError
from tests.agency_connector.sign_in.conftest import Connector
from tests.agency_connector.sign_in.people import somebody

PUBLIC = """[sign_in]
address = "https://names.borset.example"
accounts = true
trusted_proxies = {proxies}
{more}
"""
NETWORKS = 'networks = ["10.20.0.0/16", "2001:db8:1::/48"]'


def client_of(connector: Connector, more: str = "", proxies: int = 1) -> FlaskClient:
    return create_app(connector.set_up(PUBLIC.format(proxies=proxies, more=more))).test_client()


def at(
    client: FlaskClient, forwarded: str | None, path: str = "/sign-in", **more: str
) -> TestResponse:
    """Call as the proxies pass a request on."""
    headers = {"Host": "names.borset.example", **more}
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
        headers.setdefault("X-Forwarded-Proto", ",".join("https" for _ in forwarded.split(",")))
    return client.get(path, headers=headers)


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("10.20.3.4", 200),
        ("::ffff:10.20.3.4", 200),
        ("2001:db8:1::7", 200),
        ("10.21.3.4", 403),
        ("127.0.0.1", 403),
        ("nonsense", 403),
        ("10.20.3.4, 192.0.2.9", 403),  # the browser's own claim, before what the proxy saw
        ("192.0.2.9, 10.20.3.4", 200),
    ],
)
def test_one_trusted_proxy_says_from_where(
    connector: Connector, forwarded: str, status: int
) -> None:
    assert at(client_of(connector, NETWORKS), forwarded).status_code == status


def test_two_trusted_proxies_are_counted_from_ours(connector: Connector) -> None:
    client = client_of(connector, NETWORKS, proxies=2)
    assert at(client, "10.20.3.4, 192.0.2.1").status_code == 200
    assert at(client, "192.0.2.9, 10.20.3.4").status_code == 403
    assert at(client, "10.20.3.4").status_code in (403, 421)


def test_what_did_not_come_through_the_proxy_is_refused(connector: Connector) -> None:
    assert at(client_of(connector), None, **{"X-Forwarded-Proto": "https"}).status_code == 403


def test_without_trusted_proxies_forwarded_fields_are_ignored(connector: Connector) -> None:
    toml = '[sign_in]\naccounts = true\nnetworks = ["10.20.0.0/16"]\n'
    client = create_app(connector.set_up(toml)).test_client()
    assert client.get("/sign-in", headers={"X-Forwarded-For": "10.20.3.4"}).status_code == 403


def test_a_managed_device_will_do_in_place_of_a_network(connector: Connector) -> None:
    client = client_of(connector, NETWORKS + '\nmanaged_device_header = "X-Managed-Device"')
    assert at(client, "192.0.2.9", **{"X-Managed-Device": "true"}).status_code == 200
    assert at(client, "192.0.2.9", **{"X-Managed-Device": "false"}).status_code == 403
    assert at(client, "10.20.3.4").status_code == 200


def test_a_session_is_not_carried_out_of_the_network(connector: Connector) -> None:
    client = client_of(connector, NETWORKS)
    who = somebody(client.application, connector.installation)
    inside = {"Host": "names.borset.example", "X-Forwarded-For": "10.20.3.4",
              "X-Forwarded-Proto": "https"}  # fmt: skip
    typed = {"user_name": who.user, "password": "three words do well", "code": who.code()}
    signed_in = client.post("/sign-in", data=typed, headers=inside)
    cookie = signed_in.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie
    assert "max-age" in signed_in.headers["Strict-Transport-Security"]
    value = cookie.partition("=")[2].partition(";")[0]
    own = {"Cookie": f"__Host-session={value}"}
    assert at(client, "10.20.3.4", "/session", **own).status_code == 200
    assert at(client, "192.0.2.9", "/session", **own).status_code == 403


def test_another_host_and_plain_http_are_misdirected(connector: Connector) -> None:
    client = client_of(connector)
    assert at(client, "10.20.3.4", Host="127.0.0.1:8300").status_code == 421
    assert at(client, "10.20.3.4", **{"X-Forwarded-Host": "evil.example"}).status_code == 200
    assert at(client, "10.20.3.4", **{"X-Forwarded-Proto": "http"}).status_code == 421
    assert at(client, "10.20.3.4", Host="names.borset.example:443").status_code == 200


def test_the_api_answers_programs_of_its_own_machine_alone(connector: Connector) -> None:
    client = client_of(connector)
    token = local_users.new_token(connector.installation, "pc-archer")
    own = {"Authorization": f"Bearer {token}", "Host": "127.0.0.1:8300"}
    here = client.get("/api/choices", headers=own)
    assert here.status_code != 403
    for more in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
        assert client.get("/api/choices", headers={**own, **more}).status_code == 403
    client.environ_base["REMOTE_ADDR"] = "10.20.3.4"
    assert client.get("/api/choices", headers=own).status_code == 403


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[sign_in]\n", "nobody could sign in"),
        ('[sign_in]\naccounts = true\naddress = "http://names.example"\n', "address is not https"),
        ('[sign_in]\naccounts = true\naddress = "https://names.example"\n', "trusted_proxies"),
        ('[sign_in]\naccounts = true\nmanaged_device_header = "X-D"\n', "trusted proxy"),
        ('[sign_in]\naccounts = true\nnetworks = ["10.20.0.0/8"]\n', "not a network"),
        ("[sign_in]\naccounts = true\ntrusted_proxies = -1\n", "trusted_proxies"),
        (('[sign_in]\naddress = "http://127.0.0.1:8300"\n[sign_in.provider]\n'
         'issuer = "https://idp.example"\nclient_id = "x"\n[sign_in.provider.roles]\n'
         'officer = ["x"]\n'), "second factor"),
        (('[sign_in]\naddress = "http://127.0.0.1:8300"\n[sign_in.provider]\n'
         'issuer = "http://idp.example"\nclient_id = "x"\namr = ["mfa"]\n'
         '[sign_in.provider.roles]\nofficer = ["x"]\n'), "issuer is not https"),
        (('[sign_in]\naddress = "http://127.0.0.1:8300"\n[sign_in.provider]\n'
         'issuer = "https://idp.example"\nclient_id = "x"\namr = ["mfa"]\n'
         "[sign_in.provider.roles]\n"), "nobody a role"),
        (('[sign_in]\n[sign_in.provider]\nissuer = "https://idp.example"\nclient_id = "x"\n'
         'amr = ["mfa"]\n[sign_in.provider.roles]\nofficer = ["x"]\n'), "come back to"),
        ('[sign_in]\naddress = "http://127.0.0.1:8300"\nclient_secret = "x"\naccounts = true\n',
         "client_secret"),
    ],
)  # fmt: skip
def test_settings_that_are_unsafe_or_contradict_one_another_are_refused(
    connector: Connector, toml: str, words: str
) -> None:
    with pytest.raises(OperatorError, match=words):
        connector.set_up(toml)


def test_other_machines_are_listened_to_only_behind_tls(
    connector: Connector, capsys: pytest.CaptureFixture[str]
) -> None:
    public = connector.set_up(PUBLIC.format(proxies=1, more="")).settings.sign_in
    require_fit("0.0.0.0:8300", public)
    assert capsys.readouterr().err == ""
    plain = connector.set_up("[sign_in]\naccounts = true\n").settings.sign_in
    require_fit("127.0.0.1:8300", plain)
    assert "not marked Secure" in capsys.readouterr().err
    for settings in (plain, None):
        with pytest.raises(OperatorError, match="this machine only"):
            require_fit("0.0.0.0:8300", settings)
