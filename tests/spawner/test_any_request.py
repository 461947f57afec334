"""Whatever is sent to whichever route, by whomever: a sentence comes back, never a fault. On both databases."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from beamtorch_service.settings import HubSettings
from beamtorch_service.testing import served
from beamtorch_spawner.app import create_app
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS
from beamtorch_spawner.openapi import document
from beamtorch_spawner.settings import SpawnerSettings
from beamtorch_spawner.testing import FakeJupyterHub

EXAMPLES = 150 if os.environ.get("BEAMTORCH_DEEP") else 12
ACCESS = "access:services!service=spawner"
EVERYTHING = ("custom:torch:admin", "custom:torch:admit", "custom:torch:read", "custom:torch:sourceip")
PEOPLE = """
people:
- {username: zhang, full_name: {en: Wei Zhang, zh: 张伟}, uid: 50001, gid: 50001, groups: [proposal-2026-1417]}
- {username: marsh, full_name: {en: Elena Marsh, zh: 埃琳娜}, uid: 50003, gid: 50003, groups: [facility-admin]}
"""
ENDLESS = "/services/spawner/events"
"""A stream, which no client reads to its end; it has tests of its own."""

described = json.loads(document())
described["paths"] = {path: what for path, what in described["paths"].items() if path != ENDLESS}
schema = schemathesis.openapi.from_dict(described)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def stand(request, tmp_path_factory) -> Iterator[tuple[str, dict[str, str]]]:
    """The service on one database, and tokens of everybody who may come."""
    where = tmp_path_factory.mktemp("any")
    database = f"sqlite:///{where}/spawner.sqlite"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres_database")
    (where / "directory.yaml").write_text(PEOPLE, encoding="utf-8")
    hub = FakeJupyterHub()
    hub.issue_for_service("spawner-token")
    tokens = {
        "zhang": hub.issue("zhang", ACCESS),
        "marsh": hub.issue("marsh", ACCESS),
        "torch": hub.issue("torch", ACCESS, *EVERYTHING, kind="service"),
    }
    hub.torch_token = tokens["torch"]
    with served(hub) as api_url:
        app = create_app(
            SpawnerSettings(
                hub=HubSettings(
                    service="spawner",
                    prefix="/services/spawner/",
                    api_url=api_url,
                    api_token=SecretStr("spawner-token"),
                    listen_port=1,
                ),
                database=database,
                environments=DEFAULT_ENVIRONMENTS,
                directory=where / "directory.yaml",
                data_root=where,
                homes=where,
                public_url="http://127.0.0.1/",
            )
        )
        with running(app) as base_url:
            hub.spawner_url = f"{base_url}/services/spawner/"
            yield base_url, tokens
            hub.close()


@contextmanager
def running(app) -> Iterator[str]:
    """Serve an application from a thread of this process, on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", proxy_headers=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("who", ["zhang", "marsh", "torch"])
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_is_a_fault(case, stand, who):
    base_url, tokens = stand
    answer = case.call(base_url=base_url, headers={"Authorization": f"token {tokens[who]}"})
    case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        assert answer.headers["content-type"] == ["application/problem+json"]
        assert {"type", "title", "title_zh", "status", "detail", "detail_zh"} <= answer.json().keys()
