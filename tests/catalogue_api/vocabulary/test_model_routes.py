"""A model of one file: its routes, its fields in OpenAPI and in searches, and who may use them."""

import json

import httpx
import pytest
import yaml
from sqlalchemy import select

from beamtorch_catalogue.stores.models import Change, DatasetRow, ParameterRow
from beamtorch_catalogue.testing.laboratory import Laboratory
from beamtorch_catalogue.testing.world import World

PATH = "datasets/{}/models/furnace"
DOCUMENT = {"ramp": 7.5, "atmosphere": "argon", "remarks": "crucible wobbled"}


def put(laboratory: Laboratory, dataset: str, document: object = DOCUMENT, role: str = "team", **more: str) -> int:
    answer = laboratory.ask(role, "PUT", PATH.format(dataset), json=document, headers=more)
    return answer.status_code


def found(laboratory: Laboratory, q: str, role: str = "team") -> list[str]:
    answer = laboratory.ask(role, "GET", "datasets", params={"q": q})
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["datasets"]]


def test_one_file_makes_routes_whose_fields_are_in_the_openapi_document(running: Laboratory):
    told = running.ask("team", "GET", "openapi.json").json()
    prefix = "/services/catalogue"
    path = told["paths"][f"{prefix}/datasets/{{dataset}}/models/furnace"]
    assert set(path) == {"get", "put", "delete"}
    reference = path["put"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    shape = told["components"]["schemas"][reference.rpartition("/")[2]]
    assert set(shape["properties"]) == {"ramp", "holds", "atmosphere", "cycles", "quenched", "started", "remarks"}
    assert shape["required"] == ["ramp"]
    assert shape["properties"]["ramp"]["x-unit"] == "K/min"
    assert shape["properties"]["ramp"]["x-label"]["zh"] == "升温速率"
    assert f"{prefix}/datasets/{{dataset}}/models/powder_environment" in told["paths"]


def test_a_catalogue_without_a_folder_has_no_models_and_all_techniques(world: World):
    with httpx.Client(
        base_url=world.url, headers={"Authorization": f"token {world.tokens['stranger']}"}, trust_env=False
    ) as http:
        assert http.get("models").json() == []
        techniques = {one["name"]: one for one in http.get("techniques").json()}
    assert techniques["tomography"]["panet"] == "PaNET01207"
    assert techniques["tomography"]["label"] == {"en": "X-ray tomography", "zh": "X 射线层析"}


def test_models_are_listed_with_all_that_a_form_needs(running: Laboratory):
    (card,) = running.ask("stranger", "GET", "models", params={"technique": "CT"}).json()
    assert (card["name"], card["version"], card["techniques"]) == ("furnace", 1, ["tomography"])
    assert card["label"]["zh"] == "原位加热炉"
    assert card["documents"] is None
    fields = {one["name"]: one for one in card["fields"]}
    assert fields["ramp"]["parameter"] == "furnace_ramp"
    assert (fields["ramp"]["unit"], fields["ramp"]["maximum"], fields["ramp"]["is_required"]) == ("K/min", 200, True)
    assert fields["atmosphere"]["choices"][1] == {"value": "argon", "label": {"en": "Argon", "zh": "氩气"}}
    assert fields["atmosphere"]["is_facet"]
    schema = running.ask("stranger", "GET", "models/furnace/schema").json()
    assert schema["x-version"] == 1
    assert schema["properties"]["holds"]["x-label"]["en"] == "Holding temperatures"
    assert running.ask("stranger", "GET", "models/nowhere/schema").status_code == 404


def test_a_document_is_written_read_and_taken_away(running: Laboratory):
    dataset = running.dataset()
    assert running.ask("team", "GET", PATH.format(dataset)).status_code == 404
    written = running.ask("team", "PUT", PATH.format(dataset), json=DOCUMENT)
    assert written.status_code == 200
    assert written.json() == {**DOCUMENT, "ramp": {"value": 7.5, "unit": "K/min"}}
    read = running.ask("staff", "GET", PATH.format(dataset))
    assert read.json() == written.json()
    assert read.headers["etag"] == written.headers["etag"] == '"2"'
    gone = running.ask("team", "DELETE", PATH.format(dataset))
    assert (gone.status_code, gone.headers["etag"]) == (204, '"3"')
    assert running.ask("team", "DELETE", PATH.format(dataset)).status_code == 404
    with running.store.reading() as session:
        assert session.scalars(select(ParameterRow.name).where(ParameterRow.name.startswith("furnace_"))).all() == []


def test_fields_are_found_by_range_in_any_unit_and_words_in_full_text(running: Laboratory):
    assert put(running, running.dataset()) == 200
    assert found(running, "furnace_ramp 7..8 K/min") == ["tooth"]
    assert found(running, "furnace_ramp 0.1..0.2 K/s") == ["tooth"]
    assert found(running, "furnace_ramp 8..9 K/min") == []
    assert found(running, "wobbled") == ["tooth"]
    assert found(running, "wobbled", role="other team") == []


def test_a_text_that_the_file_keeps_out_of_searches_is_found_by_no_way_it_came(laboratory: Laboratory):
    furnace = laboratory.folder / "furnace.yaml"
    model = yaml.safe_load(furnace.read_text(encoding="utf-8"))
    (remarks,) = [field for field in model["fields"] if field["name"] == "remarks"]
    remarks["search"] = False
    furnace.write_text(yaml.safe_dump(model, allow_unicode=True), encoding="utf-8")
    with laboratory.started():
        assert put(laboratory, laboratory.dataset()) == 200
        assert ingested(laboratory, {"furnace": DOCUMENT})["outcome"] == "created"
        assert sorted(found(laboratory, "argon")) == ["oven-scan", "tooth"]
        assert found(laboratory, "wobbled") == []


def test_labels_of_fields_and_choices_lead_to_them_in_both_languages(running: Laboratory):
    assert put(running, running.dataset()) == 200
    for q in (
        "升温速率 7..8 K/min",
        "ramp rate 7..8 K/min",
        "furnace_atmosphere:argon",
        "气氛:氩气",
        "氩气",
        "原位加热炉",
    ):
        assert found(running, q) == ["tooth"], q
    assert found(running, "furnace_atmosphere:vacuum") == []


def test_facets_count_by_the_labels_of_the_file(running: Laboratory):
    for name, gas in (("one", "argon"), ("two", "argon"), ("three", "air")):
        assert put(running, running.dataset(name), {"ramp": 1, "atmosphere": gas}) == 200
    facets = running.ask("team", "GET", "datasets/facets").json()["facets"]
    (facet,) = [one for one in facets if one["name"] == "furnace_atmosphere"]
    assert facet["label"] == {"en": "Atmosphere", "zh": "气氛"}
    assert {(one["value"], one["label"]["zh"], one["count"]) for one in facet["values"]} == {
        ("argon", "氩气", 2),
        ("air", "空气", 1),
    }


def ingested(laboratory: Laboratory, models: object) -> dict[str, object]:
    record = laboratory.world.record("oven-scan").model_dump(mode="json") | {"models": models}
    answer = laboratory.ask("ingest", "POST", "datasets:bulk", json=[record])
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()[0]
    return told


def test_a_record_brings_its_documents_along(running: Laboratory):
    assert ingested(running, {"furnace": DOCUMENT})["outcome"] == "created"
    assert found(running, "furnace_ramp 7..8 K/min") == found(running, "氩气") == ["oven-scan"]
    assert ingested(running, {"furnace": {"ramp": 20}})["outcome"] == "updated"
    assert found(running, "furnace_ramp 7..8 K/min") == found(running, "氩气") == []
    assert found(running, "furnace_ramp 20..21 K/min") == ["oven-scan"]


def test_a_record_that_says_nothing_of_a_model_leaves_its_document(running: Laboratory):
    dataset = str(ingested(running, {})["dataset"])
    assert put(running, dataset) == 200
    later = running.world.record("oven-scan", software="reader 2").model_dump(mode="json")
    assert running.ask("ingest", "POST", "datasets:bulk", json=[later]).json()[0]["outcome"] == "updated"
    assert running.ask("team", "GET", PATH.format(dataset)).json()["atmosphere"] == "argon"
    assert found(running, "furnace_ramp 7..8 K/min") == found(running, "wobbled") == ["oven-scan"]


def test_a_record_with_a_wrong_document_is_refused_with_the_name_of_the_field(running: Laboratory):
    told = ingested(running, {"furnace": {"ramp": "fast"}})
    assert told["outcome"] == "refused"
    assert "models.furnace: ramp: Input should be a valid number" in json.dumps(told["problem"])
    assert ingested(running, {"oven": {}})["outcome"] == "refused"


def test_a_changed_document_is_no_more_found_by_what_it_said(running: Laboratory):
    dataset = running.dataset()
    assert put(running, dataset) == 200
    assert put(running, dataset, {"ramp": 50}) == 200
    assert found(running, "furnace_ramp 7..8 K/min") == []
    assert found(running, "wobbled") == []
    assert found(running, "furnace_ramp 49..51 K/min") == ["tooth"]


def test_every_change_is_noted_with_what_was_there_before(running: Laboratory):
    dataset = running.dataset()
    with running.store.reading() as session:
        before = session.scalars(select(DatasetRow)).one()
    assert put(running, dataset) == 200
    assert put(running, dataset) == 200
    assert put(running, dataset, {"ramp": 1}) == 200
    assert running.ask("team", "DELETE", PATH.format(dataset)).status_code == 204
    with running.store.reading() as session:
        changes = session.scalars(
            select(Change).where(Change.action.startswith("model-")).order_by(Change.number)
        ).all()
        after = session.scalars(select(DatasetRow)).one()
    assert [(one.action, one.version, one.by, one.beamtime) for one in changes] == [
        ("model-set", 2, "ada", "BT-1"),
        ("model-set", 3, "ada", "BT-1"),
        ("model-removed", 4, "ada", "BT-1"),
    ]
    assert json.loads(changes[0].before or "") == {"models": {"furnace": None}}
    assert json.loads(changes[1].before or "")["models"]["furnace"]["remarks"] == "crucible wobbled"
    assert json.loads(changes[2].before or "") == {"models": {"furnace": {"ramp": {"value": 1.0, "unit": "K/min"}}}}
    assert after.version == 4
    assert after.changed_at >= before.changed_at


def test_of_two_writers_the_second_learns_the_present_version(running: Laboratory):
    dataset = running.dataset()
    assert put(running, dataset, {"ramp": 1}, **{"If-Match": '"1"'}) == 200
    late = running.ask("staff", "PUT", PATH.format(dataset), json={"ramp": 2}, headers={"If-Match": '"1"'})
    assert late.status_code == 409
    assert late.json()["version"] == 2
    assert "version 2" in late.json()["detail"]
    assert running.ask("team", "DELETE", PATH.format(dataset), headers={"If-Match": '"1"'}).status_code == 409
    assert running.ask("team", "GET", PATH.format(dataset)).json()["ramp"]["value"] == 1
    assert put(running, dataset, {"ramp": 3}, **{"If-Match": 'W/"2"'}) == 200
    assert put(running, dataset, {"ramp": 4}, **{"If-Match": "*"}) == 200
    assert put(running, dataset, {"ramp": 5}) == 200


@pytest.mark.parametrize(
    "document", [{}, {"ramp": "fast"}, {"ramp": 1, "colour": "red"}, [], None, 5, {"ramp": 10**400}]
)
def test_a_wrong_document_changes_nothing(running: Laboratory, document: object):
    dataset = running.dataset()
    answer = running.ask("team", "PUT", PATH.format(dataset), json=document)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    with running.store.reading() as session:
        assert session.scalars(select(DatasetRow.version)).all() == [1]


READ = {"team": 200, "staff": 200, "admin": 200, "ingest": 200, "other team": 404, "stranger": 404}
UNKNOWN = {"nobody": 401, "unlisted": 403, "without scope": 403, "other service": 403}


def test_each_role_gets_exactly_its_rights(running: Laboratory):
    dataset = running.dataset()
    path = PATH.format(dataset)
    assert put(running, dataset) == 200
    for role, status in (READ | UNKNOWN).items():
        assert running.ask(role, "GET", path).status_code == status, role
        assert running.ask(role, "PUT", path, json=DOCUMENT).status_code == status, role
        known = 200 if role in READ else status
        for open_to_all in ("techniques", "models", "models/furnace/schema"):
            assert running.ask(role, "GET", open_to_all).status_code == known, role
    for role, status in (READ | UNKNOWN).items():
        assert running.ask(role, "DELETE", path).status_code == (204 if status == 200 else status), role
        put(running, dataset)


def test_whoever_reads_released_data_does_not_describe_them(running: Laboratory):
    dataset = running.dataset()
    assert put(running, dataset) == 200
    with running.store.writing() as session:
        row = session.scalars(select(DatasetRow)).one()
        row.released_at, row.released_to = row.listed_at, "registered"
    path = PATH.format(dataset)
    assert running.ask("stranger", "GET", path).status_code == 200
    refused = running.ask("stranger", "PUT", path, json={"ramp": 1})
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("not-yours-to-describe")
    assert running.ask("other team", "DELETE", path).status_code == 403


def test_how_many_documents_there_are_is_told_to_those_who_run_the_facility(running: Laboratory):
    assert put(running, running.dataset()) == 200
    for role in ("admin", "ingest"):
        assert running.ask(role, "GET", "models").json()[0]["documents"] == {"1": 1}
    assert running.ask("team", "GET", "models").json()[0]["documents"] is None
