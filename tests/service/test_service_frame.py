"""Both services stand in one frame: the Hub says who calls, browsers sign in there, errors are problem documents."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import SecretStr

from beamtorch_facility import BeamtorchError, Words
from beamtorch_service import HubLogin, HubSettings, create_service
from beamtorch_service.testing import FakeHub

PREFIX = "/services/shelf/"
ACCESS = "access:services!service=shelf"


class EmptyShelfError(BeamtorchError):
    code = "empty-shelf-of-the-test"
    status = 409


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def login(hub: FakeHub) -> HubLogin:
    settings = HubSettings(
        service="shelf",
        prefix=PREFIX,
        api_url="http://hub.test/hub/api",
        api_token=SecretStr("the-service-token"),
        listen_port=8080,
    )
    return HubLogin(settings, hub.client())


def shelf(login: HubLogin) -> FastAPI:
    app = create_service(title="shelf", version="1", prefix=PREFIX)
    app.include_router(login.router(), prefix=PREFIX.rstrip("/"))

    @app.get(f"{PREFIX}who")
    async def who(request: Request) -> dict[str, str]:
        return {"name": (await login.by_header(request)).username}

    @app.post(f"{PREFIX}change")
    async def change(request: Request) -> dict[str, str]:
        return {"name": (await login.by_header(request)).name}

    @app.get(f"{PREFIX}page")
    async def page(request: Request):
        caller = await login.by_cookie(request)
        return {"name": caller.name} if caller else login.send_to_hub(request)

    @app.get(f"{PREFIX}empty")
    async def empty() -> None:
        raise EmptyShelfError(Words(en="Nothing here. Come back at noon.", zh="这里没有东西，请中午再来。"), shelf=7)

    @app.get(f"{PREFIX}broken")
    async def broken() -> None:
        raise RuntimeError("the-service-token fell out")

    return app


@pytest.fixture
async def browser(login: HubLogin) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(shelf(login), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://platform.test") as client:
        yield client


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"token {token}"}


async def test_a_token_names_its_owner(browser, hub):
    answer = await browser.get(f"{PREFIX}who", headers=bearing(hub.issue("lin", ACCESS)))
    assert answer.json() == {"name": "lin"}


@pytest.mark.parametrize(("scopes", "kind", "status"), [((), "user", 403), (("access:services",), "service", 403)])
async def test_who_may_not_use_the_service_is_told_so(browser, hub, scopes, kind, status):
    answer = await browser.get(f"{PREFIX}who", headers=bearing(hub.issue("lin", *scopes, kind=kind)))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail_zh"]


async def test_nobody_and_an_unknown_token_are_sent_away(browser):
    for headers in ({}, bearing("made-up"), {"Authorization": "Basic x"}):
        answer = await browser.get(f"{PREFIX}who", headers=headers)
        assert answer.status_code == 401
        assert "made-up" not in answer.text


async def test_a_hub_that_is_away_or_ill_is_a_503_not_a_refusal(browser, hub):
    token = hub.issue("lin", ACCESS)
    hub.healthy = False
    assert (await browser.get(f"{PREFIX}who", headers=bearing(token))).status_code == 503
    hub.reachable = False
    assert (await browser.get(f"{PREFIX}who", headers=bearing(token))).status_code == 503


async def test_the_hub_is_asked_once_for_a_burst_of_requests(browser, hub):
    token = hub.issue("lin", ACCESS)
    for _ in range(5):
        await browser.get(f"{PREFIX}who", headers=bearing(token))
    assert hub.asked == 1


async def test_a_browser_signs_in_at_the_hub_and_comes_back_to_its_page(browser, hub):
    token = hub.issue("lin", ACCESS)
    sent = await browser.get(f"{PREFIX}page?q=tooth")
    assert sent.status_code == 302
    assert sent.headers["location"].startswith("/hub/api/oauth2/authorize?client_id=service-shelf")
    back = await browser.get(hub.authorize(sent.headers["location"], token))
    assert back.headers["location"] == f"{PREFIX}page?q=tooth"
    assert "httponly" in back.headers["set-cookie"].lower()
    assert (await browser.get(f"{PREFIX}page")).json() == {"name": "lin"}


async def test_a_sign_in_that_this_browser_did_not_start_is_not_taken(browser, hub):
    token = hub.issue("mallory", ACCESS)
    sent = await browser.get(f"{PREFIX}page")
    callback = hub.authorize(sent.headers["location"], token)
    browser.cookies.clear()
    answer = await browser.get(callback)
    assert answer.status_code == 401
    assert "cookies have to be allowed" in answer.json()["detail"]
    assert (await browser.get(f"{PREFIX}page")).status_code == 302


async def test_two_tabs_may_sign_in_at_once(browser, hub):
    token = hub.issue("lin", ACCESS)
    first, second = await browser.get(f"{PREFIX}page?q=1"), await browser.get(f"{PREFIX}page?q=2")
    for sent, q in ((first, 1), (second, 2)):
        back = await browser.get(hub.authorize(sent.headers["location"], token))
        assert back.headers["location"] == f"{PREFIX}page?q={q}"


async def test_a_cookie_opens_pages_but_changes_nothing(browser, hub):
    token = hub.issue("lin", ACCESS)
    browser.cookies.set("beamtorch-shelf", token)
    assert (await browser.get(f"{PREFIX}who")).status_code == 200
    assert (await browser.post(f"{PREFIX}change")).status_code == 401
    assert (await browser.post(f"{PREFIX}change", headers=bearing(token))).status_code == 200


async def test_an_expected_error_is_a_problem_document_in_both_languages(browser):
    answer = await browser.get(f"{PREFIX}empty")
    assert answer.status_code == 409
    assert answer.json() == {
        "type": "urn:beamtorch:problem:empty-shelf-of-the-test",
        "title": "That did not work",
        "title_zh": "操作未完成",
        "status": 409,
        "detail": "Nothing here. Come back at noon.",
        "detail_zh": "这里没有东西，请中午再来。",
        "shelf": 7,
    }


async def test_a_fault_tells_the_caller_nothing_of_the_inside(browser):
    answer = await browser.get(f"{PREFIX}broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "the-service-token" not in answer.text


async def test_the_api_pages_need_nothing_from_outside(browser):
    page = (await browser.get(f"{PREFIX}docs")).text
    assert "https://" not in page.replace("https://fastapi.tiangolo.com", "")
    assert (await browser.get(f"{PREFIX}openapi.json")).json()["info"]["title"] == "shelf"
    assert (await browser.get(f"{PREFIX}docs-assets/swagger-ui-bundle.js")).status_code == 200
