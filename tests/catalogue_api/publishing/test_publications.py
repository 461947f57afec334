"""Publishing data: who may, what is checked, and what everybody can read afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from beamtorch_catalogue.command import main

CREATOR = {
    "name": {"en": "Ada Okafor", "zh": "阿达·奥卡福"},
    "family_name": "Okafor",
    "given_name": "Ada",
    "orcid": "0000-0002-1825-0097",
}


def request(*datasets: str, **changes: Any) -> dict[str, Any]:
    return {
        "title": {"en": "Teeth", "zh": "牙齿"},
        "abstract": {"en": "Scans of teeth.", "zh": "牙齿扫描。"},
        "licence": "CC-BY-4.0",
        "creators": [CREATOR],
        "datasets": list(datasets),
        **changes,
    }


def test_data_under_embargo_are_published_only_by_saying_so_and_are_open_then(archive: Any):
    one, two = archive.add("one"), archive.add("two")
    refused = archive.ask("team", "POST", "publications", json=request(one, two))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:beamtorch:problem:not-released")
    assert one in refused.json()["detail"]
    assert archive.ask("stranger", "GET", f"datasets/{one}").status_code == 404
    made = archive.ask("team", "POST", "publications", json=request(one, two, release=True)).json()
    assert made["pid"].startswith("local/pub-")
    assert sorted(made["datasets"]) == sorted([archive.pid(one), archive.pid(two)])
    assert made["citation"]["en"].startswith("Okafor, A. (2026). Teeth [Data set]. Test Source. http")
    for dataset in (one, two):
        told = archive.ask("stranger", "GET", f"datasets/{dataset}").json()
        assert (told["released_to"], told["is_released"]) == ("world", True)
    notes = [note[:3] for note in archive.noted("embargo-changed", "published")]
    assert sorted(notes) == sorted(
        [
            ("dataset", one, "embargo-changed"),
            ("dataset", two, "embargo-changed"),
            ("publication", made["pid"], "published"),
        ]
    )


def test_released_data_are_published_as_they_are(archive: Any, opens: Any):
    dataset = archive.add("one")
    archive.at(opens)
    made = archive.ask("team", "POST", "publications", json=request(dataset))
    assert made.status_code == 200
    assert archive.ask("admin", "GET", f"datasets/{dataset}").json()["released_to"] == "registered"
    assert archive.noted("embargo-changed") == []


def test_the_same_request_again_finds_what_it_made_and_other_words_are_refused(archive: Any):
    dataset = archive.add("one")
    first = archive.ask("team", "POST", "publications", json=request(dataset, release=True)).json()
    archive.clock.go(3600)
    again = archive.ask("team", "POST", "publications", json=request(dataset, release=True)).json()
    assert again == first
    other = archive.ask("team", "POST", "publications", json=request(dataset, licence="CC0-1.0"))
    assert (other.status_code, other.json()["pid"]) == (409, first["pid"])
    assert len(archive.noted("published")) == 1


def test_datasets_of_two_proposals_or_unknown_ones_are_refused_and_nothing_is_opened(archive: Any):
    mine, theirs = archive.add("mine"), archive.add("theirs", "BT-2")
    both = archive.ask("admin", "POST", "publications", json=request(mine, theirs, release=True))
    assert (both.status_code, both.json()["type"]) == (422, "urn:beamtorch:problem:several-proposals")
    for other in (theirs, "ds-aaaaaaaaaaaaaaaa"):
        refused = archive.ask("team", "POST", "publications", json=request(mine, other, release=True))
        assert (refused.status_code, refused.json()["type"]) == (404, "urn:beamtorch:problem:no-such-dataset")
    assert archive.noted("embargo-changed", "published") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"title": {"en": " ", "zh": "牙齿"}},
        {"licence": "my own words"},
        {"creators": []},
        {"creators": [CREATOR | {"given_name": None}]},
        {"creators": [CREATOR | {"orcid": "0000-0002-1825-0098"}]},
        {"datasets": []},
        {"abstract": {"en": "x" * 20_001, "zh": "牙"}},
    ],
)
def test_what_cannot_be_cited_is_refused(archive: Any, changes: Any):
    dataset = archive.add("one")
    answer = archive.ask("team", "POST", "publications", json=request(dataset, release=True) | changes)
    assert answer.status_code == 422
    assert archive.noted("published") == []


def test_pages_of_the_list_are_newest_first_and_everybody_registered_may_read_them(archive: Any):
    made = []
    for number in range(5):
        dataset = archive.add(f"scan{number}")
        title = {"en": f"Title {number}", "zh": f"标题 {number}"}
        body = request(dataset, title=title, release=True)
        made.append(archive.ask("team", "POST", "publications", json=body).json()["pid"])
        if number != 2:  # two at the same moment
            archive.clock.go(60)
    seen, after = [], None
    while True:
        page = archive.world.client("stranger").publications(limit=2, after=after)
        seen += [one.pid for one in page.publications]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(made)
    assert {seen[0], seen[-1]} == {made[4], made[0]}
    assert archive.world.client("stranger").publications(proposal="P2").publications == ()
    assert archive.world.client("stranger").publication(made[0]).title.en == "Title 0"
    assert archive.ask("stranger", "GET", "publications", params={"after": "local/none"}).status_code == 422
    missing = archive.ask("stranger", "GET", "publications/local/none")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:beamtorch:problem:no-such-publication")


def test_each_role_does_exactly_what_is_theirs(archive: Any):
    nobody = {"nobody": 401, "unlisted": 403, "without scope": 403, "other service": 403}
    reading = dict.fromkeys(("stranger", "other team", "team", "staff", "admin", "ingest"), 200)
    publishing = {"stranger": 404, "other team": 404, "staff": 403, "ingest": 403, "team": 200, "admin": 200}
    got = {}
    for role in nobody | publishing:
        archive.world.begin_again()
        body = request(archive.add("one"), release=True)
        got[role] = archive.ask(role, "POST", "publications", json=body).status_code
        assert len(archive.noted("published")) == (got[role] == 200)
    assert got == nobody | publishing
    pid = archive.ask("admin", "POST", "publications", json=request(archive.add("one"), release=True)).json()["pid"]
    for path in ("publications", f"publications/{pid}"):
        assert {role: archive.ask(role, "GET", path).status_code for role in nobody | reading} == nobody | reading


def test_a_citation_of_data_under_embargo_is_for_those_who_may_read_them(archive: Any):
    dataset = archive.add("one")
    expected = {"nobody": 401, "unlisted": 403, "without scope": 403, "other service": 403}
    expected |= {"stranger": 404, "other team": 404, "team": 200, "staff": 200, "admin": 200, "ingest": 200}
    path = f"datasets/{dataset}/citation"
    assert {role: archive.ask(role, "GET", path).status_code for role in expected} == expected
    assert "Ada Okafor (2029). one: Old teeth [Data set]." in archive.ask("team", "GET", path).text
    jsonld = archive.ask("team", "GET", path, params={"format": "jsonld"})
    assert jsonld.headers["content-type"].startswith("application/ld+json")
    assert jsonld.json()["conditionsOfAccess"] == "Under embargo until 2029-10-08"


def test_the_commands_publish_and_export(archive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    dataset = archive.add("one")
    file = tmp_path / "publication.yaml"
    file.write_text(yaml.safe_dump(request(dataset)), encoding="utf-8")
    at = ["--url", archive.world.url, "--token", archive.world.tokens["team"]]

    def run(*words: str) -> str:
        assert main([*at, *words]) == 0
        return capsys.readouterr().out

    pid = json.loads(run("publish", str(file), "--release", "--json"))["pid"]
    assert "Okafor, A. (2026). Teeth" in run("publish", str(file), "--release")
    assert run("export", pid).startswith("Okafor, A. (2026). Teeth [Data set].")
    assert '<rights rightsURI="https://creativecommons.org/licenses/by/4.0/"' in run(
        "export", pid, "--format", "datacite"
    )
    assert run("export", dataset, "--format", "bibtex").startswith("@dataset{local-")
    assert json.loads(run("export", dataset, "--format", "jsonld"))["isPartOf"][0]["identifier"] == pid
    assert f"dataset:{dataset}" in json.loads(run("export", dataset, "--format", "prov"))["entity"]
