"""A receiver of webhooks that notes everything and confirms, refuses or dawdles as a test wants."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from beamtorch_catalogue.change_settings import ChangeSettings
from beamtorch_catalogue.webhooks import SIGNATURE
from beamtorch_catalogue.wire import ChangeEvent, Delivery

LOOPBACK = ChangeSettings.model_validate(
    {"webhook_http": True, "webhook_networks": ["127.0.0.0/8", "::1/128"], "webhook_seconds": 2.0}
)
"""Settings under which webhooks reach a receiver on this machine."""


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    """What it was answered with."""

    @property
    def signature(self) -> str:
        """The header with the signature."""
        return self.headers.get(SIGNATURE.lower(), "")

    @property
    def delivery(self) -> Delivery:
        """The body."""
        return Delivery.model_validate_json(self.body)


@dataclass
class Receiver:
    """What came in, and what is answered next."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; afterwards `status`."""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """How long to wait before an answer."""
    endless: bool = False
    """Whether the body of the answer never ends."""

    @property
    def heard(self) -> list[ChangeEvent]:
        """All events that were confirmed, doubles dropped by their ids."""
        seen: dict[int, ChangeEvent] = {}
        for request in self.requests:
            if request.status < 300:  # noqa: PLR2004 - confirmed
                for event in request.delivery.events:
                    seen.setdefault(event.id, event)
        return list(seen.values())


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    noted = Receiver()
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        """Notes each request before it answers."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(noted.seconds)
            status = noted.answers.pop(0) if noted.answers else noted.status
            headers = {name.lower(): value for name, value in self.headers.items()}
            noted.requests.append(Request(self.path, headers, body, status))
            self.send_response(status)
            for name, value in noted.headers.items():
                self.send_header(name, value)
            self.end_headers()
            while noted.endless and not is_over.is_set():
                self.wfile.write(b"x" * 65536)

        do_GET = do_POST  # noqa: N815 - the names of http.server

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of http.server
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Keep quiet: some tests are about senders that hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    noted.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield noted
    finally:
        is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()
