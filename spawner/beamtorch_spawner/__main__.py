"""Runs the spawner service on the address that the Hub gave it."""

import os

import uvicorn

from beamtorch_spawner.app import create_app
from beamtorch_spawner.settings import SpawnerSettings

STOP_SECONDS = 2


def main() -> None:
    """Serve until a signal comes; open requests get two seconds to finish."""
    settings = SpawnerSettings.from_environment(os.environ)
    uvicorn.run(
        create_app(settings),
        host=settings.hub.listen_host,
        port=settings.hub.listen_port,
        log_level="info",
        access_log=False,
        # Where a request came from is judged by source_address, which wants to see the connection itself.
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


if __name__ == "__main__":
    main()
