"""Who may see and change what of the user office's records: every route, every role, by relation to the record."""

from typing import Any

import httpx
import pytest

from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import FacilityRecords

REFUSED = {"nobody": 401, "unlisted": 403, "without scope": 403, "other service": 403}
ROLES = (*REFUSED, "stranger", "other team", "team", "staff", "admin", "ingest")
TEAM = ("P1", "BT-1", "bo")
OTHERS = ("P2", "BT-2", "chen")


def only(roles: tuple[str, ...], status: int, otherwise: int, **others: int) -> dict[str, int]:
    given = {role: status if role in roles else others.get(role.replace(" ", "_"), otherwise) for role in ROLES}
    return given | REFUSED


ALL = ("stranger", "other team", "team", "staff", "admin", "ingest")
OF_P1 = ("team", "staff", "admin", "ingest")
OF_P2 = ("other team", "admin", "ingest")
STATION = {"name": {"en": "A", "zh": "甲"}}
# “team” is the principal investigator of P1, “other team” of P2, “staff” looks after BL1 alone.
EXPECTED: list[tuple[str, str, Any, dict[str, int]]] = [
    ("GET", "instruments", None, only(ALL, 200, 200)),
    ("GET", "proposals", None, only(ALL, 200, 200)),
    ("GET", "beamtimes", None, only(ALL, 200, 200)),
    ("GET", "samples", None, only(ALL, 200, 200)),
    ("GET", "people", None, only(ALL, 200, 200)),
    ("GET", "proposals/P1", None, only(OF_P1, 200, 404)),
    ("GET", "proposals/P2", None, only(OF_P2, 200, 404)),
    ("GET", "proposals/P9", None, only((), 200, 404)),
    ("PUT", "facility", {}, only(("admin", "ingest"), 200, 403)),
    ("PUT", "facility?rehearse=true", {}, only(("admin", "ingest"), 200, 403)),
    ("PUT", "proposals/P1/people/bo", {"roles": ["helper"]}, only(("team", "admin", "ingest"), 200, 404, staff=403)),
    ("PUT", "proposals/P2/people/bo", {"roles": ["helper"]}, only(OF_P2, 200, 404)),
    ("PUT", "proposals/P9/people/bo", {"roles": ["helper"]}, only((), 200, 404)),
    ("DELETE", "proposals/P1/people/bo", None, only(("team", "admin", "ingest"), 204, 404, staff=403)),
    ("DELETE", "proposals/P2/people/bo", None, only(OF_P2, 204, 404)),
    ("PUT", "instruments/BL1/stations/a", STATION, only(("staff", "admin", "ingest"), 200, 403)),
    ("PUT", "instruments/BL2/stations/a", STATION, only(("admin", "ingest"), 200, 403)),
    ("PUT", "instruments/BL9/stations/a", STATION, only((), 200, 404)),
    ("DELETE", "instruments/BL1/stations/a", None, only(("staff", "admin", "ingest"), 204, 403)),
    ("DELETE", "instruments/BL2/stations/a", None, only(("admin", "ingest"), 204, 403)),
]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_exactly_its_rights(world: World, document, role: str):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    got, wanted = {}, {}
    with httpx.Client(timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens[role]}"}) as http:
        for method, path, body, expected in EXPECTED:
            answer = http.request(method, path, json=body)
            got[method, path], wanted[method, path] = answer.status_code, expected[role]
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail_zh"]
                assert world.tokens[role] not in answer.text
    assert got == wanted


def test_the_cookie_of_a_browser_changes_nothing(world: World):
    with httpx.Client(timeout=60, base_url=world.url, cookies={"beamtorch-catalogue": world.tokens["team"]}) as http:
        assert http.get("proposals/P1").status_code == 200
        assert http.put("proposals/P1/people/ada", json={"roles": ["helper"]}).status_code == 401
        assert http.delete("proposals/P1/people/ada").status_code == 401


def test_a_proposal_that_one_may_not_see_and_one_that_is_not_there_are_the_same(world: World):
    with httpx.Client(
        timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens['stranger']}"}
    ) as http:
        for method, path, body in (
            ("GET", "proposals/{}", None),
            ("PUT", "proposals/{}/people/ada", {"roles": ["x"]}),
            ("PUT", "proposals/{}/people/nobody.at.all", {"roles": ["x"]}),
            ("DELETE", "proposals/{}/people/ada", None),
        ):
            there, nowhere = (http.request(method, path.format(name), json=body) for name in ("P1", "P9"))
            assert (there.status_code, there.text.replace("P1", "X")) == (404, nowhere.text.replace("P9", "X"))


def test_lists_hold_what_somebody_may_see_and_nothing_else(world: World, document):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    for role, seen in {"stranger": ((), (), ()), "team": TEAM, "staff": TEAM, "other team": OTHERS}.items():
        client = world.client(role)
        proposals = tuple(p.proposal for p in client.proposals())
        assert proposals == ((seen[0],) if seen[0] else ()), role
        assert tuple(b.beamtime for b in client.beamtimes()) == ((seen[1],) if seen[1] else ()), role
        # Staff know a sample once there are data of it at their beamline.
        assert {s.proposal for s in client.samples()} == (set() if role == "staff" else set(proposals)), role
    people = {role: [p.username for p in world.client(role).people()] for role in ALL}
    assert people == {
        "stranger": [],
        "team": ["ada", "bo"],
        "staff": ["ada", "bo"],
        "other team": ["chen"],
        "admin": ["ada", "bo", "chen"],
        "ingest": ["ada", "bo", "chen"],
    }


def test_a_role_in_the_catalogue_lets_nobody_read(world: World, document):
    document["people"].append({"username": "eve", "name": {"en": "Eve", "zh": "伊芙"}})
    document["proposals"][0]["people"].append({"username": "eve", "role": "principal-investigator"})
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    world.client("ingest").ingest([world.record("scan")])
    stranger = world.client("stranger")
    assert (stranger.search("scan").total, stranger.proposals(), stranger.samples()) == (0, [], [])
    assert [p.username for p in stranger.people()] == ["eve"]
    document["proposals"][0]["principal_investigator"] = "eve"
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    assert (stranger.search("scan").total, stranger.proposals()) == (0, [])


def test_no_answer_holds_an_address_of_mail(world: World):
    with httpx.Client(
        timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens['admin']}"}
    ) as http:
        document = http.get("openapi.json").json()
        members = document["components"]["schemas"]["PersonRecord"]["properties"]
        assert sorted(members) == ["affiliation", "name", "orcid", "username"]
        wrong = {"people": [{"username": "ada", "name": {"en": "A", "zh": "A"}, "email": "a@example.org"}]}
        assert http.put("facility", json=wrong).status_code == 422
