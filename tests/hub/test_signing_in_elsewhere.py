"""Signing in with the directory's own passwords (a real slapd) and at another site (a real OpenID provider)."""

import logging
import signal

import pytest
import yaml
from tornado.web import HTTPError
from traitlets.config import Config

from beamtorch_hub.configure import configure
from beamtorch_hub.errors import SignInUnavailableError
from beamtorch_hub.settings import prepare
from beamtorch_hub.sign_in.ldap import LdapAuthenticator
from beamtorch_hub.sign_in.settings import OidcSettings, SignInSettings, configure_sign_in, discover

SUFFIX = "dc=torch,dc=example"


def entry(name: str, number: int, more: str = "") -> str:
    return (
        f"dn: uid={name},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n"
        f"objectClass: shadowAccount\ncn: {name}\nsn: {name}\nuid: {name}\nuidNumber: {number}\ngidNumber: {number}\n"
        f"homeDirectory: /home/{name}\nuserPassword: right of {name}\n{more}"
    )


def group(name: str, number: int, *members: str) -> str:
    lines = "".join(f"memberUid: {member}\n" for member in members)
    return f"dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: posixGroup\ncn: {name}\ngidNumber: {number}\n{lines}"


PEOPLE = "\n".join(
    [
        entry("okafor", 50002),
        entry("novak", 50003),
        entry("left", 50004, "shadowExpire: 1\n"),
        group("proposal-2026-0988", 60988, "okafor"),
        group("facility-admin", 60001, "novak"),
    ]
)


@pytest.fixture
def slapd(make_slapd):
    return make_slapd(PEOPLE)


@pytest.fixture
def authenticator(slapd, home) -> LdapAuthenticator:
    home.directory.write_text(yaml.safe_dump({"ldap": slapd.settings(seconds=1)}), encoding="utf-8")
    return LdapAuthenticator(directory_file=str(home.directory))


async def sign_in(authenticator, name, password):
    return await authenticator.get_authenticated_user(None, {"username": name, "password": password})


async def test_the_directory_s_password_signs_in_with_the_directory_s_groups(authenticator):
    model = await sign_in(authenticator, "okafor", "right of okafor")
    assert (model["name"], model["admin"], model["groups"]) == ("okafor", False, ["proposal-2026-0988"])
    assert (await sign_in(authenticator, "novak", "right of novak"))["admin"] is True


@pytest.mark.parametrize(
    ("name", "password"),
    [("okafor", "right of novak"), ("okafor", ""), ("nobody", "x"), ("*", "x"), ("okafor)(uid=*", "x"), ("", "")],
)
async def test_anything_else_signs_nobody_in(authenticator, name, password):
    assert await sign_in(authenticator, name, password) is None


async def test_an_account_that_is_over_is_told_so_only_to_who_knows_its_password(authenticator):
    assert await sign_in(authenticator, "left", "wrong") is None
    with pytest.raises(HTTPError) as told:
        await sign_in(authenticator, "left", "right of left")
    assert told.value.status_code == 403
    assert "is over" in str(told.value)


async def test_a_server_that_is_away_lets_nobody_in_throws_nobody_out_and_no_password_is_logged(
    authenticator, slapd, caplog
):
    class Somebody:
        name = "okafor"

    authenticator.log = logging.getLogger("authenticator")
    slapd.stop(signal.SIGKILL)
    try:
        with pytest.raises(HTTPError) as told:
            await sign_in(authenticator, "okafor", "right of okafor")
        assert told.value.status_code == 503
        assert await authenticator.refresh_user(Somebody()) is True
    finally:
        slapd.start()
    assert "does not answer" in caplog.text
    assert "right of" not in caplog.text
    assert (await authenticator.refresh_user(Somebody()))["groups"] == ["proposal-2026-0988"]


def test_whoever_names_an_ldap_server_signs_in_by_it_without_saying_so(home, slapd):
    settings = prepare(home, 8123)
    config = Config()
    configure(config, settings)
    assert config.JupyterHub.authenticator_class == "beamtorch-demo"
    home.directory.write_text(yaml.safe_dump({"ldap": slapd.settings()}), encoding="utf-8")
    configure(config, settings)
    assert config.JupyterHub.authenticator_class == "beamtorch-ldap"


@pytest.fixture
def site(provider, home) -> OidcSettings:
    secret = home.secrets / "oidc"
    secret.write_text("the client's own\n", encoding="utf-8")
    return OidcSettings(issuer=provider, client_id="beamtorch", client_secret_file=secret)


def test_a_site_that_says_it_is_another_is_not_believed(site, home):
    other = site.model_copy(update={"issuer": site.issuer.upper().replace("HTTP", "http")})
    with pytest.raises(SignInUnavailableError, match="says that it is http://localhost"):
        discover(other, home.state / "oidc.json")


def test_signing_in_by_oidc_without_saying_where_is_told(home):
    settings = SignInSettings.model_validate({"way": "oidc"})
    with pytest.raises(SignInUnavailableError, match="Add “oidc:”"):
        configure_sign_in(Config(), settings, home, "http://127.0.0.1:8000/")


def test_a_site_is_found_by_its_issuer_and_what_it_said_last_counts_while_it_is_away(site, home, provider_process):
    kept = home.state / "oidc.json"
    found = discover(site, kept)
    assert found.token_endpoint.startswith(site.issuer)
    provider_process.kill()
    provider_process.wait()
    assert discover(site, kept) == found
    kept.unlink()
    with pytest.raises(SignInUnavailableError, match="does not tell how"):
        discover(site, kept)
