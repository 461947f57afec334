"""The spawner service over HTTP, with a real Hub that tells who is calling."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from beamtorch_spawner.client import SpawnerClient
from beamtorch_spawner.errors import SpawnerRefusedError, SpawnerUnreachableError
from beamtorch_spawner.openapi import document
from beamtorch_spawner.wire import LeaseState

OPENAPI = Path(__file__).parents[2] / "docs" / "reference" / "spawner-openapi.json"
PREFIX = "/services/spawner/"

EVERYBODY = {"nobody", "lab", "okafor", "zhang", "marsh", "torch", "ingest", "operator", "prometheus"}
SIGNED_IN = EVERYBODY - {"nobody"}
PEOPLE = {"okafor", "zhang", "marsh"}
ADMINS = {"marsh", "operator"}
OBSERVERS = ADMINS | {"prometheus"}
ACTORS = PEOPLE | {"lab", "operator"}
OKAFOR = {"okafor", "lab"}
"""The person, and a server of theirs with the token that the Hub gave it."""
ALLOWED = {
    ("get", "health"): EVERYBODY,
    ("get", "environments"): SIGNED_IN,
    ("post", "admissions"): {"torch"},
    ("get", "admissions/{lease}"): {"torch"},
    ("patch", "leases/{lease}"): {"torch"},
    ("get", "leases"): ACTORS,
    ("get", "leases/{lease}"): ACTORS,
    ("post", "leases/{lease}/extend"): ACTORS,
    ("delete", "leases/{lease}"): ACTORS,
    ("get", "userpod/{username}"): OKAFOR | ADMINS,
    ("post", "userpod/"): OKAFOR | ADMINS,
    ("patch", "userpod/"): OKAFOR | ADMINS,
    ("delete", "userpod/"): OKAFOR | ADMINS,
    ("post", "users/"): ADMINS,
    ("get", "users/"): ADMINS,
    ("get", "users/count"): ADMINS,
    ("get", "users/{username}"): OKAFOR | ADMINS,
    ("get", "uniqueipinfo/"): ADMINS,
    ("post", "uniqueipinfo/"): ADMINS,
    ("put", "uniqueipinfo/"): ADMINS,
    ("delete", "uniqueipinfo/{ip}"): ADMINS,
    ("get", "uniqueipinfo/here"): ACTORS,
    ("post", "uniqueipinfo/here"): {"torch"},
    ("get", "sessions/ended"): {"torch"},
    ("get", "quotas"): ACTORS,
    ("put", "quotas"): ADMINS,
    ("delete", "quotas"): ADMINS,
    ("get", "usage"): ACTORS,
    ("get", "audit"): ACTORS,
    ("get", "ssh/access"): {"lab"},
    ("get", "ssh/host-key"): PEOPLE | {"lab"},
    ("get", "metrics"): OBSERVERS,
    ("get", "refreshuserspod/"): ADMINS,
    ("post", "refreshuserspod/"): ADMINS,
}
"""Who may use which route; the path's user is okafor, marsh is an admin, operator and prometheus are services.

The event stream never ends and has its own test.
"""

ROUTES = [
    (method, path.removeprefix(PREFIX))
    for path, methods in json.loads(document())["paths"].items()
    for method in methods
    if not path.endswith("/events")
]


@pytest.fixture(scope="module")
def tokens(hub):
    return {
        "nobody": None,
        "lab": hub.token_of("okafor", "access:servers!server=okafor/", "access:services!service=spawner"),
        **{name: hub.token_of(name) for name in sorted(PEOPLE)},
        **{name: hub.tokens[name] for name in ("torch", "ingest", "operator", "prometheus")},
    }


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_each_route_is_open_to_those_it_is_for_and_to_nobody_else(hub, tokens, who, method, path):
    more = {"json": BODIES[method, path]} if (method, path) in BODIES else {}
    answer = hub.api(method, path.format(lease="0" * 32, username="okafor", ip="10.9.9.9"), tokens[who], **more)
    if who in ALLOWED[method, path]:
        assert answer.status_code not in {401, 403}, answer.text
    else:
        assert answer.status_code == (401 if who == "nobody" else 403), answer.text
        assert {"type", "title", "title_zh", "status", "detail", "detail_zh"} <= answer.json().keys()
        assert answer.headers["content-type"] == "application/problem+json"


QUOTA = {"scope": "facility", "subject": "", "resource": "x.org/none", "limit": 1}
BODIES = {
    ("post", "admissions"): {"username": "okafor", "user_options": {"environment": "matlab"}},
    ("patch", "leases/{lease}"): {"state": "running"},
    ("post", "userpod/"): {"username": "okafor", "environment": "matlab"},
    ("patch", "userpod/"): {"username": "okafor"},
    ("delete", "userpod/"): {"username": "okafor"},
    ("post", "users/"): {"username": "okafor"},
    ("post", "uniqueipinfo/"): {"ip": "127.0.0.1", "beamline": "b1"},
    ("put", "uniqueipinfo/"): {"ip": "127.0.0.1", "beamline": "b1"},
    ("post", "uniqueipinfo/here"): {"username": "okafor", "peer": {"address": "10.0.0.1"}},
    ("put", "quotas"): QUOTA,
}


def test_the_committed_openapi_document_is_fresh():
    assert OPENAPI.read_text(encoding="utf-8") == document(), f"python -m beamtorch_spawner.openapi {OPENAPI}"


def admit(hub, username="okafor", server="", **options: Any):
    body = {"username": username, "server": server, "user_options": options}
    return hub.api("POST", "admissions", hub.tokens["torch"], json=body)


def report(hub, lease, state, reason=None):
    return hub.api("PATCH", f"leases/{lease}", hub.tokens["torch"], json={"state": state, "reason": reason})


def test_a_lease_goes_through_its_life(hub):
    lease = admit(hub, environment="lab", dataset="ds-000123").json()["lease"]
    assert hub.leases("okafor")[0]["state"] == "admitted"
    for state in ("starting", "running", "running", "stopping", "ended"):
        answer = report(hub, lease, state)
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    over = report(hub, lease, "running")
    assert over.status_code == 409
    assert over.json()["type"] == "urn:beamtorch:problem:lease-over"
    kept = hub.leases("okafor")[0]
    assert (kept["id"], kept["environment"], kept["dataset"]) == (lease, "lab", "ds-000123")
    assert kept["ended_at"] >= kept["requested_at"]


def test_a_second_start_of_a_running_server_is_refused_and_names_the_lease(hub):
    lease = admit(hub, environment="lab").json()["lease"]
    report(hub, lease, "running")
    second = admit(hub, environment="lab")
    assert second.status_code == 409
    assert second.json()["type"] == "urn:beamtorch:problem:server-in-use"
    assert second.json()["lease"] == lease
    pods = hub.api("GET", "userpod/okafor", hub.token_of("okafor")).json()
    assert [(pod["podname"], pod["environment"], pod["state"]) for pod in pods] == [("default", "lab", "running")]
    report(hub, lease, "ended")
    assert hub.api("GET", "userpod/okafor", hub.token_of("okafor")).json() == []


def test_a_start_that_was_lost_half_way_gives_way_to_the_next_and_is_written_down(hub):
    lost = admit(hub, environment="lab").json()["lease"]
    report(hub, lost, "starting")
    found = admit(hub, environment="lab")
    assert found.status_code == 201
    newer, older = hub.leases("okafor")[:2]
    assert (newer["id"], newer["state"]) == (found.json()["lease"], "admitted")
    assert (older["id"], older["state"]) == (lost, "failed")
    assert "never came to running" in older["reason"]["en"]
    report(hub, newer["id"], "ended")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"user_options": {"environment": "matlab"}}, 422, "unknown-environment"),
        ({"user_options": {"environment": "lab", "image": "evil"}}, 422, "not-offered"),
        ({"user_options": {"environment": "lab", "cmd": "evil"}}, 422, "unknown-option"),
        ({"user_options": {"environment": "lab", "dataset": "x y"}}, 422, "unknown-option"),
        ({"server": "ct"}, 422, "unknown-environment"),
        ({"server": "Foo/.."}, 422, "unknown-environment"),
        ({"username": "stranger"}, 404, "unknown-person"),
        ({"username": "../../etc"}, 422, "malformed-name"),
    ],
)
def test_a_refusal_is_a_problem_document_and_leaves_a_lease_that_says_why(hub, change, status, code):
    body = {"username": "okafor", "server": "", "user_options": {"environment": "lab"}, **change}
    answer = hub.api("POST", "admissions", hub.tokens["torch"], json=body)
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:beamtorch:problem:{code}"
    kept = hub.leases(body["username"])[0]
    assert (kept["state"], kept["reason"]["en"]) == ("refused", answer.json()["detail"])


def test_a_report_on_a_lease_that_was_never_given_is_refused(hub):
    answer = report(hub, "nonsense", "running")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:beamtorch:problem:unknown-lease")


def test_one_person_does_not_see_another_s_leases(hub):
    lease = admit(hub, "okafor", environment="lab").json()["lease"]
    seen_by_zhang = hub.api("GET", "leases", hub.token_of("zhang")).json()
    assert {one["username"] for one in seen_by_zhang} <= {"zhang"}
    assert lease in {one["id"] for one in hub.api("GET", "leases", hub.token_of("okafor")).json()}
    assert lease in {one["id"] for one in hub.api("GET", "leases", hub.token_of("marsh")).json()}
    report(hub, lease, "ended")


def test_nobody_learns_from_a_refusal_whether_somebody_else_exists(hub):
    token = hub.token_of("zhang")
    one, other = (hub.api("GET", f"userpod/{name}", token) for name in ("okafor", "stranger"))
    assert (one.status_code, one.json()) == (other.status_code, other.json())


def test_the_client_reads_offers_and_leases(hub):
    lease = admit(hub, environment="lab").json()["lease"]
    with SpawnerClient(hub.spawner_url, hub.token_of("okafor")) as client:
        assert [offer.id for offer in client.environments()] == ["lab", "ct"]
        assert client.leases(active=True)[0].state is LeaseState.ADMITTED
        assert [server.podname for server in client.servers("okafor")] == ["default"]
        with pytest.raises(SpawnerRefusedError) as refused:
            client.servers("zhang")
    assert (refused.value.code, refused.value.status) == ("not-allowed", 403)
    assert refused.value.problem()["detail_zh"] == refused.value.detail.zh
    report(hub, lease, "ended")


def test_a_service_that_is_away_is_told_in_a_sentence():
    with SpawnerClient("http://127.0.0.1:9/", "t") as client, pytest.raises(SpawnerUnreachableError, match="answer"):
        client.environments()


def test_something_else_at_the_address_is_not_taken_for_the_service(hub):
    with (
        SpawnerClient(f"http://127.0.0.1:{hub.ports['hub']}/hub/", "t") as client,
        pytest.raises(SpawnerUnreachableError),
    ):
        client.environments()


def test_a_mistake_in_the_environments_file_is_told_and_mending_it_counts_at_once(hub):
    path = hub.where / "config" / "environments.yaml"
    good = path.read_text(encoding="utf-8")
    try:
        path.write_text("environments: 7", encoding="utf-8")
        answer = hub.api("GET", "environments", hub.token_of("okafor"))
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:beamtorch:problem:environments-unreadable")
    finally:
        path.write_text(good, encoding="utf-8")
    assert hub.api("GET", "environments", hub.token_of("okafor")).status_code == 200


def test_the_documentation_page_needs_no_internet(hub):
    page = httpx.get(f"{hub.spawner_url}docs", trust_env=False)
    assert page.status_code == 200
    assert "https://cdn" not in page.text
