"""A hundred people start at the same moment, as a school does at nine o'clock: everybody gets a server, nobody two."""

import asyncio

import httpx
import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.platform]

AT_ONCE = 100
PEOPLE = [f"pupil{number:03}" for number in range(AT_ONCE)]
PATIENT = """
c.JupyterHub.concurrent_spawn_limit = 0
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
c.KubeSpawner.delete_grace_period = 1
"""


@pytest.fixture
def hub(make_other_hub):
    """A hub whose servers are small web servers with next to nothing."""
    command = ("python3", "-S", "-m", "http.server", "8888")
    made = make_other_hub(command=command, cores=None, memory=None, own_lines=PATIENT)
    limit = {"scope": "facility", "subject": "", "resource": "servers", "limit": AT_ONCE}
    assert made.api("PUT", "quotas", json=limit).status_code == 200
    for name in PEOPLE:
        made.http.post(f"users/{name}").raise_for_status()
    return made


async def everybody(hub, method):
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(
        base_url=hub.http.base_url, headers=hub.http.headers, timeout=300, limits=limits, trust_env=False
    ) as http:
        answers = await asyncio.gather(*(http.request(method, f"users/{name}/server") for name in PEOPLE))
    return [answer.status_code for answer in answers]


def states(hub):
    """Return whose leases are active; None while somebody is too busy to tell."""
    answer = hub.api("GET", "leases", params={"active": "true", "limit": 500})
    return sorted((one["username"], one["state"]) for one in answer.json()) if answer.is_success else None


def users(hub, state):
    """Return who is in a state; None while the proxy is too busy to ask."""
    answer = hub.http.get("users", params={"state": state, "limit": 200})
    return answer.json() if answer.is_success else None


def test_of_a_hundred_starts_at_once_none_is_lost_and_the_hundred_and_first_is_told(hub):
    assert set(asyncio.run(everybody(hub, "POST"))) <= {201, 202}
    hub.wait(lambda: len(users(hub, "ready") or ()) == AT_ONCE, 300)
    hub.wait(lambda: states(hub) == [(name, "running") for name in PEOPLE])
    owners = [pod.metadata.annotations["beamtorch.org/username"] for pod in hub.namespace.pods()]
    assert sorted(owners) == PEOPLE
    assert "100 of 100 servers" in hub.refused("latecomer")

    assert set(asyncio.run(everybody(hub, "DELETE"))) <= {202, 204}
    hub.wait(lambda: not hub.namespace.pods(), 300)
    hub.wait(lambda: states(hub) == [])
    hub.wait(lambda: users(hub, "active") == [])
