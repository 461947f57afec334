"""A real JupyterHub with its proxy, the real spawner service and labs as processes, all in one temporary folder."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest
import yaml

from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS
from beamtorch_spawner.hub_api import HUB_SCOPES
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.admissions import Admissions
from beamtorch_spawner.services.asking import Starts
from beamtorch_spawner.services.expiry import Expiry
from beamtorch_spawner.services.grants import Facts
from beamtorch_spawner.services.leases import LeaseBook
from beamtorch_spawner.services.quota_book import QuotaBook
from beamtorch_spawner.services.terminals import TerminalClaims
from beamtorch_spawner.services.usage import UsageReport
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.testing.listed_directory import ListedDirectory
from beamtorch_spawner.testing.listed_hub import ListedHub
from beamtorch_spawner.testing.set_clock import SetClock
from beamtorch_spawner.wire import AdmissionRequest, LeaseReport, LeaseState, Quota

T = TypeVar("T")
WAIT_SECONDS = 60.0
ROLES = ("torch", "ingest", "platform", "operator", "prometheus")

HUB_CONFIG = """
import os
c = get_config()
where = {where!r}
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.JupyterHub.cleanup_proxy = False
c.JupyterHub.cleanup_servers = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_api}"
c.ConfigurableHTTPProxy.auth_token = {proxy_token!r}
c.JupyterHub.db_url = "sqlite:///" + where + "/state/hub.sqlite"
c.JupyterHub.cookie_secret_file = where + "/secrets/cookie"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "made-up"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"marsh"}}
c.JupyterHub.spawner_class = "torch-local"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 20}}
c.Spawner.consecutive_failure_limit = 5
c.Spawner.poll_interval = 1
c.Spawner.http_timeout = 60
c.JupyterHub.services = [
    dict(name="spawner", api_token={tokens[spawner]!r}, oauth_redirect_uri="/services/spawner/oauth_callback",
         url="http://127.0.0.1:{spawner}", oauth_no_confirm=True, timeout=1),
    dict(name="torch", api_token={tokens[torch]!r}),
    dict(name="ingest", api_token={tokens[ingest]!r}),
    dict(name="platform", api_token={tokens[platform]!r}, admin=True),
    dict(name="operator", api_token={tokens[operator]!r}),
    dict(name="prometheus", api_token={tokens[prometheus]!r}),
]
c.JupyterHub.custom_scopes = {{
    f"custom:torch:{{name}}": {{"description": name}} for name in ("admit", "admin", "read", "sourceip")
}}
ours = ["access:services!service=spawner", "access:services!service=catalogue"]
c.JupyterHub.load_roles = [
    dict(name="user", scopes=["self", "access:services!service=spawner"]),
    dict(name="server", scopes=["users:activity!user", "access:servers!server", "access:services!service=spawner"]),
    dict(name="torch", scopes=["access:services!service=spawner"], services=["torch"]),
    dict(name="ingest", scopes=["access:services!service=spawner"], services=["ingest"]),
    dict(name="operator", services=["operator"],
         scopes=["access:services!service=spawner", "custom:torch:admin", "custom:torch:sourceip"]),
    dict(name="prometheus", scopes=["access:services!service=spawner", "custom:torch:read"], services=["prometheus"]),
    dict(name="spawner", scopes={scopes!r}, services=["spawner"]),
]
"""

PEOPLE = {
    "people": [
        {"username": "zhang", "full_name": {"en": "Wei Zhang", "zh": "张伟"}, "uid": 50001, "gid": 50001,
         "groups": ["proposal-2026-1417"], "language": "zh-CN"},
        {"username": "okafor", "full_name": {"en": "Ada Okafor", "zh": "阿达"}, "uid": 50002, "gid": 50002,
         "groups": ["proposal-2026-0988"]},
        {"username": "marsh", "full_name": {"en": "Elena Marsh", "zh": "埃琳娜"}, "uid": 50003, "gid": 50003,
         "groups": ["facility-admin"]},
    ]
}  # fmt: skip


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in found]


def eventually(question: Callable[[], T], seconds: float = WAIT_SECONDS) -> T:
    """Return the first true answer to a question."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if answer := question():
                return answer
        assert time.monotonic() < until, f"never true: {question}"
        time.sleep(0.1)


@dataclass
class HubStand:
    """Proxy, Hub and spawner service, each of which can be killed and started again."""

    where: Path
    ports: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = ("public", "hub", "proxy_api", "spawner")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.tokens = {name: secrets.token_hex(16) for name in ("spawner", *ROLES)}
        for folder in ("config", "secrets", "state", "homes", "data", "logs", "run"):
            (self.where / folder).mkdir(parents=True)
        (self.where / "config" / "directory.yaml").write_text(yaml.safe_dump(PEOPLE, allow_unicode=True))
        shutil.copy(DEFAULT_ENVIRONMENTS, self.where / "config" / "environments.yaml")
        proxy_token = secrets.token_hex(16)
        self.environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environment |= {"CONFIGPROXY_AUTH_TOKEN": proxy_token, "HOME": str(self.where)}
        (self.where / "jupyterhub_config.py").write_text(
            HUB_CONFIG.format(
                where=str(self.where),
                proxy_token=proxy_token,
                scopes=list(HUB_SCOPES),
                tokens=self.tokens,
                **self.ports,
            )
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.ports['public']}", timeout=30, trust_env=False)

    @property
    def spawner_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['spawner']}/services/spawner/"

    def start_proxy(self) -> None:
        program = shutil.which("configurable-http-proxy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if program is None:
            pytest.skip("configurable-http-proxy is not installed")
        ports = ("--port", str(self.ports["public"]), "--api-port", str(self.ports["proxy_api"]))
        self._start("proxy", [program, "--ip", "127.0.0.1", "--api-ip", "127.0.0.1", *ports, "--log-level", "warn"])
        eventually(lambda: self.http.get("/nothing").status_code)

    def start_hub(self) -> None:
        own = {
            "BEAMTORCH_HOME": str(self.where),
            "BEAMTORCH_SPAWNER_URL": self.spawner_url,
            "BEAMTORCH_SPAWNER_TOKEN": self.tokens["torch"],
        }
        self._start("hub", [sys.executable, "-m", "jupyterhub", "-f", str(self.where / "jupyterhub_config.py")], own)
        eventually(lambda: self.http.get("/hub/health").status_code == 200)

    def start_spawner(self) -> None:
        own = {
            "JUPYTERHUB_SERVICE_NAME": "spawner",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/spawner/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.ports['spawner']}",
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{self.ports['hub']}/hub/api",
            "JUPYTERHUB_API_TOKEN": self.tokens["spawner"],
            "JUPYTERHUB_BASE_URL": "/",
            "BEAMTORCH_SPAWNER_DATABASE": f"sqlite:///{self.where}/state/spawner.sqlite",
            "BEAMTORCH_ENVIRONMENTS": str(self.where / "config" / "environments.yaml"),
            "BEAMTORCH_DIRECTORY": str(self.where / "config" / "directory.yaml"),
            "BEAMTORCH_DATA_ROOT": str(self.where / "data"),
            "BEAMTORCH_HOMES": str(self.where / "homes"),
            "BEAMTORCH_PUBLIC_URL": f"http://127.0.0.1:{self.ports['public']}/",
        }
        self._start("spawner", [sys.executable, "-m", "beamtorch_spawner"], own)
        eventually(lambda: httpx.get(f"{self.spawner_url}health", trust_env=False).status_code == 200)

    def kill(self, name: str) -> None:
        child = self.children.pop(name)
        child.send_signal(signal.SIGKILL)
        child.wait()

    def stop(self) -> None:
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.http.close()

    def processes(self) -> list[psutil.Process]:
        """Return every living process of a lab of this platform, by what all of them inherit."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                mine = process.environ().get("BEAMTORCH_DATA_ROOT") == str(self.where / "data")
                if mine and "BEAMTORCH_LEASE" in process.environ() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def hub_api(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"token {token or self.tokens['platform']}"}
        return self.http.request(method, f"/hub/api/{path}", headers=headers, **more)

    def api(self, method: str, path: str, token: str | None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"token {token}"} if token else {}
        return httpx.request(method, f"{self.spawner_url}{path}", headers=headers, timeout=30, trust_env=False, **more)

    def token_of(self, username: str, *scopes: str) -> str:
        """Return a token of a person: a whole one, or one that may do this alone."""
        self.hub_api("POST", f"users/{username}")
        asked = {"json": {"scopes": scopes}} if scopes else {}
        return str(self.hub_api("POST", f"users/{username}/tokens", **asked).json()["token"])

    def wait(self, question: Callable[[], T]) -> T:
        """Return the first true answer to a question."""
        return eventually(question)

    def start(self, username: str, server: str = "", **options: Any) -> httpx.Response:
        """Ask the Hub to start a server, as anybody may by REST; wait until it runs or is refused."""
        self.hub_api("POST", f"users/{username}")
        path = f"users/{username}/servers/{server}" if server else f"users/{username}/server"
        answer = self.hub_api("POST", path, json={"user_options": options})
        if answer.status_code == 202:
            eventually(lambda: self.model(username, server).get("pending") is None)
        return answer

    def stop_server(self, username: str, server: str = "") -> None:
        path = f"users/{username}/servers/{server}" if server else f"users/{username}/server"
        assert self.hub_api("DELETE", path).status_code in {202, 204}
        eventually(lambda: not self.model(username, server))

    def model(self, username: str, server: str = "") -> dict[str, Any]:
        """Return what the Hub says about a server; nothing if it knows none."""
        return dict(self.hub_api("GET", f"users/{username}").json()["servers"].get(server, {}))

    def is_ready(self, username: str, server: str = "") -> bool:
        return bool(self.model(username, server).get("ready"))

    def record(self, username: str, server: str = "") -> dict[str, Any]:
        path = self.where / "run" / "labs" / f"{username}--{server or 'default'}.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def leases(self, username: str) -> list[dict[str, Any]]:
        """Return a person's leases, newest first."""
        everybody = self.api("GET", "leases", self.token_of("marsh")).json()
        return [lease for lease in everybody if lease["username"] == username]

    def log(self, name: str) -> str:
        return (self.where / "logs" / f"{name}.log").read_text()

    def _start(self, name: str, command: list[str], own: dict[str, str] | None = None) -> None:
        with (self.where / "logs" / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(
                command, cwd=self.where, env={**self.environment, **(own or {})}, stdout=log, stderr=log
            )


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubStand]:
    """A Hub that is shared by the tests of this folder; each cleans up the servers that it starts."""
    hub = HubStand(tmp_path_factory.mktemp("hub") / "home")
    try:
        hub.start_proxy()
        hub.start_spawner()
        hub.start_hub()
        yield hub
    finally:
        hub.stop()


@pytest.fixture(scope="session")
def hub_stand() -> type[HubStand]:
    """Return what a Hub of one's own is made of."""
    return HubStand


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of one kind and of the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/spawner.sqlite"
    made: str = request.getfixturevalue("new_postgres_database")()
    return made


@dataclass
class Desk:
    """The services on one database, with a clock and a Hub of the test."""

    database: Database
    clock: SetClock
    hub: ListedHub
    admissions: Admissions
    leases: LeaseBook
    quotas: QuotaBook
    usage: UsageReport
    policy: dict[str, Any]

    def admit(self, username: str, server: str = "", **options: Any) -> str:
        request = AdmissionRequest(username=username, server=server, user_options={"environment": "any", **options})
        return self.admissions.admit(request, actor="torch").lease

    def run(self, username: str, server: str = "", **options: Any) -> str:
        """Start a server and let it run."""
        lease = self.admit(username, server, **options)
        self.tell(lease, LeaseState.STARTING)
        self.tell(lease, LeaseState.RUNNING)
        self.hub.running.add((username, server))
        return lease

    def tell(self, lease: str, state: LeaseState) -> None:
        self.leases.report(lease, LeaseReport(state=state), actor="torch")

    def limit(self, scope: str, resource: str, limit: Any, subject: str = "") -> None:
        self.quotas.put(Quota(scope=scope, subject=subject, resource=resource, limit=limit), actor="marsh")

    def expiry(self, clock: Any = None) -> Expiry:
        return Expiry(database=self.database, clock=clock or self.clock, hub=self.hub)

    def events(self, username: str) -> list[str]:
        with self.database.reading() as stores:
            return [row.en for row in stores.events.of_person(username, 0) if row.kind == "notice"]


ANY = """
environments:
- {id: any, kind: lab, name: {en: Any, zh: 任意}, summary: {en: "", zh: ""}, cores: 1, memory: 1G, image: any:1,
   images: ["any:*"], most: {cores: 64, memory: 512G, extended: {nvidia.com/gpu: 8, nvidia.com/mig-1g.5gb: 8}}}
- {id: secret, kind: lab, name: {en: Secret, zh: 保密}, summary: {en: "", zh: ""}, server: secret, who: [staff-ID09]}
"""
GROUPS = {"zhang": ("team-a",), "qiao": ("team-a",), "okafor": ("team-b",), "marsh": ("facility-admin",)}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An up-to-date database."""
    database = Database(database_url)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """The services without doors."""
    return make_desk(database, tmp_path)


def make_desk(database: Database, where: Path) -> Desk:
    (where / "environments.yaml").write_text(ANY, encoding="utf-8")
    clock, hub, told = SetClock(), ListedHub(), {}

    def policy() -> Policy:
        return Policy.model_validate(told)

    directory = ListedDirectory({**GROUPS, **{f"guest{n}": () for n in range(400)}})
    starts = Starts(directory=directory, environments=where / "environments.yaml", policy=policy)
    return Desk(
        database=database,
        clock=clock,
        hub=hub,
        admissions=Admissions(
            database=database,
            starts=starts,
            facts=Facts(public_url="http://127.0.0.1/", data_root=Path("/d"), homes=Path("/h")),
            clock=clock,
            secret="made-up",
            terminals=TerminalClaims(policy=policy),
        ),
        leases=LeaseBook(database=database, clock=clock, policy=policy),
        quotas=QuotaBook(database=database, clock=clock, groups=starts.groups),
        usage=UsageReport(database=database, clock=clock),
        policy=told,
    )
