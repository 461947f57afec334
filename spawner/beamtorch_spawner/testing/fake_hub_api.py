"""A Hub with users and servers, whose spawner asks the spawner service as ours does; its labs are entries in a list.

It answers as JupyterHub's REST API does, in the shapes of version 5 or 6, and passes the same tests as a real Hub. A
lab that began stays until it is stopped, whatever becomes of the spawner service, so that nobody's lab is lost unseen.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx

from beamtorch_service.testing import FakeHub
from beamtorch_spawner.hub_api import HUB_SCOPES

SLOW_SPAWN_SECONDS = 10.0
"""How long a start is waited for before 202 is answered, as in JupyterHub; one that has to wait is not waited for."""
POLL_SECONDS = 0.05
SECONDS = 10.0


@dataclass
class Lab:
    """A server at the Hub, from the start to the stop."""

    username: str
    server: str
    user_options: dict[str, Any]
    pending: str | None = "spawn"
    lease: str | None = None
    is_cancelled: bool = False
    refusal: dict[str, Any] | None = None
    settled: threading.Event = field(default_factory=threading.Event)
    """Set when the lab runs, waits or was refused."""

    def model(self) -> dict[str, Any]:
        """Return what the Hub tells about the server."""
        part = f"{self.server}/" if self.server else ""
        return {
            "name": self.server,
            "pending": self.pending,
            "ready": self.pending is None,
            "stopped": False,
            "url": f"/user/{self.username}/{part}",
            "user_options": self.user_options,
            "state": {},
        }


@dataclass
class FakeJupyterHub(FakeHub):
    """Users and servers beside the tokens; ``stop_seconds`` is how long a lab takes to end."""

    version: str = "6.1.1"
    spawner_url: str = ""
    """Where admission is asked for and reports go; empty: nobody is told."""
    torch_token: str = ""
    stop_seconds: float = 0.0
    refusal: tuple[int, str] | None = None
    """What the Hub itself says to a start, before its spawner is asked."""
    names: set[str] = field(default_factory=set)
    labs: dict[tuple[str, str], Lab] = field(default_factory=dict)
    begun: list[Lab] = field(default_factory=list)
    """Every lab that ever began, in order."""
    starts_asked: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _threads: list[threading.Thread] = field(default_factory=list)
    # Reading the certificates of the world for each request of a test costs more than the request.
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(verify=False, trust_env=False))  # noqa: S501 - plain http

    def issue_for_service(self, token: str) -> None:
        """Let a token of the spawner service do what its role at the Hub allows."""
        self.owners[token] = {"name": "spawner", "kind": "service", "admin": False, "scopes": list(HUB_SCOPES)}

    def running(self) -> list[tuple[str, str]]:
        """Return which labs there are, by person and server."""
        with self._lock:
            return sorted(key for key, lab in self.labs.items() if lab.pending != "spawn")

    def close(self) -> None:
        """Wait until nothing goes on any more."""
        with self._lock:
            for lab in self.labs.values():
                lab.is_cancelled = True
        for thread in self._threads:
            thread.join()
        self._http.close()

    def click(
        self,
        username: str,
        server: str = "",
        *,
        peer: dict[str, Any] | None = None,
        session: str | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Start a server as a person does on the Hub's page, from an address and with a browser's session."""
        self.names.add(username)
        return self._start(username, server, options, {"peer": peer, "browser_session": session})

    # -- JupyterHub's REST API ---------------------------------------------------------------------

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as JupyterHub would."""
        path = request.url.raw_path.decode().partition("?")[0]
        parts = [unquote(part) for part in path.removeprefix("/hub/api/").split("/") if part]
        if parts and parts[0] != "users":
            return super().answer(request)
        if not self.reachable or not self.healthy:
            return super().answer(request)
        if not parts:
            return httpx.Response(200, json={"version": self.version})
        owner = self.owners.get(request.headers.get("Authorization", "").removeprefix("token "), {})
        if not set(HUB_SCOPES) <= set(_texts(owner.get("scopes"))):
            return httpx.Response(403, json={"status": 403, "message": "Action is not authorized"})
        return self._users(request, parts[1:])

    def _users(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        match request.method, parts:
            case "GET", []:
                return self._page(dict(request.url.params))
            case "GET", [name]:
                return httpx.Response(200, json=self._model(name)) if name in self.names else _missing()
            case "POST", [name]:
                return self._add(name)
            case (("POST" | "DELETE"), [name, "server"]):
                return self._server(request, name, "")
            case (("POST" | "DELETE"), [name, "servers", server]):
                return self._server(request, name, server)
        return httpx.Response(404, json={"status": 404, "message": "Not Found"})

    def _add(self, name: str) -> httpx.Response:
        if name in self.names:
            return httpx.Response(409, json={"status": 409, "message": f"User {name} already exists"})
        self.names.add(name)
        return httpx.Response(201, json=self._model(name))

    def _page(self, query: dict[str, str]) -> httpx.Response:
        with self._lock:
            active = {username for username, _ in self.labs}
            names = sorted(active if query.get("state") == "active" else self.names)
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 50))
        return httpx.Response(200, json=[self._model(name) for name in names[offset : offset + limit]])

    def _model(self, name: str) -> dict[str, Any]:
        with self._lock:
            servers = {server: lab.model() for (username, server), lab in self.labs.items() if username == name}
        return {"name": name, "kind": "user", "admin": False, "servers": servers}

    def _server(self, request: httpx.Request, name: str, server: str) -> httpx.Response:
        if name not in self.names:
            return _missing()
        if request.method == "DELETE":
            return self._stop(name, server)
        self.starts_asked += 1
        if self.refusal is not None:
            status, said = self.refusal
            return httpx.Response(status, json={"status": status, "message": said})
        body = json.loads(request.content or b"{}")
        is_nested = int(self.version.partition(".")[0]) >= 6 and "user_options" in body  # noqa: PLR2004
        return self._start(name, server, body["user_options"] if is_nested else body, {})

    # -- its spawner -------------------------------------------------------------------------------

    def _start(self, name: str, server: str, options: dict[str, Any], seen: dict[str, Any]) -> httpx.Response:
        with self._lock:
            lab = self.labs.get((name, server))
            if lab is not None and lab.pending == "spawn":
                return httpx.Response(202)
            if lab is not None:
                said = f"{name}:{server} is {'pending stop' if lab.pending else 'already running'}"
                return httpx.Response(400, json={"status": 400, "message": said})
            lab = self.labs[name, server] = Lab(name, server, options)
        self._go(self._spawn, lab, seen)
        lab.settled.wait(SLOW_SPAWN_SECONDS)
        if lab.refusal is not None:
            return httpx.Response(lab.refusal["status"], json=lab.refusal)
        return httpx.Response(202 if lab.pending else 201)

    def _spawn(self, lab: Lab, seen: dict[str, Any]) -> None:
        asked = {"username": lab.username, "server": lab.server, "user_options": lab.user_options, **seen}
        answer = self._service("POST", "admissions", asked)
        while answer.is_success and answer.json()["grant"] is None and not lab.is_cancelled:
            lab.lease = answer.json()["lease"]
            lab.settled.set()
            time.sleep(POLL_SECONDS)
            answer = self._service("GET", f"admissions/{lab.lease}")
        with self._lock:
            if not answer.is_success or lab.is_cancelled:
                self.labs.pop((lab.username, lab.server), None)
                told = {} if answer.is_success else answer.json()
                lab.refusal = {"status": answer.status_code, "message": told.get("detail", "cancelled"), **told}
                lab.settled.set()
                return
            lab.lease = answer.json()["lease"]
            self.begun.append(lab)
        self._report(lab, "starting")
        # Told before anybody sees it ready, as a stop that is asked for at once must find its lease running.
        self._report(lab, "running")
        lab.pending = None
        lab.settled.set()

    def _stop(self, name: str, server: str) -> httpx.Response:
        with self._lock:
            lab = self.labs.get((name, server))
            if lab is None:
                return _missing() if server else httpx.Response(204)
            if lab.pending == "stop":
                return httpx.Response(202)
            is_running, lab.is_cancelled = lab.pending is None, True
            if is_running:
                lab.pending = "stop"
        if is_running:
            self._go(self._end, lab)
        return httpx.Response(202)

    def _end(self, lab: Lab) -> None:
        self._report(lab, "stopping")
        time.sleep(self.stop_seconds)
        with self._lock:
            self.labs.pop((lab.username, lab.server), None)
        self._report(lab, "ended")

    def _report(self, lab: Lab, state: str) -> None:
        if self.spawner_url:
            self._service("PATCH", f"leases/{lab.lease}", {"state": state})

    def _service(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Ask the spawner service, again and again while it is away."""
        until = time.monotonic() + SECONDS
        while True:
            try:
                return self._http.request(
                    method,
                    f"{self.spawner_url}{path}",
                    json=body,
                    headers={"Authorization": f"token {self.torch_token}"},
                    timeout=SECONDS,
                )
            except httpx.HTTPError:
                if time.monotonic() > until:
                    return httpx.Response(503, json={"status": 503, "detail": "the spawner service does not answer"})
                time.sleep(POLL_SECONDS)

    def _go(self, what: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=what, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


def _texts(scopes: object) -> list[str]:
    return [str(scope) for scope in scopes] if isinstance(scopes, list) else []


def _missing() -> httpx.Response:
    return httpx.Response(404, json={"status": 404, "message": "Not Found"})
