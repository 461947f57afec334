"""Runs the spawner service on the address that the Hub gave it."""

import os

from beamtorch_service.serving import serve
from beamtorch_spawner.app import create_app
from beamtorch_spawner.settings import SpawnerSettings


def main() -> None:
    """Serve until a signal comes; open requests get two seconds to finish."""
    settings = SpawnerSettings.from_environment(os.environ)
    serve(create_app(settings), settings.hub, log_level="info", access_log=False)


if __name__ == "__main__":
    main()
