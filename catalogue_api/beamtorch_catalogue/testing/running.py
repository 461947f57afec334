"""A whole catalogue on a free port of this machine, in a thread: the real application behind the real server."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from pydantic import SecretStr

from beamtorch_catalogue.app import create_app
from beamtorch_catalogue.change_settings import ChangeSettings
from beamtorch_catalogue.sendfile import SendfileProtocol
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_catalogue.testing.receiver import LOOPBACK
from beamtorch_facility.clock import Clock
from beamtorch_service.settings import HubSettings

PREFIX = "/services/catalogue/"
_START_SECONDS = 20.0


@contextmanager
def running_catalogue(
    *,
    hub_api_url: str,
    database: str,
    directory: Path,
    data_root: Path,
    cache: Path,
    reader: Path | None = None,
    clock: Clock | None = None,
    models: Path | None = None,
    changes: ChangeSettings = LOOPBACK,
) -> Iterator[str]:
    """Run a catalogue and give its address; when left, it has ended."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    hub = HubSettings(
        service="catalogue", prefix=PREFIX, api_url=hub_api_url, api_token=SecretStr("own-token"), listen_port=port
    )
    settings = CatalogueSettings(
        hub=hub,
        database=database,
        directory=directory,
        data_root=data_root,
        public_url=f"http://127.0.0.1:{port}/",
        cache=cache,
        reader=reader,
        models=models,
        changes=changes,
    )
    config = uvicorn.Config(create_app(settings, clock=clock), log_config=None, lifespan="on", http=SendfileProtocol)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield f"http://127.0.0.1:{port}{PREFIX}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the catalogue did not start")
        time.sleep(0.01)
