"""A hub that somebody runs already takes TorchSpawner by its name and the API's address; nothing else changes for it.

No Beamtorch hub, no directory, no environments: KubeSpawner's own configuration says what runs. On JupyterHub 6 and 5.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from kubernetes_asyncio import client

from beamtorch_hub.cluster.address import choose_address
from beamtorch_spawner.hub_api import HUB_SCOPES

pytestmark = [pytest.mark.cluster, pytest.mark.platform]
OLD = "5.5.4"
SERVICES = ("spawner", "torch", "operator")

CONFIG = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_bind_url = "http://{address}:{hub}"
c.JupyterHub.db_url = "sqlite:///{where}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{where}/cookie"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy}"
c.ConfigurableHTTPProxy.pid_file = "{where}/proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.allow_named_servers = True
c.JupyterHub.cleanup_servers = False
c.Spawner.consecutive_failure_limit = 5
c.JupyterHub.services = [
    dict(name="spawner", api_token={tokens[spawner]!r}),
    dict(name="torch", api_token={tokens[torch]!r}),
    dict(name="operator", api_token={tokens[operator]!r}, admin=True),
]
c.JupyterHub.custom_scopes = {{
    "custom:torch:admin": {{"description": "run it"}}, "custom:torch:admit": {{"description": "admit"}},
}}
c.JupyterHub.load_roles = [
    dict(name="spawner", scopes={scopes!r}, services=["spawner"]),
    dict(name="torch", scopes=["access:services!service=spawner", "custom:torch:admit"], services=["torch"]),
    dict(name="operator", scopes=["access:services!service=spawner", "custom:torch:admin"], services=["operator"]),
]
c.KubeSpawner.namespace = {namespace!r}
c.KubeSpawner.image = {image!r}
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
c.KubeSpawner.cpu_limit = 0.2
c.KubeSpawner.mem_limit = "512M"
c.KubeSpawner.environment = {{"MINE": "kept {{username}}"}}
c.KubeSpawner.profile_list = [
    {{"display_name": "small", "slug": "small", "default": True}},
    {{"display_name": "gpu", "slug": "gpu", "kubespawner_override": {{
        "extra_resource_limits": {{"nvidia.com/gpu": "1"}}, "extra_resource_guarantees": {{"nvidia.com/gpu": "1"}}}}}},
    {{"display_name": "typo", "slug": "typo", "kubespawner_override": {{"image": "localhost/no-such-image:1"}}}},
]
# All that the installation adds:
c.JupyterHub.spawner_class = "torch"
c.TorchSpawner.spawner_url = "http://127.0.0.1:{api}/services/spawner/"
c.TorchSpawner.spawner_token = {tokens[torch]!r}
"""


@dataclass
class Foreign:
    """A JupyterHub of some version with its proxy, and our spawner API beside it."""

    where: Path
    version: str
    kubernetes: Any
    image: str
    address: str
    ports: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(
        default_factory=lambda: {n: secrets.token_hex(16) for n in ("spawner", "torch", "operator")}
    )
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def begin(self) -> None:
        with contextlib.ExitStack() as stack:
            for name in ("public", "hub", "proxy", "api"):
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", 0))
                self.ports[name] = probe.getsockname()[1]
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.ports['public']}/hub/api/", timeout=60, trust_env=False
        )
        self.http.headers["Authorization"] = f"token {self.tokens['operator']}"
        self._api()
        self._hub()

    def _run(self, name: str, command: list[str], own: dict[str, str]) -> None:
        bins = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {"PATH": bins, "HOME": str(self.where), "KUBECONFIG": str(self.kubernetes.kubeconfig), **own}
        with (self.where / f"{name}.log").open("ab") as log:
            self.children.append(subprocess.Popen(command, cwd=self.where, env=environment, stdout=log, stderr=log))

    def _api(self) -> None:
        own = {
            "JUPYTERHUB_SERVICE_NAME": "spawner",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/spawner/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.ports['api']}",
            "JUPYTERHUB_API_URL": f"http://{self.address}:{self.ports['hub']}/hub/api",
            "JUPYTERHUB_API_TOKEN": self.tokens["spawner"],
            "BEAMTORCH_SPAWNER_DATABASE": f"sqlite:///{self.where}/spawner.sqlite",
            "BEAMTORCH_PUBLIC_URL": f"http://127.0.0.1:{self.ports['public']}/",
            "BEAMTORCH_NAMESPACE": self.kubernetes.namespace,
            "BEAMTORCH_KUBECONFIG": str(self.kubernetes.kubeconfig),
        }
        self._run("api", [sys.executable, "-m", "beamtorch_spawner"], own)

    def _hub(self) -> None:
        told = {"where": self.where, "address": self.address, "tokens": self.tokens, "scopes": list(HUB_SCOPES)}
        text = CONFIG.format(**told, **self.ports, namespace=self.kubernetes.namespace, image=self.image)
        (self.where / "jupyterhub_config.py").write_text(text, encoding="utf-8")
        own = {} if self.version == "installed" else {"PYTHONPATH": str(self._old())}
        self._run("hub", [sys.executable, "-m", "jupyterhub", "-f", str(self.where / "jupyterhub_config.py")], own)
        self.wait(lambda: self.http.get("").status_code == 200)

    def _old(self) -> Path:
        """Install another version of JupyterHub beside ours, which has all that it needs."""
        folder = self.where / "older"
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
        subprocess.run([*pip, f"jupyterhub=={self.version}"], check=True, capture_output=True)
        return folder

    def end(self) -> None:
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            child.wait(30)
        self.http.close()

    def wait(self, what: Callable[[], Any], seconds: float = 90) -> Any:
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if found := what():
                    return found
            assert time.monotonic() < until, (self.where / "hub.log").read_text()[-3000:]
            time.sleep(0.1)

    def start(self, user: str, server: str = "", **options: str) -> httpx.Response:
        self.http.post(f"users/{user}")
        path = f"users/{user}/servers/{server}" if server else f"users/{user}/server"
        body = options if self.version == OLD else {"user_options": options}
        return self.http.post(path, json=body)

    def server(self, user: str, server: str = "") -> dict[str, Any]:
        return dict(self.http.get(f"users/{user}").json()["servers"].get(server, {}))

    def refused(self, user: str, **options: str) -> str:
        """Start what is refused, at once or after the hub's patience; return the sentence."""
        answer = self.start(user, **options)
        if answer.status_code == 202:
            # What became of it is told on the stream that the waiting page reads.
            with self.http.stream("GET", f"users/{user}/server/progress") as stream:
                return "".join(stream.iter_lines())
        return answer.text

    def leases(self, user: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self.ports['api']}/services/spawner/leases"
        headers = {"Authorization": f"token {self.tokens['operator']}"}
        return list(httpx.get(url, params={"username": user}, headers=headers, trust_env=False).json())

    def api(self, method: str, path: str, **more: Any) -> httpx.Response:
        url = f"http://127.0.0.1:{self.ports['api']}/services/spawner/{path}"
        headers = {"Authorization": f"token {self.tokens['operator']}"}
        return httpx.request(method, url, headers=headers, trust_env=False, **more)


@pytest.fixture(scope="module", params=["installed", OLD])
def foreign(
    request: pytest.FixtureRequest, kubernetes: Any, lab_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Foreign]:
    """A hub of another facility, on the version that is installed and on the oldest that counts as safe."""
    if shutil.which("configurable-http-proxy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") is None:
        pytest.skip("configurable-http-proxy is not installed")
    where = tmp_path_factory.mktemp("foreign")
    own = type(kubernetes)(kubernetes.kubeconfig, f"bt-in-{secrets.token_hex(4)}")
    body = client.V1Namespace(metadata=client.V1ObjectMeta(name=own.namespace))
    own.ask(lambda core: core.create_namespace(body))
    server = yaml.safe_load(own.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    hub = Foreign(where, request.param, own, lab_image, choose_address(server, None))
    try:
        hub.begin()
        yield hub
    finally:
        hub.end()
        own.ask(lambda core: core.delete_namespace(own.namespace))


def test_a_lab_starts_as_it_did_with_its_marks_and_its_lease(foreign):
    assert foreign.start("ada").status_code in {201, 202}
    foreign.wait(lambda: foreign.server("ada").get("ready"))
    pod = foreign.kubernetes.pod_of("ada")
    container = pod.spec.containers[0]
    assert container.image == foreign.image
    assert {"MINE": "kept ada"}.items() <= {one.name: one.value for one in container.env}.items()
    assert pod.metadata.labels["beamtorch.org/lease"] == foreign.leases("ada")[0]["id"]
    lease = foreign.leases("ada")[0]
    assert (lease["state"], lease["environment"], lease["resources"]["memory"]) == ("running", None, 512 * 1024**2)
    assert foreign.http.delete("users/ada/server").status_code in {202, 204}
    foreign.wait(lambda: foreign.leases("ada")[0]["state"] == "ended")


def test_five_refusals_are_sentences_and_the_hub_lives_on(foreign):
    """The hub's limit of five failures in a row is the default of its chart; refusals are none."""
    limit = {"scope": "facility", "subject": "", "resource": "nvidia.com/gpu", "limit": 0}
    assert foreign.api("PUT", "quotas", json=limit).status_code == 200
    for number in range(6):
        said = foreign.refused(f"ben{number}", profile="gpu")
        assert "may hold 0 GPUs at most" in said
    foreign.api("DELETE", "quotas", params={"scope": "facility", "resource": "nvidia.com/gpu"})
    assert foreign.http.get("").status_code == 200
    assert foreign.start("cleo").status_code in {201, 202}
    foreign.wait(lambda: foreign.server("cleo").get("ready"))
    foreign.http.delete("users/cleo/server")
    foreign.wait(lambda: not foreign.server("cleo"))


def test_an_image_that_is_not_there_is_told_long_before_the_hub_s_patience_ends(foreign):
    began = time.monotonic()
    said = foreign.refused("dora", profile="typo")
    assert "no-such-image" in said
    assert "cannot be fetched" in said
    assert time.monotonic() - began < 60
    assert foreign.leases("dora")[0]["state"] == "failed"
