"""The spawner service with a Hub whose labs are entries in a list, on one database and on the other."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml
from pydantic import SecretStr

from beamtorch_service.settings import HubSettings
from beamtorch_service.testing import served
from beamtorch_spawner.app import create_app
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS
from beamtorch_spawner.settings import SpawnerSettings
from beamtorch_spawner.testing import FakeJupyterHub

ACCESS = "access:services!service=spawner"
PREFIX = "/services/spawner/"
SERVICE_TOKEN = "spawner-token"
EDGE_HERE = "127.0.0.9"
PEOPLE = {"marsh": ["facility-admin"], "zhang": ["proposal-2026-1417"], "okafor": ["proposal-2026-0988"]}
PEOPLE |= {f"guest{number:02}": ["proposal-2026-0001"] for number in range(110)}
POLICY = {
    "trusted_proxies": ["10.9.0.0/24", f"{EDGE_HERE}/32"],
    "never_terminals": ["10.244.0.0/16", "198.51.100.0/24"],
    "most_hops": 3,
}


@dataclass
class Stand:
    """The service, its Hub, and what people do with both."""

    url: str
    hub: FakeJupyterHub
    where: Path
    tokens: dict[str, str]
    people_used: int = 0
    addresses_used: int = 0
    doors: dict[str | None, httpx.Client] = field(default_factory=dict)
    """Clients by the address of this machine that they call from."""

    def __post_init__(self) -> None:
        for address in (None, EDGE_HERE):
            transport = httpx.HTTPTransport(verify=False, local_address=address)
            self.doors[address] = httpx.Client(transport=transport, trust_env=False, timeout=30)

    def close(self) -> None:
        for door in self.doors.values():
            door.close()

    def person(self) -> str:
        """Return somebody who has not appeared yet."""
        self.people_used += 1
        return f"guest{self.people_used:02}"

    def api(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        if who not in self.tokens:
            self.tokens[who] = self.hub.issue(who, ACCESS)
        headers = {"Authorization": f"token {self.tokens[who]}", **more.pop("headers", {})}
        return self.doors[more.pop("via", None)].request(method, f"{self.url}{path}", headers=headers, **more)

    def register(self, **info: Any) -> str:
        """Register the next free address as a terminal where nothing delays a release; return the address."""
        self.addresses_used += 1
        told = {"ip": f"10.41.{self.addresses_used // 250}.{self.addresses_used % 250 + 1}", "beamline": "ID09"}
        told |= {"grace_seconds": 0, "minimum_seconds": 0, **info}
        answer = self.api("marsh", "POST", "uniqueipinfo/", json=told)
        assert answer.status_code == 201, answer.text
        return str(told["ip"])

    def at(self, address: str, *forwarded: str) -> dict[str, Any]:
        """Return how the Hub sees somebody at an address: directly, without any proxy."""
        return {"address": address, "forwarded_for": list(forwarded)}

    def lab_at(self, terminal: str, username: str, *, session: str | None = None, server: str = "") -> str:
        """Start a lab at a terminal and return its lease."""
        environment = server or "lab"
        answer = self.hub.click(username, server, peer=self.at(terminal), session=session, environment=environment)
        assert answer.status_code in {201, 202}, answer.text
        self.wait(lambda: self.runs(username, server))
        return str(self.hub.labs[username, server].lease)

    def runs(self, username: str, server: str = "") -> bool:
        lab = self.hub.labs.get((username, server))
        return lab is not None and lab.pending is None

    def lease(self, lease: str) -> dict[str, Any]:
        return dict(self.api("marsh", "GET", f"leases/{lease}").json())

    def unharmed(self, username: str, lease: str) -> bool:
        """Tell whether a lab runs and nobody ended it for somebody else's start."""
        released = self.audit(action="released", lease=lease)
        return self.runs(username) and self.lease(lease)["state"] == "running" and not released

    def leases(self, **query: str) -> list[dict[str, Any]]:
        return list(self.api("marsh", "GET", "leases", params=query).json())

    def audit(self, **query: str) -> list[dict[str, Any]]:
        return list(self.api("marsh", "GET", "audit", params=query).json())

    def told(self, username: str) -> list[str]:
        """Return what was told to somebody, in English."""
        token = self.tokens.setdefault(username, self.hub.issue(username, ACCESS))
        headers = {"Authorization": f"token {token}", "Last-Event-ID": "0"}
        found: list[str] = []
        # The stream has no end; whoever is told nothing for a while was told everything.
        with (
            contextlib.suppress(httpx.ReadTimeout),
            self.doors[None].stream("GET", f"{self.url}events", headers=headers, timeout=0.7) as answer,
        ):
            for line in answer.iter_lines():
                found += [json.loads(line[5:])["message"]["en"]] if line.startswith("data:") else []
        return found

    def ended_sessions(self, after: int = 0) -> list[dict[str, Any]]:
        return list(self.api("torch", "GET", "sessions/ended", params={"after": after}).json())

    def write_policy(self, **changed: Any) -> None:
        (self.where / "policy.yaml").write_text(yaml.safe_dump({**POLICY, **changed}), encoding="utf-8")

    def wait(self, question: Any, seconds: float = 15) -> Any:
        until = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.02)
        return answer


@pytest.fixture
def occupied(stand: Stand) -> tuple[Stand, str, str, str]:
    """A terminal with somebody's lab: the stand, the address, the person, the lease."""
    terminal, victim = stand.register(), stand.person()
    return stand, terminal, victim, stand.lab_at(terminal, victim, session="0" * 64)


def settings_of(where: Path, database: str, api_url: str) -> SpawnerSettings:
    return SpawnerSettings(
        hub=HubSettings(
            service="spawner", prefix=PREFIX, api_url=api_url, api_token=SecretStr(SERVICE_TOKEN), listen_port=1
        ),
        database=database,
        environments=DEFAULT_ENVIRONMENTS,
        directory=where / "directory.yaml",
        data_root=where,
        homes=where,
        policy=where / "policy.yaml",
        public_url="http://127.0.0.1/",
    )


def write_people(where: Path) -> None:
    people = [
        {
            "username": name,
            "full_name": {"en": name.title(), "zh": name},
            "uid": 50001 + n,
            "gid": 50001 + n,
            "groups": g,
        }
        for n, (name, g) in enumerate(PEOPLE.items())
    ]
    (where / "directory.yaml").write_text(yaml.safe_dump({"people": people}), encoding="utf-8")


def fake_hub() -> FakeJupyterHub:
    hub = FakeJupyterHub()
    hub.issue_for_service(SERVICE_TOKEN)
    hub.torch_token = hub.issue("torch", ACCESS, kind="service")
    return hub


def tokens_of(hub: FakeJupyterHub) -> dict[str, str]:
    console = hub.issue("console", ACCESS, "custom:torch:admin", "custom:torch:sourceip", kind="service")
    return {"torch": hub.torch_token, "console": console}


@pytest.fixture
def prepared() -> Callable[[Path, str], tuple[FakeJupyterHub, Callable[[str], SpawnerSettings]]]:
    """Return a function that makes a Hub, and the settings of a service for the Hub's address."""

    def prepare(where: Path, database: str) -> tuple[FakeJupyterHub, Callable[[str], SpawnerSettings]]:
        write_people(where)
        return fake_hub(), partial(settings_of, where, database)

    return prepare


@pytest.fixture
def make_stand() -> Iterator[Callable[[str, FakeJupyterHub, Path], Stand]]:
    """Return a function that makes a stand of a Hub and the address of a service."""
    made: list[Stand] = []

    def make(url: str, hub: FakeJupyterHub, where: Path) -> Stand:
        hub.spawner_url = url
        made.append(Stand(url=url, hub=hub, where=where, tokens=tokens_of(hub)))
        return made[-1]

    yield make
    for stand in made:
        stand.close()


@contextmanager
def running(app: Any) -> Iterator[str]:
    """Serve an application from a thread of this process, on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", proxy_headers=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}{PREFIX}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def stand_on(database: str, where: Path) -> Iterator[Stand]:
    write_people(where)
    hub = fake_hub()
    with served(hub) as api_url, running(create_app(settings_of(where, database, api_url))) as url:
        hub.spawner_url = url
        stand = Stand(url=url, hub=hub, where=where, tokens=tokens_of(hub))
        stand.write_policy()
        yield stand
        hub.close()
        stand.close()


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The service on SQLite, for what no database can change."""
    where = tmp_path_factory.mktemp("stand")
    with stand_on(f"sqlite:///{where}/spawner.sqlite", where) as stand:
        yield stand


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The service on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("stand")
        return
    where = tmp_path_factory.mktemp("stand")
    with stand_on(request.getfixturevalue("new_postgres_database")(), where) as stand:
        yield stand
