"""What the service asks of the Hub: the same questions to a real Hub and to the one of the tests."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from beamtorch_service.caller import HubUnreachableError
from beamtorch_service.settings import HubSettings
from beamtorch_service.testing import served
from beamtorch_spawner.errors import SpawnerRefusedError
from beamtorch_spawner.hub_api import PAGE, HttpHubApi, HubBusyError, HubRefusedError
from beamtorch_spawner.testing import FakeJupyterHub, Lab

LAB = {"environment": "lab"}


@dataclass
class Asked:
    """A Hub, as the service sees it."""

    url: str
    http: httpx.AsyncClient
    token: str
    person: str = "okafor"

    @property
    def api(self) -> HttpHubApi:
        return self.as_(self.token)

    def as_(self, token: str) -> HttpHubApi:
        """Return the Hub as it answers to a token."""
        return HttpHubApi(settings_for(self.url, token), self.http)

    async def eventually(self, question: Any) -> None:
        async with asyncio.timeout(60):
            while not await question():  # noqa: ASYNC110 - the Hub has no event for it
                await asyncio.sleep(0.1)

    async def is_ready(self) -> bool:
        return any(one.ready for one in await self.api.servers(self.person))

    async def is_gone(self) -> bool:
        return not await self.api.servers(self.person)


def settings_for(api_url: str, token: str) -> HubSettings:
    return HubSettings(
        service="spawner", prefix="/services/spawner/", api_url=api_url, api_token=SecretStr(token), listen_port=1
    )


@pytest.fixture(params=["5.5.4", "6.1.1", pytest.param("real", marks=pytest.mark.platform)])
async def asked(request, stand):
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        if request.param == "real":
            hub = request.getfixturevalue("hub")
            yield Asked(f"http://127.0.0.1:{hub.ports['hub']}/hub/api", http, hub.tokens["spawner"])
            return
        stand.hub.version = request.param
        with served(stand.hub) as url:
            yield Asked(url, http, "spawner-token")
        stand.hub.version = "6.1.1"


async def test_somebody_becomes_known_once(asked):
    await asked.api.ensure_user(asked.person)
    assert await asked.api.ensure_user(asked.person) is False
    assert await asked.api.knows(asked.person)
    assert asked.person in await asked.api.users()
    assert not await asked.api.knows("nobody-of-that-name")
    assert await asked.api.servers("nobody-of-that-name") == ()


async def test_a_server_starts_once_is_listed_and_stops(asked):
    await asked.api.ensure_user(asked.person)
    assert await asked.api.start(asked.person, "", LAB)
    await asked.eventually(asked.is_ready)
    assert await asked.api.start(asked.person, "", LAB) is False
    (server,) = [one for one in await asked.api.servers() if one.username == asked.person]
    assert (server.server, server.ready, server.pending) == ("", True, None)
    assert server.url == f"/user/{asked.person}/"
    await asked.api.stop(asked.person, "")
    await asked.eventually(asked.is_gone)
    await asked.api.stop(asked.person, "")
    await asked.api.stop(asked.person, "never-was")


async def test_options_reach_the_spawner_and_its_refusal_comes_back_in_words(asked):
    await asked.api.ensure_user(asked.person)
    with pytest.raises(SpawnerRefusedError, match="There is no environment “matlab”") as refused:
        await asked.api.start(asked.person, "", {"environment": "matlab"})
    assert refused.value.status == 422
    assert await asked.is_gone()


async def test_a_token_without_the_scopes_is_a_matter_for_the_facility(asked):
    api = asked.as_("unknown")
    with pytest.raises(HubRefusedError, match="scopes"):
        await api.users()


@pytest.fixture
async def crowd():
    """A Hub with more people than one page holds."""
    hub = FakeJupyterHub(names={f"guest{number:04}" for number in range(2 * PAGE + 7)})
    hub.issue_for_service("spawner-token")
    with served(hub) as url:
        async with httpx.AsyncClient(trust_env=False) as http:
            yield hub, HttpHubApi(settings_for(url, "spawner-token"), http)


async def test_every_page_is_read(crowd):
    hub, api = crowd
    assert await api.users() == hub.names


async def test_a_hub_that_does_not_answer_is_told_as_such(crowd):
    hub, api = crowd
    hub.healthy = False
    with pytest.raises(HubUnreachableError):
        await api.start("guest0001", "", LAB)


async def test_a_hub_that_is_still_stopping_the_last_one_is_asked_again_later(crowd):
    hub, api = crowd
    hub.stop_seconds = 0.5
    hub.labs["guest0001", ""] = Lab("guest0001", "", {}, pending=None)
    await api.stop("guest0001", "")
    with pytest.raises(HubBusyError):
        await api.start("guest0001", "", LAB)


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1), ("DELETE", 1)])
async def test_only_a_question_is_repeated_after_a_broken_connection(method, times):
    asked = []

    def break_off(request):
        asked.append(request.method)
        raise httpx.RemoteProtocolError("closed", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(break_off)) as http:
        api = HttpHubApi(settings_for("http://hub.test/hub/api", "x"), http)
        ask = {"GET": api.users, "POST": lambda: api.ensure_user("a"), "DELETE": lambda: api.stop("a", "")}[method]
        with pytest.raises(HubUnreachableError):
            await ask()
    assert asked == [method] * times
