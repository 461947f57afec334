"""Whatever is sent to whichever route, by whomever: a sentence comes back, never a fault. On both databases."""

import os
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from beamtorch_catalogue.ingesting import ingest
from beamtorch_catalogue.openapi import document
from beamtorch_catalogue.testing.running import PREFIX
from beamtorch_catalogue.testing.world import World, small_world

EXAMPLES = 150 if os.environ.get("BEAMTORCH_DEEP") else 4
LONGEST_URL = 60_000
"""A longer one is no request to any server."""
ENDLESS = f"{PREFIX}events"
"""A stream, which no client reads to its end; it has tests of its own."""

described = document()
described["paths"] = {path: what for path, what in described["paths"].items() if path != ENDLESS}
schema = schemathesis.openapi.from_dict(described)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A catalogue with one dataset."""
    where = tmp_path_factory.mktemp("any")
    database = f"sqlite:///{where}/catalogue.sqlite"
    if request.param == "postgresql":
        database = request.getfixturevalue("new_postgres_database")()
    with small_world(where, database) as world:
        ingest(world.client("ingest"), world.layout, [world.scan("seen")])
        yield world


@pytest.mark.parametrize("role", ["team", "admin", "ingest"])
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_is_a_fault(case, stand, role):
    assume(len(case.as_transport_kwargs()["url"]) + 12 * len(str(case.query)) < LONGEST_URL)
    base_url = stand.url.removesuffix(PREFIX)
    answer = case.call(base_url=base_url, headers={"Authorization": f"token {stand.tokens[role]}"})
    case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])
    if answer.status_code >= httpx.codes.BAD_REQUEST and case.method != "HEAD":
        assert answer.headers["content-type"] == ["application/problem+json"]
        assert {"type", "title", "title_zh", "status", "detail", "detail_zh"} <= answer.json().keys()
