"""`beamtorch catalogue import`, `role` and `station`, from the front door; and plugins that bring other ways."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from beamtorch_catalogue import command
from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.office import OfficeError, open_office
from beamtorch_catalogue.testing.world import World, facility_records
from beamtorch_facility.errors import BeamtorchError


@pytest.fixture
def run(light_world: World, capsys: pytest.CaptureFixture[str]):
    light_world.begin_again()

    def run(*arguments: str, role: str = "ingest") -> str:
        assert command.main(["--url", light_world.url, "--token", light_world.tokens[role], *arguments]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {
        "people": "username,name_en,name_zh\nbo,Bo Lindqvist,林博\n",
        "proposals": "proposal,title_en,title_zh,principal_investigator\n"
        "P1,Very old teeth,古代牙齿,ada\nP3,Bread,面包,bo\n",
        "roles": "proposal,username,role\nP3,bo,principal-investigator\n",
    }.items():
        (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
    return tmp_path


def test_a_dry_run_tells_what_an_import_does_and_the_same_again_changes_nothing(run, folder: Path, light_world: World):
    rehearsed = run("import", "--csv", str(folder), "--dry-run")
    head, _, *lines = rehearsed.splitlines()
    assert head == "4 records would be created or changed; nothing was."
    assert [row.split() for row in lines if row.startswith(("proposals ", "people ", "samples "))] == [
        ["people", "1", "0", "0", "0"],
        ["proposals", "1", "1", "0", "1"],
        ["samples", "0", "0", "0", "2"],
    ]
    assert "people, new: bo" in lines
    assert "proposals, changed: P1 (title_en)" in lines
    assert "proposals, not at the source and kept: P2" in lines
    assert len(light_world.client("admin").proposals()) == 2
    assert run("import", "--csv", str(folder)).startswith("4 records created or changed.\n")
    assert run("import", "--csv", str(folder)).startswith("Nothing changed: all of it was there already.\n")
    assert run("import", "--csv", str(folder), "--dry-run").startswith("Nothing would change.\n")
    assert [p.proposal for p in light_world.client("admin").proposals()] == ["P1", "P2", "P3"]


def test_a_yaml_file_is_imported_and_the_report_is_there_for_programs(run, tmp_path: Path):
    document = facility_records().model_dump(mode="json")
    document["samples"][0]["formula"] = "Ca5(PO4)3OH"
    file = tmp_path / "facility.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    report = json.loads(run("import", str(file), "--json"))
    assert report["samples"]["updated_names"] == [{"name": "P1/molar", "fields": ["formula"]}]
    assert report["is_rehearsal"] is False


def test_a_fault_in_any_file_keeps_the_whole_import_back(run, folder: Path, light_world: World):
    with (folder / "roles.csv").open("a") as file:
        file.write("P3,bo,Not A Role\n")
    with pytest.raises(OfficeError) as error:
        run("import", "--csv", str(folder))
    assert "roles.csv, line 3, column role" in error.value.detail.en
    assert error.value.exit_code == 2
    assert len(light_world.client("admin").proposals()) == 2


def test_what_refers_to_nothing_is_refused_by_the_catalogue(run, folder: Path):
    (folder / "people.csv").unlink()
    with pytest.raises(CatalogueRefusedError) as error:
        run("import", "--csv", str(folder))
    assert "role P3/bo/principal-investigator refers to person bo" in error.value.detail.en


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("people: [", "line 2, column 1"),
        ("people: [{username: A B, name: {en: a, zh: b}}]", "people.0.username"),
        ("peeple: []", "peeple: Extra inputs are not permitted"),
        ("- 1", "valid dictionary"),
    ],
)
def test_a_yaml_file_that_makes_no_sense_is_told_with_its_place(run, tmp_path: Path, content: str, said: str):
    file = tmp_path / "facility.yaml"
    file.write_text(content + "\n", encoding="utf-8")
    with pytest.raises(OfficeError) as error:
        run("import", str(file))
    assert said in error.value.detail.en
    assert str(file) in error.value.detail.en


def test_a_person_may_not_import(run, folder: Path):
    with pytest.raises(CatalogueRefusedError) as error:
        run("import", "--csv", str(folder), role="team")
    assert error.value.code == "not-an-ingestor"


def test_roles_and_stations_are_set_and_removed_and_it_is_said_what_they_are_not(run, light_world: World):
    out = run("role", "set", "P1", "sam", "local-contact", role="team")
    assert "Sam Staff is local-contact in P1." in out
    assert "They let nobody read anything" in out
    assert run("role", "remove", "P1", "sam", role="team").startswith("sam has no role in P1.")
    assert "Hutch A" in run("station", "set", "BL1", "hutch-a", "Hutch A", "--zh", "甲站", role="staff")
    assert light_world.client("team").instruments()[0].stations[0].name.zh == "甲站"
    run("station", "remove", "BL1", "hutch-a", role="staff")
    assert light_world.client("team").instruments()[0].stations == ()
    with pytest.raises(BeamtorchError):
        run("station", "set", "BL1/../x", "a", "A")


PLUGIN = """
from beamtorch_catalogue.wire import FacilityRecords

class Office:
    def __init__(self, place):
        self.place = place

    def records(self):
        person = {"username": self.place.name, "name": {"en": "From a plugin", "zh": "来自插件"}}
        return FacilityRecords.model_validate({"people": [person]})
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "office_of_ours.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(distribution: str, value: str) -> None:
        place = tmp_path / f"{distribution}-1.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        (place / "entry_points.txt").write_text(f"[beamtorch.user_offices]\nours = {value}\n")

    yield install
    sys.modules.pop("office_of_ours", None)


def test_a_facility_brings_its_own_way(run, plugin, light_world: World):
    plugin("ours", "office_of_ours:Office")
    run("import", "--from", "ours", "somewhere/zoe")
    assert [p.name.zh for p in light_world.client("admin").people("zoe")] == ["来自插件"]


def test_a_plugin_that_is_missing_doubled_or_broken_is_named(plugin, tmp_path: Path):
    def said() -> str:
        with pytest.raises(OfficeError) as error:
            open_office("ours", tmp_path)
        return error.value.detail.en

    assert "There is no way “ours” to the user office. There are: csv, rest, yaml" in said()
    plugin("broken", "office_of_ours:Nothing")
    assert "cannot be loaded" in said()
    assert "broken" in said()
    plugin("ours", "office_of_ours:Office")
    assert "Several packages" in said()
