"""The pages as a real JupyterHub serves them, and the spawner API beside it as a stand-in that can fall silent."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from beamtorch_facility.directory import dump_people
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.look.reading import Page
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import Environment, EnvironmentKind
from beamtorch_spawner.wire import Lease, QuotaUse

CONFIG = Path(__file__).parent / "hub_config.py"
PEOPLE = (
    Identity(
        username=Username("lin.qiao"),
        full_name=Words(en="Lin Qiao", zh="林乔"),
        uid=5001,
        gid=5001,
        groups=("proposal-2026-1417",),
        language="zh-CN",
    ),
    Identity(username=Username("mei.chen"), full_name=Words(en="Mei Chen", zh="陈梅"), uid=5002, gid=5002),
)


def offer(identifier: str, kind: EnvironmentKind, server: str) -> Environment:
    return Environment(
        id=identifier,
        kind=kind,
        name=Words(en=f"The {identifier}", zh=f"环境 {identifier}"),
        summary=Words(en="What it is.", zh="说明。"),
        server=server,
        cores=2,
        memory=4 * 1024**3,
        app="ct/ct.ipynb" if kind is EnvironmentKind.APP else None,
        docs_url="/docs",
    )


OFFERS = (
    offer("lab", EnvironmentKind.LAB, ""),
    offer("other", EnvironmentKind.LAB, ""),
    offer("ct", EnvironmentKind.APP, "ct"),
)


class SpawnerApi(ThreadingHTTPServer):
    """Answers ``GET environments`` with `OFFERS`, and what a test says about leases and quotas, or not at all."""

    is_silent = False
    leases: tuple[Lease, ...] = ()
    quotas: tuple[QuotaUse, ...] = ()

    def answer(self, path: str) -> list[Any] | None:
        """Return what a path gives; None: nothing is there."""
        said = {"environments": OFFERS, "leases": self.leases, "quotas": self.quotas}
        found = said.get(path.removeprefix("/services/spawner/").partition("?")[0])
        return None if found is None else [one.model_dump(mode="json") for one in found]


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        assert isinstance(self.server, SpawnerApi)
        found = self.server.answer(self.path) if self.headers["Authorization"] == "token torch-token" else None
        self.send_response(503 if self.server.is_silent else 403 if found is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: Any) -> None: ...


class Browser:
    """Somebody at the Hub: keeps cookies, sends forms as they stand on the page."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=30, trust_env=False)
        self.page = Page("<p></p>")

    def open(self, path: str) -> httpx.Response:
        return self._see(self.http.get(path, headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}))

    def send(self, action: str, follow: bool = True, **fields: str) -> httpx.Response:  # noqa: FBT001, FBT002
        seal = next(a["value"] for tag, a in self.page.elements if a.get("name") == "_xsrf")
        return self._see(
            self.http.post(
                action,
                data={"_xsrf": seal, **fields},
                headers={"Sec-Fetch-Mode": "navigate"},
                follow_redirects=follow,
            )
        )

    def sign_in(self, user: str = "lin.qiao", password: str = "right") -> httpx.Response:
        self.open("/hub/login")
        return self.send("/hub/login", username=user, password=password)

    def start(self, environment: str, server: str = "", user: str = "lin.qiao", **more: str) -> httpx.Response:
        self.open("/hub/home")
        return self.send(f"/hub/spawn/{user}/{server}".rstrip("/"), follow=False, environment=environment, **more)

    def servers(self, user: str = "lin.qiao") -> dict[str, Any]:
        return self.http.get(f"/hub/api/users/{user}", headers=self._sealed()).json()["servers"]

    def stop(self, server: str = "", user: str = "lin.qiao") -> int:
        place = f"servers/{server}" if server else "server"
        return self.http.request("DELETE", f"/hub/api/users/{user}/{place}", headers=self._sealed()).status_code

    def _sealed(self) -> dict[str, str]:
        self.open("/hub/home")
        return {"X-XSRFToken": next(self.page.find("data-xsrf"))}

    def _see(self, answer: httpx.Response) -> httpx.Response:
        if "html" in answer.headers.get("content-type", ""):
            self.page = Page(answer.text)
        return answer


@pytest.fixture(scope="session")
def spawner_api() -> Iterator[SpawnerApi]:
    server = SpawnerApi(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def hub_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "directory.yaml").write_text(dump_people(PEOPLE), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def hub_url(spawner_api: SpawnerApi, hub_folder: Path, eventually: Callable[..., None]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PAGES_FOLDER": str(hub_folder),
        "PAGES_PORT": str(port),
        "BEAMTORCH_SPAWNER_URL": f"http://127.0.0.1:{spawner_api.server_port}/services/spawner/",
        "BEAMTORCH_SPAWNER_TOKEN": "torch-token",
    }
    url = f"http://127.0.0.1:{port}"
    with (hub_folder / "hub.log").open("w") as log:
        hub = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)],
            env=environment,
            cwd=hub_folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def answers() -> bool:
        assert hub.poll() is None, (hub_folder / "hub.log").read_text()
        try:
            return httpx.get(f"{url}/hub/health", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    try:
        eventually(answers, 60)
        yield url
    finally:
        hub.terminate()
        hub.wait(30)


@pytest.fixture
def stranger(hub_url: str) -> Iterator[Browser]:
    browser = Browser(hub_url)
    yield browser
    browser.http.close()


@pytest.fixture
def browser(hub_url: str, spawner_api: SpawnerApi) -> Iterator[Browser]:
    """Somebody who is signed in and has nothing running."""
    browser = Browser(hub_url)
    browser.sign_in()
    yield browser
    spawner_api.is_silent, spawner_api.leases, spawner_api.quotas = False, (), ()
    for name in browser.servers():
        browser.stop(name)
    browser.http.close()


def inputs(page: Page) -> dict[str, str]:
    return {a["name"] or "": a.get("value") or "" for tag, a in page.elements if tag == "input" and "name" in a}


def texts(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", answer.text)
