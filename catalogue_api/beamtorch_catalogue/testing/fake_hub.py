"""A Hub that answers one question: whose token this is."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCESS = "access:services!service=catalogue"


@dataclass
class FakeHub:
    """Tokens and their owners, as `GET /hub/api/user` tells them."""

    url: str
    owners: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        """Address of the REST API."""
        return f"{self.url}/hub/api"

    def user(self, name: str, *, scopes: tuple[str, ...] = (ACCESS,)) -> str:
        """Let somebody have a token, and return it."""
        return self._give({"kind": "user", "name": name, "admin": False, "scopes": list(scopes)})

    def service(self, name: str, *, scopes: tuple[str, ...] = (ACCESS,)) -> str:
        """Let a service have a token, and return it."""
        return self._give({"kind": "service", "name": name, "admin": False, "scopes": list(scopes)})

    def _give(self, owner: dict[str, Any]) -> str:
        token = f"token-of-{owner['kind']}-{owner['name']}-{len(self.owners)}"
        self.owners[token] = owner
        return token


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Run a fake Hub on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        """Answers by the table of owners."""

        def do_GET(self) -> None:
            """Tell who owns the token."""
            token = self.headers.get("Authorization", "").removeprefix("token ")
            owner = hub.owners.get(token) if self.path == "/hub/api/user" else None
            body = json.dumps(owner or {"status": 403, "message": "Forbidden"}).encode()
            self.send_response(200 if owner else 403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of http.server
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub = FakeHub(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
