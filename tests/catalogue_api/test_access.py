"""Who may do what: every route that the OpenAPI document lists, for everybody, so that a new one is not forgotten."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.ingesting import ingest
from beamtorch_catalogue.openapi import document
from beamtorch_catalogue.testing.world import World
from beamtorch_facility import Quantity
from beamtorch_facility.directory import YamlDirectory, dump_people

PREFIX = "/services/catalogue"
PLACES = {"path": "seen.h5", "proposal": "P1", "username": "sam", "beamline": "BL1", "station": "a", "number": "999999",
          "pid": "local/none", "name": "none"}  # fmt: skip
NOBODY_KNOWN = {"nobody": 401, "unlisted": 403, "without scope": 403, "other service": 403}
READERS = ("team", "staff", "admin", "ingest")
PEOPLE = ("team", "staff", "admin")
WRITERS = ("admin", "ingest")
ROLES = (*NOBODY_KNOWN, "stranger", "other team", "team", "staff", "admin", "ingest")


def everybody(status: int, **others: int) -> dict[str, int]:
    return {role: NOBODY_KNOWN.get(role, others.get(role.replace(" ", "_"), status)) for role in ROLES}


def only(roles: tuple[str, ...], status: int, otherwise: int) -> dict[str, int]:
    return {role: NOBODY_KNOWN.get(role, status if role in roles else otherwise) for role in ROLES}


EXPECTED = {
    "GET /datasets": everybody(200),
    "GET /datasets/{dataset}": only(READERS, 200, 404),
    "GET /datasets/{dataset}/thumbnail.png": only(PEOPLE, 200, 404) | {"ingest": 403},
    "GET /datasets/{dataset}/files/{path}": only(PEOPLE, 200, 404) | {"ingest": 403},
    "HEAD /datasets/{dataset}/files/{path}": only(PEOPLE, 200, 404) | {"ingest": 403},
    "POST /datasets": {**only(PEOPLE, 200, 403)} | {"ingest": 200},
    "POST /datasets:bulk": only(WRITERS, 200, 403),
    "GET /files": only(WRITERS, 200, 403),
    "POST /files:state": only(WRITERS, 200, 403),
    "GET /instruments": everybody(200),
    "GET /proposals": everybody(200),
    "GET /beamtimes": everybody(200),
    "GET /samples": everybody(200),
    "PUT /facility": only(WRITERS, 200, 403),
    "GET /datasets/count": everybody(200),
    "GET /datasets/facets": everybody(200),
    "PATCH /datasets/{dataset}": only(READERS, 200, 404),
    "GET /datasets/{dataset}/files": only(READERS, 200, 404),
    "GET /datasets/{dataset}/history": only(READERS, 200, 404),
    "GET /datasets/{dataset}/citation": only(READERS, 200, 404),
    "GET /datasets/{dataset}/provenance": only(READERS, 200, 404),
    "PUT /datasets/{dataset}/release": only(("team", "admin"), 200, 404) | {"staff": 403, "ingest": 403},
    "GET /people": everybody(200),
    "GET /proposals/{proposal}": only(READERS, 200, 404),
    "PUT /proposals/{proposal}/people/{username}": only(("team", *WRITERS), 200, 404) | {"staff": 403},
    "DELETE /proposals/{proposal}/people/{username}": only(("team", *WRITERS), 204, 404) | {"staff": 403},
    "GET /proposals/{proposal}/release": only(READERS, 200, 404),
    "PUT /proposals/{proposal}/release": only(("team", "admin"), 200, 404) | {"staff": 403, "ingest": 403},
    "PUT /instruments/{beamline}/stations/{station}": only(("staff", *WRITERS), 200, 403),
    "DELETE /instruments/{beamline}/stations/{station}": only(("staff", *WRITERS), 204, 403),
    "GET /publications": everybody(200),
    "POST /publications": only(("team", "admin"), 409, 404) | {"staff": 403, "ingest": 403},
    "GET /publications/{pid}": everybody(404),
    "GET /changes": only(("staff", "admin"), 200, 403),
    "GET /events": everybody(200),
    "GET /webhooks": only(("staff", "admin"), 200, 403),
    "POST /webhooks": only(("staff", "admin"), 201, 403),
    "GET /webhooks/{number}": only(("staff", "admin"), 404, 403),
    "PATCH /webhooks/{number}": only(("staff", "admin"), 404, 403),
    "DELETE /webhooks/{number}": only(("staff", "admin"), 404, 403),
    "POST /webhooks/{number}/test": only(("staff", "admin"), 404, 403),
    "GET /keys": everybody(200, ingest=403),
    "POST /keys": everybody(201, ingest=403),
    "DELETE /keys/{number}": everybody(404, ingest=403),
    "GET /techniques": everybody(200),
    "GET /models": everybody(200),
    "GET /models/{name}/schema": everybody(404),
    "GET /searches": everybody(200, ingest=403),
    "PUT /searches": everybody(200, ingest=403),
    "DELETE /searches": everybody(204, ingest=403),
    "GET /attachments": everybody(200, ingest=403),
    "POST /attachments": only(PEOPLE, 200, 404) | {"ingest": 403},
    "DELETE /attachments/{dataset}": everybody(204, ingest=403),
    "GET /health": dict.fromkeys(ROLES, 200),
}


def routes() -> list[str]:
    return [
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in document()["paths"].items()
        for method in methods
    ]


def test_every_route_has_its_row_in_the_table_of_rights():
    assert sorted(routes()) == sorted(EXPECTED)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_exactly_its_rights(light_world: World, role: str):
    world = light_world
    scan = world.folder() / "seen"
    if not scan.exists():
        world.scan("seen")
    ingest(world.client("ingest"), world.layout, [scan])
    (dataset,) = world.client("admin").search("seen", kind="raw").datasets
    bodies = {
        "POST /datasets": world.result(f"result-{role.replace(' ', '-')}").model_dump(mode="json"),
        "POST /datasets:bulk": [world.record("bulk").model_dump(mode="json")],
        "POST /files:state": [{"dataset": dataset.id, "path": str(scan / "seen.h5"), "state": "complete"}],
        "PUT /facility": {"name": {"en": "Test Source", "zh": "测试光源"}},
        "PATCH /datasets/{dataset}": {},
        "PUT /proposals/{proposal}/people/{username}": {"roles": ["co-proposer"]},
        "PUT /instruments/{beamline}/stations/{station}": {"name": {"en": "Hutch", "zh": "棚屋"}},
        "PUT /proposals/{proposal}/release": {"embargo_months": 12},
        "PUT /datasets/{dataset}/release": {"released_at": "2027-01-01T00:00:00Z", "released_to": "registered"},
        "POST /publications": {
            "title": {"en": "Teeth", "zh": "牙齿"},
            "abstract": {"en": "Old ones", "zh": "古代"},
            "licence": "CC-BY-4.0",
            "creators": [{"name": {"en": "Ada Okafor", "zh": "阿达"}}],
            "datasets": [dataset.id],
        },
        "POST /webhooks": {"url": "https://hooks.example/changes"},
        "PATCH /webhooks/{number}": {"is_active": False},
        "POST /keys": {"scopes": ["read"], "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        "PUT /searches": {"name": "mine", "query": "seen"},
        "POST /attachments": {"dataset": dataset.id, "path": "~/datasets/seen"},
    }
    got = {}
    with httpx.Client(timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens[role]}"}) as http:
        for route in routes():
            method, path = route.split()
            if path == "/events":
                with http.stream(method, path) as answer:  # it never ends
                    got[route] = answer.status_code
                continue
            for placeholder, value in (PLACES | {"dataset": dataset.id}).items():
                path = path.replace(f"{{{placeholder}}}", value)
            asked = {"/files": {"below": str(world.layout.root)}, "/searches": {"name": "mine"}}
            answer = http.request(method, path, json=bodies.get(route), params=asked.get(path))
            got[route] = answer.status_code
            if answer.status_code >= 400 and method != "HEAD":
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail_zh"]
                assert world.tokens[role] not in answer.text
    assert got == {route: expected[role] for route, expected in EXPECTED.items()}


def test_a_stranger_finds_nothing_by_any_way_and_every_no_is_the_same(world: World):
    ingestor = world.client("ingest")
    (secret,) = ingestor.ingest([world.record("secret", sample="molar")])
    (child,) = ingestor.ingest([world.record("child", parents=(secret.dataset,))])
    for role in ("stranger", "other team"):
        client = world.client(role)
        for q in ("", "secret", "molar", "ada", "齿"):
            page = client.search(q)
            assert (page.datasets, page.total) == ((), 0), (role, q)
        assert [s.sample for s in client.samples()] == (["cathode"] if role == "other team" else [])
        assert [b.beamtime for b in client.beamtimes()] == (["BT-2"] if role == "other team" else [])
        assert [p.proposal for p in client.proposals()] == (["P2"] if role == "other team" else [])
        with httpx.Client(
            timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens[role]}"}
        ) as http:
            for path in ("datasets/{}", "datasets/{}/thumbnail.png", "datasets/{}/files/secret.h5"):
                there = http.get(path.format(secret.dataset))
                nowhere = http.get(path.format("ds-aaaaaaaaaaaaaaaa"))
                assert there.status_code == nowhere.status_code == 404
                assert there.text.replace(str(secret.dataset), "X") == nowhere.text.replace("ds-aaaaaaaaaaaaaaaa", "X")
    assert child.outcome == "created"


def test_relatives_that_somebody_may_not_read_are_not_named(world: World):
    ingestor = world.client("ingest")
    (mine,) = ingestor.ingest([world.record("mine")])
    (theirs,) = ingestor.ingest([world.record("theirs", "BT-2", parents=(mine.dataset,))])
    assert world.client("admin").dataset(mine.dataset).children == (theirs.dataset,)
    assert world.client("team").dataset(mine.dataset).children == ()
    assert world.client("other team").dataset(theirs.dataset).parents == ()


def test_somebody_who_joins_the_team_reads_at_once(world: World):
    world.client("ingest").ingest([world.record("tooth")])
    assert world.client("stranger").search("tooth").total == 0
    change_groups(world, "eve", ("proposal-P1",))
    assert world.client("stranger").search("tooth").total == 1


def test_the_cookie_of_a_browser_reads_but_never_writes(light_world: World):
    cookies = {"beamtorch-catalogue": light_world.tokens["team"]}
    with httpx.Client(timeout=60, base_url=light_world.url, cookies=cookies) as http:
        assert http.get("datasets").status_code == 200
        assert http.post("attachments", json={"dataset": "ds-aaaaaaaa", "path": "~/datasets/x"}).status_code == 401


def test_a_result_cannot_be_made_from_what_one_may_not_read(world: World):
    (theirs,) = world.client("ingest").ingest([world.record("theirs", "BT-2")])
    said = []
    for parent in (str(theirs.dataset), "ds-aaaaaaaaaaaaaaaa"):
        with pytest.raises(CatalogueRefusedError) as refused:
            world.client("team").register(world.result("mine", parents=(parent,)))
        assert refused.value.code == "registration-refused"
        said.append(refused.value.detail.en.replace(parent, "X"))
    assert said[0] == said[1]


def test_the_parameters_of_others_are_not_known_by_name(world: World):
    parameters = {"secret_field": Quantity(value=1.0, unit="T")}
    world.client("ingest").ingest([world.record("theirs", "BT-2", parameters=parameters)])
    assert world.client("other team").search("secret_field:0..2 T").total == 1
    with pytest.raises(CatalogueRefusedError) as refused:
        world.client("team").search("secret_field:0..2 T")
    assert refused.value.code == "unknown-parameter"


def test_somebody_who_leaves_the_team_loses_sight_of_what_they_attached(world: World):
    (made,) = world.client("ingest").ingest([world.record("tooth")])
    team = world.client("team")
    team.record_attachment(made.dataset, "~/datasets/tooth")
    change_groups(world, "ada", ())
    assert team.attachments() == []
    with pytest.raises(CatalogueRefusedError) as refused:
        team.record_attachment(made.dataset, "~/datasets/tooth")
    assert refused.value.code == "no-such-dataset"
    team.forget_attachment(made.dataset)
    change_groups(world, "ada", ("proposal-P1",))
    assert team.attachments() == []


def change_groups(world: World, username: str, groups: tuple[str, ...]) -> None:
    people = [
        person.model_copy(update={"groups": groups}) if person.username == username else person
        for person in YamlDirectory(world.directory).people()
    ]
    world.directory.write_text(dump_people(people), encoding="utf-8")
