"""A whole platform at which people sign in at another site: the real flow, through a real OpenID provider."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = [pytest.mark.platform]
PEOPLE = {
    "people": [
        {"username": "okafor", "full_name": {"en": "Ada Okafor", "zh": "阿达"}, "uid": 50002, "gid": 50002,
         "groups": ["facility-admin"]},
        {"username": "left", "full_name": {"en": "Left", "zh": "离"}, "uid": 50003, "gid": 50003},
    ],
    "locked": ["left"],
}  # fmt: skip


@pytest.fixture(scope="module")
def facility(provider, make_platform, tmp_path_factory):
    secret = tmp_path_factory.mktemp("oidc") / "secret"
    secret.write_text("the-client-s-own-secret-5k2\n")
    site = {
        "issuer": provider,
        "client_id": "beamtorch",
        "client_secret_file": str(secret),
        "name": "Example Institute",
    }
    settings = {"facility": {"en": "Example", "zh": "示例"}, "sign_in": {"oidc": site}}
    return make_platform("oidc", PEOPLE, settings)


def sign_in(browser, subject: str):
    """Press the button, say at the site who one is, and come back."""
    asked = browser.http.get("/hub/oauth_login")
    assert asked.url.port != int(browser.http.base_url.port)
    return browser.http.post(str(asked.url), data={"sub": subject})


def test_the_page_offers_the_site_by_name_and_asks_for_no_password(browser_of):
    page = browser_of().http.get("/hub/login").text
    assert "Sign in with Example Institute" in page
    assert "用 Example Institute 登录" in page
    assert 'type="password"' not in page


def test_who_the_site_vouches_for_is_who_the_directory_says(browser_of):
    browser = browser_of()
    home = sign_in(browser, "7")
    assert home.status_code == 200
    assert urlsplit(str(home.url)).path == "/hub/home"
    # The directory says that she runs the facility; the site said nothing about it.
    assert browser.http.get("/hub/admin").status_code == 200
    assert "Ada Okafor" in browser.http.get("/hub/home").text


@pytest.mark.parametrize(
    ("subject", "said"), [("8", "knows nobody called “stranger”"), ("9", "“left” is locked in the directory")]
)
def test_somebody_whom_the_directory_does_not_let_in_is_told_so(browser_of, subject, said):
    refused = sign_in(browser_of(), subject)
    assert refused.status_code == 403
    assert said in refused.text


def test_an_answer_that_nobody_asked_for_signs_nobody_in(browser_of):
    browser = browser_of()
    asked = browser.http.get("/hub/oauth_login")
    state = parse_qs(urlsplit(str(asked.url)).query)["state"][0]
    for query in (f"code=made-up&state={state}", "code=made-up&state=another", "code=made-up", "error=access_denied"):
        refused = browser.http.get(f"/hub/oauth_callback?{query}")
        assert 400 <= refused.status_code < 600
        assert refused.status_code != 500, query
    assert browser.http.get("/hub/home").url.path == "/hub/login"


def test_no_log_has_the_client_s_secret_or_a_token_of_the_site(facility):
    _, home = facility
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (home / "logs").rglob("*.log")]
    assert any("OAuth redirect" in text for text in texts)
    for text in texts:
        assert "the-client-s-own-secret" not in text
        assert not re.search(r"(access|refresh|id)_token\W{1,4}[\w.-]{16}", text)
        # What the site gave to the browser to bring here is as good as a token for a minute.
        assert not re.search(r"oauth_callback\?code=(?!\[secret\])", text)
