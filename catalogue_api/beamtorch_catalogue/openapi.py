"""Print the OpenAPI document: ``python -m beamtorch_catalogue.openapi > docs/reference/catalogue-openapi.json``."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from beamtorch_catalogue.app import create_app
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_service.settings import HubSettings


def document() -> dict[str, Any]:
    """Return the document of a catalogue at its usual place; nothing is opened or asked."""
    hub = HubSettings(
        service="catalogue",
        prefix="/services/catalogue/",
        api_url="http://127.0.0.1:8081/hub/api",
        api_token=SecretStr("none"),
        listen_port=1,
    )
    settings = CatalogueSettings(
        hub=hub,
        database="sqlite://",
        directory=Path("directory.yaml"),
        data_root=Path("data"),
        public_url="http://127.0.0.1:8000/",
        cache=Path("thumbnails"),
    )
    return create_app(settings).openapi()


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False, sort_keys=True)
    sys.stdout.write("\n")
