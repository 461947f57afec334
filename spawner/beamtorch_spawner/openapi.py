"""Writes the OpenAPI document of the spawner service: ``python -m beamtorch_spawner.openapi FILE`` (or ``-``)."""

import json
import os
import sys
from pathlib import Path

from pydantic import SecretStr

from beamtorch_service.settings import HubSettings
from beamtorch_spawner.app import create_app
from beamtorch_spawner.settings import SpawnerSettings

PREFIX = "/services/spawner/"


def document() -> str:
    """Return the document as JSON; it depends on the code alone."""
    nowhere = Path(os.devnull)
    settings = SpawnerSettings(
        hub=HubSettings(
            service="spawner", prefix=PREFIX, api_url="http://127.0.0.1/hub/api", api_token=SecretStr(""), listen_port=1
        ),
        database="sqlite://",
        environments=nowhere,
        directory=nowhere,
        data_root=nowhere,
        homes=nowhere,
        public_url="http://127.0.0.1/",
    )
    return json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the document to a file or to standard output."""
    if arguments[1:] in ([], ["-"]):
        sys.stdout.write(document())
    else:
        Path(arguments[1]).write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
