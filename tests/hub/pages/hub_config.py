"""A JupyterHub with our pages and nothing behind them: no proxy, and servers of people that are stand-ins."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner
from tornado.web import Application, HTTPError, RequestHandler

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_hub.pages import add_pages

folder = Path(os.environ["PAGES_FOLDER"])
port = int(os.environ["PAGES_PORT"])
c = get_config()  # type: ignore[name-defined]  # noqa: F821 - JupyterHub's


class RefusedError(BeamtorchError):
    code = "quota"
    title = Words(en="No place free", zh="没有空位")


class Answer(RequestHandler):
    def get(self) -> None:
        self.set_header("X-JupyterHub-Version", "6.1.1")
        self.write("here")


class StandIn(Spawner):
    """Starts at once, but a lab with the dataset “ds-refused” never and one with “ds-falters” not after all."""

    site: Any = None

    def options_from_form(self, form: dict[str, list[str]]) -> dict[str, str]:
        if extra := set(form) - {"environment", "dataset"}:
            raise RefusedError(Words(en=f"Nobody offered {extra}.", zh=f"没有提供 {extra}。"))
        return {name: values[0] for name, values in form.items()}

    async def start(self) -> tuple[str, int]:
        dataset = self.user_options.get("dataset")
        refused = RefusedError(Words(en="All 6 of 6 GPUs are <held>.", zh="6/6 块 GPU 已<占用>。"))
        if dataset == "ds-refused":
            raise refused
        if dataset == "ds-falters":
            while not (folder / "falter").exists():  # noqa: ASYNC110 - the other process makes a file, no event
                await asyncio.sleep(0.05)
            raise HTTPError(500, "as TorchLocalSpawner passes it on") from refused
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        self.site = Application([(r".*", Answer)]).listen(free, "127.0.0.1")
        return "127.0.0.1", free

    async def poll(self) -> int | None:
        return None if self.site else 0

    async def stop(self, now: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - JupyterHub's signature
        if self.site:
            self.site.stop()
        self.site = None


class NoProxy(Proxy):
    should_start = False

    async def add_route(self, routespec: str, target: str, data: Any) -> None: ...
    async def delete_route(self, routespec: str) -> None: ...
    async def get_all_routes(self) -> dict[str, Any]:
        return {}


c.JupyterHub.bind_url = f"http://127.0.0.1:{port}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port}/"
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.spawner_class = StandIn
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "right"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"mei.chen"}
c.JupyterHub.allow_named_servers = True
c.JupyterHub.db_url = f"sqlite:///{folder / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 1}
c.Spawner.consecutive_failure_limit = 0
add_pages(c, facility=Words(en="Test Light Source", zh="测试光源"), directory=folder / "directory.yaml")
