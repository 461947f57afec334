"""A whole platform whose labs are pods of a real cluster, with the real image; tests know the cluster by KUBECONFIG."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import websocket
import yaml
from kubernetes_asyncio import client, config, watch

from beamtorch_hub.testing import Guarded, Namespace, OtherHub
from beamtorch_spawner.cluster.admission_policy import admission_policy

READY_SECONDS = 150.0


@dataclass
class PodLives:
    """When each pod held its node, by the cluster's own times; a thread that watches from the first to the last."""

    kubernetes: Namespace
    began: dict[str, datetime] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    async def _watch(self) -> None:
        async with await config.new_client_from_config(config_file=str(self.kubernetes.kubeconfig)) as api:
            core = client.CoreV1Api(api)
            seen, is_last = None, False
            while not is_last:
                is_last = self._stop.is_set()
                seen = await self._watch_from(core, seen)

    async def _watch_from(self, core: client.CoreV1Api, seen: str | None) -> str | None:
        """Hear for two seconds what came after a version, so that nothing falls between two looks."""
        async with watch.Watch() as stream:
            events = stream.stream(
                core.list_namespaced_pod,
                self.kubernetes.namespace,
                resource_version=seen,
                allow_watch_bookmarks=True,
                timeout_seconds=2,
                _request_timeout=10,
            )
            async for event in events:
                if event["type"] != "BOOKMARK":
                    self._note(event["type"], event["object"])
            return stream.resource_version

    def _note(self, kind: str, pod: Any) -> None:
        uid = pod.metadata.uid
        self.owner[uid] = {**pod.metadata.labels, **pod.metadata.annotations}.get("beamtorch.org/username", "")
        self.began[uid] = pod.metadata.creation_timestamp
        for container in pod.status.container_statuses or ():
            if container.state.terminated:
                self.ended[uid] = container.state.terminated.finished_at
        if kind == "DELETED":
            self.ended.setdefault(uid, datetime.now(UTC))

    def seconds(self, user: str) -> float:
        lives = [uid for uid, owner in self.owner.items() if owner == user]
        return sum((self.ended[uid] - self.began[uid]).total_seconds() for uid in lives)


@dataclass
class Lab:
    """Somebody's server, used as a browser and its scripts use it."""

    http: httpx.Client
    path: str

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.http.request(method, f"{self.path}{path}", **more)

    def kernel(self) -> str:
        answer = self.request("POST", "api/kernels", json={"name": "python3"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def execute(self, kernel: str, code: str, seconds: float = 60) -> str:
        """Return what the code prints; its error fails the test."""
        url = f"{self.http.base_url}".replace("http://", "ws://").rstrip("/")
        channel = websocket.create_connection(
            f"{url}{self.path}api/kernels/{kernel}/channels",
            header=[f"Authorization: {self.http.headers['Authorization']}"],
            timeout=seconds,
        )
        with contextlib.closing(channel):
            asked = uuid.uuid4().hex
            content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}}
            header = {"msg_id": asked, "msg_type": "execute_request", "session": asked, "username": "", "version": "5"}
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            channel.send(json.dumps(message))
            return _printed(channel, asked)


def _printed(channel: websocket.WebSocket, asked: str) -> str:
    said = ""
    while True:
        got = json.loads(channel.recv())
        if got["parent_header"].get("msg_id") != asked:
            continue
        if got["msg_type"] == "stream":
            said += got["content"]["text"]
        if got["msg_type"] == "execute_reply":
            assert got["content"]["status"] == "ok", "\n".join(got["content"].get("traceback", ()))
        if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
            return said.strip()


@dataclass
class ClusterPlatform:
    """A running `beamtorch up --cluster`."""

    home: Path
    port: int
    kubernetes: Namespace
    said: str
    """What `up` printed."""
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ports(self) -> dict[str, int]:
        return json.loads((self.home / "run" / "ports.json").read_text())

    @property
    def address(self) -> str:
        return str(json.loads((self.home / "run" / "cluster.json").read_text())["address"])

    def run(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        return beamtorch(self.kubernetes.kubeconfig, command, "--home", str(self.home), *more)

    def password(self, user: str) -> str:
        return str(json.loads((self.home / "secrets" / "passwords.json").read_text(encoding="utf-8"))[user])

    def person(self, user: str) -> dict[str, Any]:
        people = yaml.safe_load((self.home / "config" / "directory.yaml").read_text(encoding="utf-8"))["people"]
        return next(person for person in people if person["username"] == user)

    def http(self, user: str) -> httpx.Client:
        """Return a client with a person's own token."""
        if user not in self.clients:
            done = self.run("token", "--user", user)
            assert done.returncode == 0, done.stderr
            headers = {"Authorization": f"token {done.stdout.strip()}"}
            self.clients[user] = httpx.Client(base_url=self.url, headers=headers, timeout=90, trust_env=False)
        return self.clients[user]

    def spawner(self, user: str, method: str, path: str, **more: Any) -> httpx.Response:
        return self.http(user).request(method, f"/services/spawner/{path}", **more)

    def start(self, user: str, server: str = "", **options: Any) -> httpx.Response:
        where = f"servers/{server}" if server else "server"
        return self.http(user).post(f"/hub/api/users/{user}/{where}", json=options)

    def stop(self, user: str, server: str = "") -> None:
        where = f"servers/{server}" if server else "server"
        answer = self.http(user).delete(f"/hub/api/users/{user}/{where}")
        assert answer.status_code in {202, 204}, answer.text
        self.wait(lambda: self.model(user, server) is None)

    def model(self, user: str, server: str = "") -> dict[str, Any] | None:
        return self.http(user).get(f"/hub/api/users/{user}").json()["servers"].get(server)

    def ready(self, user: str, server: str = "") -> Lab:
        """Wait until a server is ready and return it; one that fails, fails the test with its words."""

        def look() -> bool:
            model = self.model(user, server)
            if model is None:
                # What was ordered from the API is asked of the hub a moment later.
                newest = self.newest(user, server)
                assert newest["state"] == "admitted", f"the start of {user}/{server} failed: {newest}"
            return bool(model and model["ready"])

        self.wait(look, READY_SECONDS)
        return Lab(self.http(user), f"/user/{user}/{server}/".replace("//", "/"))

    def leases(self, user: str, server: str = "") -> list[dict[str, Any]]:
        answer = self.spawner(user, "GET", "leases", params={"username": user, "server": server})
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def newest(self, user: str, server: str = "") -> dict[str, Any]:
        return self.leases(user, server)[0]

    def kill(self, *names: str) -> None:
        """End processes of the platform at once and wait until new ones answer."""
        record = json.loads((self.home / "run" / "platform.json").read_text())
        for child in record["children"]:
            if child["name"] in names:
                os.kill(child["pid"], signal.SIGKILL)

        def told() -> list[dict[str, Any]]:
            return list(json.loads(self.run("status", "--json").stdout)["children"])

        before = {child["name"]: child["starts"] for child in record["children"]}
        self.wait(lambda: all(c["healthy"] and c["starts"] == before[c["name"]] + (c["name"] in names) for c in told()))

    def wait(self, what: Callable[[], object], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if what():
                    return
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.1)

    def offer(self, *environments: dict[str, Any]) -> None:
        """Put environments on offer beside the facility's own, whose cores are made few for a small node."""
        path = self.home / "config" / "environments.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        new = {environment["id"] for environment in environments}
        own = [{**offer, **SMALL} for offer in document["environments"] if offer["id"] not in new]
        text = yaml.safe_dump({"environments": [*own, *environments]}, allow_unicode=True, sort_keys=False)
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)


SMALL = {"cores": 0.2, "memory": "1G"}


def guarded_paths(home: Path) -> tuple[str, ...]:
    """Return the folders of this machine that labs get from it."""
    return str(home / "data"), str(home / "homes")


def beamtorch(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the command as somebody does whose kubeconfig this is."""
    return subprocess.run(
        [sys.executable, "-m", "beamtorch_hub", *arguments],
        env={**{k: v for k, v in os.environ.items() if k != "BEAMTORCH_HOME"}, "KUBECONFIG": str(kubeconfig)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="session")
def kubernetes(kubeconfig: Path) -> Iterator[Namespace]:
    """A namespace for this run alone; `up` makes it."""
    made = Namespace(kubeconfig, f"bt-up-{secrets.token_hex(4)}")
    yield made
    with contextlib.suppress(client.ApiException):
        made.remove()


@pytest.fixture(scope="module")
def make_other_hub(
    kubeconfig: Path, lab_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., OtherHub]]:
    """Return a function that starts a hub of another facility, in a namespace of its own."""
    if shutil.which("configurable-http-proxy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") is None:
        pytest.skip("configurable-http-proxy is not installed")

    def make(**how: Any) -> OtherHub:
        namespace = Namespace(kubeconfig, f"bt-in-{secrets.token_hex(4)}").make()
        ends.callback(namespace.remove)
        hub = OtherHub(tmp_path_factory.mktemp("hub"), namespace, **{"image": lab_image, **how})
        ends.callback(hub.end)
        hub.begin()
        return hub

    with contextlib.ExitStack() as ends:
        yield make


@pytest.fixture(scope="session")
def cluster_platform(
    kubernetes: Namespace, lab_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterPlatform]:
    """One platform for all tests with real labs; who kills parts of it waits until they are back."""
    home = tmp_path_factory.mktemp("cluster") / "home"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ("--detach", "--cluster", "--namespace", kubernetes.namespace, "--lab-image", lab_image)
    # Pods of other numbers look into folders below the temporary one.
    home.parent.chmod(0o755)
    (home / "config").mkdir(parents=True)
    (home / "config" / "cluster.yaml").write_text("promised_cores: 0.5\nadmission_policy: true\n")
    guarded = Guarded(kubernetes, admission_policy(kubernetes.namespace, host_paths=guarded_paths(home)))
    guarded.put_in_force()
    done = beamtorch(kubernetes.kubeconfig, "up", "--home", str(home), "--port", str(port), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    made = ClusterPlatform(home, port, kubernetes, done.stdout)
    made.offer()
    yield made
    for http in made.clients.values():
        http.close()
    made.run("down")
    guarded.take_away()


@pytest.fixture
def pod_lives(kubernetes: Namespace) -> Callable[[], PodLives]:
    """Return a function that begins to watch the lives of pods."""
    return lambda: PodLives(kubernetes)


@pytest.fixture
def signed_in(cluster_platform: ClusterPlatform) -> Iterator[Callable[[str], httpx.Client]]:
    """Return a function that signs somebody in as a browser does, with name and password."""

    def sign_in(user: str) -> httpx.Client:
        browser = browsers.enter_context(
            httpx.Client(base_url=cluster_platform.url, timeout=90, trust_env=False, follow_redirects=True)
        )
        page = browser.get("/hub/login")
        form = {"username": user, "password": cluster_platform.password(user), "_xsrf": browser.cookies["_xsrf"]}
        assert re.search("password", page.text)
        answer = browser.post("/hub/login", data=form)
        assert answer.status_code == 200, answer.text[-500:]
        return browser

    with contextlib.ExitStack() as browsers:
        yield sign_in
