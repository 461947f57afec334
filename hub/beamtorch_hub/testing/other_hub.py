"""A JupyterHub as another facility runs it: its own configuration, its own proxy, our spawner API beside it.

Parts can be ended at once and started again, which is what happens to a hub in daily use.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from beamtorch_hub.cluster.address import choose_address
from beamtorch_hub.testing.namespace import Namespace
from beamtorch_spawner.hub_api import HUB_SCOPES

SERVICES = ("spawner", "torch", "operator")
PORTS = ("public", "hub", "proxy", "api")
TORCH = """
# All that the installation adds:
c.JupyterHub.spawner_class = "torch"
c.TorchSpawner.spawner_url = "http://127.0.0.1:{api}/services/spawner/"
c.TorchSpawner.spawner_token = {torch_token!r}
"""
PLAIN = """
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
"""
CONFIG = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_bind_url = "http://{address}:{hub}"
c.JupyterHub.db_url = "sqlite:///{where}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{where}/cookie"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy}"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.auth_token = {proxy_token!r}
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
c.KubeSpawner.cmd = {command!r}
c.KubeSpawner.cpu_limit = {cores!r}
c.KubeSpawner.mem_limit = {memory!r}
c.KubeSpawner.environment = {{"MINE": "kept {{username}}"}}
"""


@dataclass
class OtherHub:
    """A JupyterHub of some version with its proxy, and our spawner API beside it."""

    where: Path
    namespace: Namespace
    image: str
    command: tuple[str, ...] = ("jupyterhub-singleuser",)
    cores: float | None = 0.2
    memory: str | None = "512M"
    own_lines: str = ""
    """More of the facility's own configuration."""
    is_torch: bool = True
    """Without: plain KubeSpawner, as it was before."""
    older: str | None = None
    """A version of JupyterHub to install beside ours; None: ours."""
    hub_environment: dict[str, str] = field(default_factory=dict)
    """More variables of the hub's process."""
    policy: dict[str, Any] = field(default_factory=dict)
    api_command: tuple[str, ...] = (sys.executable, "-m", "beamtorch_spawner")
    ports: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=lambda: {name: secrets.token_hex(16) for name in SERVICES})
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text = self.namespace.kubeconfig.read_text(encoding="utf-8")
        self.address = choose_address(yaml.safe_load(text)["clusters"][0]["cluster"]["server"], None)
        self._proxy_token = secrets.token_hex(16)

    # -- its life ---------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start proxy, API and hub, and wait until the hub answers."""
        with contextlib.ExitStack() as stack:
            for name in PORTS:
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", 0))
                self.ports[name] = probe.getsockname()[1]
        url = f"http://127.0.0.1:{self.ports['public']}/hub/api/"
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.http.headers["Authorization"] = f"token {self.tokens['operator']}"
        self._configure()
        for name in ("proxy", "api", "hub") if self.is_torch else ("proxy", "hub"):
            self.start_part(name)

    def start_part(self, name: str) -> None:
        """Start one of proxy, api and hub, and wait until it answers."""
        match name:
            case "proxy":
                addresses = ["--port", str(self.ports["public"]), "--api-port", str(self.ports["proxy"])]
                self._run(
                    "proxy",
                    ["configurable-http-proxy", "--ip", "127.0.0.1", "--api-ip", "127.0.0.1", *addresses],
                    {"CONFIGPROXY_AUTH_TOKEN": self._proxy_token},
                )
                self.wait(lambda: httpx.get(f"http://127.0.0.1:{self.ports['public']}", trust_env=False))
            case "api":
                self._run("api", list(self.api_command), self._api_environment())
                self.wait(lambda: self.api("GET", "health").is_success)
            case _:
                command = [sys.executable, "-m", "jupyterhub", "-f", str(self.where / "jupyterhub_config.py")]
                older = {"PYTHONPATH": str(self._old())} if self.older else {}
                self._run("hub", command, {**older, **self.hub_environment})
                self.wait(lambda: self.http.get("").is_success)

    def await_death(self, name: str, seconds: float = 60) -> None:
        """Wait until a part has ended."""
        self.children.pop(name).wait(seconds)

    def kill(self, name: str) -> None:
        """End a part so that it can do nothing more."""
        self.children[name].send_signal(signal.SIGKILL)
        self.await_death(name)

    def end(self) -> None:
        """End everything."""
        for child in reversed(self.children.values()):
            child.terminate()
        for child in self.children.values():
            child.wait(30)
        self.http.close()

    def log(self, name: str) -> str:
        """Return what a part wrote."""
        return (self.where / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def wait(self, what: Callable[[], Any], seconds: float = 90) -> Any:
        """Return the first answer of a function that is true; raise `TimeoutError` with the hub's last words."""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(httpx.HTTPError, ConnectionError):
                if found := what():
                    return found
            if time.monotonic() > until:
                raise TimeoutError("\n".join(self.log(name)[-3000:] for name in self.children))
            time.sleep(0.1)

    # -- what people and operators do ---------------------------------------------------------------

    def start(self, user: str, server: str = "", **options: str) -> httpx.Response:
        """Ask the hub for a start."""
        self.http.post(f"users/{user}")
        path = f"users/{user}/servers/{server}" if server else f"users/{user}/server"
        return self.http.post(path, json=options if self.older else {"user_options": options})

    def stop(self, user: str, server: str = "") -> httpx.Response:
        """Ask the hub for a stop."""
        return self.http.delete(f"users/{user}/servers/{server}" if server else f"users/{user}/server")

    def server(self, user: str, server: str = "") -> dict[str, Any]:
        """Return what the hub tells of a server; empty if there is none."""
        return dict(self.http.get(f"users/{user}").json().get("servers", {}).get(server, {}))

    def refused(self, user: str, **options: str) -> str:
        """Start what is refused, at once or after the hub's patience; return the sentence."""
        answer = self.start(user, **options)
        if answer.status_code == httpx.codes.ACCEPTED:
            # What became of it is told on the stream that the waiting page reads.
            with self.http.stream("GET", f"users/{user}/server/progress") as stream:
                return "".join(stream.iter_lines())
        return answer.text

    def api(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask the spawner API as an operator."""
        url = f"http://127.0.0.1:{self.ports['api']}/services/spawner/{path}"
        headers = {"Authorization": f"token {self.tokens['operator']}"}
        return httpx.request(method, url, headers=headers, trust_env=False, timeout=60, **more)

    def leases(self, user: str, server: str | None = None) -> list[dict[str, Any]]:
        """Return somebody's leases, newest first."""
        answer = self.api("GET", "leases", params={"username": user})
        answer.raise_for_status()
        return [one for one in answer.json() if server in {None, one["server"]}]

    # -- how it is made ---------------------------------------------------------------------------

    def _configure(self) -> None:
        told = {"where": self.where, "address": self.address, "tokens": self.tokens, "scopes": list(HUB_SCOPES)}
        pods = {"image": self.image, "command": list(self.command), "cores": self.cores, "memory": self.memory}
        place = {"namespace": self.namespace.namespace, "proxy_token": self._proxy_token}
        text = CONFIG.format(**told, **pods, **place, **self.ports)
        text += TORCH.format(**self.ports, torch_token=self.tokens["torch"]) if self.is_torch else PLAIN
        text += self.own_lines
        (self.where / "jupyterhub_config.py").write_text(text, encoding="utf-8")
        (self.where / "policy.yaml").write_text(yaml.safe_dump(self.policy), encoding="utf-8")

    def _api_environment(self) -> dict[str, str]:
        return {
            "JUPYTERHUB_SERVICE_NAME": "spawner",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/spawner/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.ports['api']}",
            "JUPYTERHUB_API_URL": f"http://{self.address}:{self.ports['hub']}/hub/api",
            "JUPYTERHUB_API_TOKEN": self.tokens["spawner"],
            "BEAMTORCH_SPAWNER_DATABASE": f"sqlite:///{self.where}/spawner.sqlite",
            "BEAMTORCH_PUBLIC_URL": f"http://127.0.0.1:{self.ports['public']}/",
            "BEAMTORCH_POLICY": str(self.where / "policy.yaml"),
            "BEAMTORCH_NAMESPACE": self.namespace.namespace,
            "BEAMTORCH_KUBECONFIG": str(self.namespace.kubeconfig),
        }

    def _run(self, name: str, command: list[str], own: dict[str, str]) -> None:
        bins = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {"PATH": bins, "HOME": str(self.where), "KUBECONFIG": str(self.namespace.kubeconfig), **own}
        with (self.where / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(  # noqa: S603 - our own words
                command, cwd=self.where, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def _old(self) -> Path:
        """Install another version of JupyterHub beside ours, which has all that it needs."""
        folder = self.where / "older"
        if not folder.exists():
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
            subprocess.run([*pip, f"jupyterhub=={self.older}"], check=True, capture_output=True)  # noqa: S603 - our own words
        return folder
